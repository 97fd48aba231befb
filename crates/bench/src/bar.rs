//! The bar: what must be reached, and what is aimed at.

use std::fmt::Write as _;

use serde::Serialize;

use crate::report::{Report, short};

/// What a figure is compared with.
#[derive(Debug, Clone, Copy)]
enum Base {
    /// The same figure of the same case on the Node peer: at least so many times as much.
    TimesNode,
    /// The same figure of the same case on the Node peer: at most this share of it.
    ShareOfNode,
    /// Another case and figure on the same profile: at least so many times as much.
    Times(&'static str, &'static str),
    /// Nothing: the value is at most this.
    AtMost,
}

/// A line of the bar.
struct Line {
    case: &'static str,
    profile: &'static str,
    figure: &'static str,
    base: Base,
    must: f64,
    aim: f64,
}

const fn line(
    case: &'static str,
    profile: &'static str,
    figure: &'static str,
    base: Base,
    (must, aim): (f64, f64),
) -> Line {
    Line {
        case,
        profile,
        figure,
        base,
        must,
        aim,
    }
}

const BAR: &[Line] = &[
    line(
        "W1 32 senders",
        "server",
        "sends/s",
        Base::TimesNode,
        (4.5, 7.5),
    ),
    line(
        "W1 128 senders",
        "server",
        "sends/s",
        Base::TimesNode,
        (7.0, 12.0),
    ),
    line(
        "W1 32 senders",
        "embedded",
        "sends/s",
        Base::TimesNode,
        (5.0, 8.0),
    ),
    line(
        "W2 groups of 10",
        "server",
        "delivered/s",
        Base::TimesNode,
        (3.5, 6.0),
    ),
    line(
        "W2b groups of 10",
        "server",
        "delivered/s",
        Base::Times("W2 groups of 10", "delivered/s"),
        (0.5, 1.0),
    ),
    line(
        "W3 10000 sockets",
        "server",
        "KiB/socket",
        Base::AtMost,
        (18.0, 13.0),
    ),
    line(
        "W3 10000 sockets",
        "embedded",
        "KiB/socket",
        Base::AtMost,
        (18.0, 13.0),
    ),
    line(
        "W4 page of 10000",
        "server",
        "pages/s",
        Base::TimesNode,
        (3.0, 4.5),
    ),
    line(
        "W5 200 a second",
        "server",
        "arrival p50 ms",
        Base::AtMost,
        (2.0, 1.5),
    ),
    line(
        "W5 200 a second",
        "server",
        "arrival p99 ms",
        Base::AtMost,
        (5.0, 3.5),
    ),
    line(
        "W5 1000 a second",
        "server",
        "arrival p50 ms",
        Base::AtMost,
        (2.0, 1.5),
    ),
    line(
        "W5 1000 a second",
        "server",
        "arrival p99 ms",
        Base::AtMost,
        (5.0, 3.5),
    ),
    line(
        "W6 groups of 10",
        "server",
        "marks/s",
        Base::Times("W2 groups of 10", "sends/s"),
        (1.0, 2.0),
    ),
    line(
        "W1 32 senders",
        "server",
        "CPU s/1000 delivered",
        Base::ShareOfNode,
        (1.0 / 5.0, 1.0 / 8.0),
    ),
    line(
        "W2 groups of 10",
        "server",
        "CPU s/1000 delivered",
        Base::ShareOfNode,
        (1.0 / 3.0, 1.0 / 5.0),
    ),
    line(
        "fairness",
        "server",
        "loaded/idle p99",
        Base::AtMost,
        (3.0, 2.0),
    ),
    line(
        "fairness",
        "embedded",
        "loaded/idle p99",
        Base::AtMost,
        (3.0, 2.0),
    ),
    line(
        "200 sign-ins a second",
        "server",
        "beside p99 ms",
        Base::AtMost,
        (500.0, 100.0),
    ),
    line(
        "200 sign-ins a second",
        "embedded",
        "beside p99 ms",
        Base::AtMost,
        (500.0, 100.0),
    ),
    line("silence", "server", "widest %", Base::AtMost, (5.0, 3.0)),
    line("silence", "embedded", "widest %", Base::AtMost, (5.0, 3.0)),
    line(
        "growth to 10^7",
        "server",
        "last/first CPU",
        Base::AtMost,
        (1.3, 1.1),
    ),
    line(
        "growth to 10^7",
        "embedded",
        "last/first CPU",
        Base::AtMost,
        (1.3, 1.1),
    ),
    line(
        "fan-out beside 5000",
        "server",
        "beside/alone CPU",
        Base::AtMost,
        (1.3, 1.1),
    ),
    line(
        "search in 10^6",
        "server",
        "common word p95 ms",
        Base::AtMost,
        (50.0, 25.0),
    ),
    line(
        "search in 10^6",
        "embedded",
        "common word p95 ms",
        Base::AtMost,
        (50.0, 25.0),
    ),
    line("start", "server", "ready s", Base::AtMost, (1.0, 1.0)),
    line("start", "embedded", "ready s", Base::AtMost, (1.0, 1.0)),
    line("start", "server", "idle MB", Base::AtMost, (30.0, 30.0)),
    line("start", "embedded", "idle MB", Base::AtMost, (30.0, 30.0)),
];

/// How a line of the bar stands.
#[derive(Debug, Serialize)]
pub(crate) struct Standing {
    case: &'static str,
    profile: &'static str,
    figure: &'static str,
    /// The ratio, or the value where nothing is compared.
    reached: f64,
    must: f64,
    aim: f64,
    verdict: &'static str,
}

/// Every line that was measured.
pub(crate) fn lines(report: &Report) -> Vec<Standing> {
    BAR.iter().filter_map(|it| standing(report, it)).collect()
}

fn standing(report: &Report, line: &Line) -> Option<Standing> {
    let value = report.spread(line.case, line.profile, line.figure)?.median;
    let node = || Some(report.spread(line.case, "node", line.figure)?.median);
    let (reached, least) = match line.base {
        Base::TimesNode => (value / node()?, true),
        Base::ShareOfNode => (value / node()?, false),
        Base::Times(case, figure) => (
            value / report.spread(case, line.profile, figure)?.median,
            true,
        ),
        Base::AtMost => (value, false),
    };
    let meets = |bound: f64| {
        if least {
            reached >= bound
        } else {
            reached <= bound
        }
    };
    let verdict = match (meets(line.aim), meets(line.must)) {
        (true, _) => "aim",
        (false, true) => "must",
        (false, false) => "SHORT",
    };
    Some(Standing {
        case: line.case,
        profile: line.profile,
        figure: line.figure,
        reached,
        must: line.must,
        aim: line.aim,
        verdict,
    })
}

/// The bar as a table; empty if nothing of it was measured.
pub(crate) fn table(report: &Report) -> String {
    let lines = lines(report);
    if lines.is_empty() {
        return String::new();
    }
    let mut out = format!(
        "\n{:<26}{:<11}{:<26}{:>9}{:>9}{:>9}\n",
        "the bar", "profile", "figure", "reached", "must", "aim"
    );
    for it in lines {
        let (reached, must, aim) = (short(it.reached), short(it.must), short(it.aim));
        let _ = writeln!(
            out,
            "  {:<24}{:<11}{:<26}{reached:>9}{must:>9}{aim:>9}  {}",
            it.case, it.profile, it.figure, it.verdict
        );
    }
    out
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::figures::Figures;
    use crate::report::Measured;

    fn measured(case: &str, profile: &'static str, figures: &[(&str, f64)]) -> Measured {
        let mut list = Figures::default();
        for (name, value) in figures {
            list.add(*name, *value);
        }
        Measured {
            case: case.to_owned(),
            profile,
            run: 1,
            figures: list,
        }
    }

    fn verdicts(measured: Vec<Measured>) -> Vec<(&'static str, String, &'static str)> {
        let report = Report { measured };
        let lines = lines(&report);
        lines
            .iter()
            .map(|it| (it.figure, short(it.reached), it.verdict))
            .collect()
    }

    #[test]
    fn what_is_compared_with_the_peer_is_a_ratio() {
        let of = |sends: f64, cpu: f64| [("sends/s", sends), ("CPU s/1000 delivered", cpu)];
        let found = verdicts(vec![
            measured("W1 32 senders", "server", &of(5_000.0, 0.1)),
            measured("W1 32 senders", "node", &of(1_000.0, 1.0)),
        ]);
        assert_eq!(
            found,
            [
                ("sends/s", "5.00".to_owned(), "must"),
                ("CPU s/1000 delivered", "0.10".to_owned(), "aim"),
            ]
        );
    }

    #[test]
    fn what_has_a_bound_is_its_value() {
        let slow = measured("W5 200 a second", "server", &[("arrival p50 ms", 2.5)]);
        assert_eq!(
            verdicts(vec![slow]),
            [("arrival p50 ms", "2.50".to_owned(), "SHORT")]
        );
    }

    #[test]
    fn without_the_peer_there_is_no_ratio() {
        let alone = measured("W1 32 senders", "server", &[("sends/s", 1.0)]);
        assert_eq!(verdicts(vec![alone]), []);
    }
}
