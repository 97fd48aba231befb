//! Silence: whether a stranger can tell by time what became of a request, which no answer tells.

use std::rc::Rc;
use std::time::Duration;

use anyhow::{Context as _, Result, bail, ensure};
use serde::Deserialize;
use serde::de::IgnoredAny;

use crate::clock;
use crate::figures::Figures;
use crate::frame::Sent;
use crate::http::{Connection, Content, Request};
use crate::people::Person;
use crate::progress::Progress;
use crate::servers::Target;

/// What becomes of a request.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Fate {
    /// Its receiver does nothing.
    Silent,
    /// Its receiver takes it away after it came.
    Ignored,
    /// Its receiver had blocked the sender.
    Blocked,
    /// Its receiver wants none of strangers.
    Nobody,
}

impl Fate {
    const fn name(self) -> &'static str {
        match self {
            Self::Silent => "silent",
            Self::Ignored => "ignored",
            Self::Blocked => "blocked",
            Self::Nobody => "nobody",
        }
    }
}

const FATES: [Fate; 4] = [Fate::Silent, Fate::Ignored, Fate::Blocked, Fate::Nobody];
/// Strangers who ask, each this many receivers of each fate: a new account may ask ten people a day.
const SENDERS: usize = 150;
const EACH: usize = 2;
/// Strangers before them, who are not measured.
const WARM_UP: usize = 10;
/// Receivers of each fate.
const RECEIVERS: usize = 30;

/// What a sender does, and is measured.
const ACTS: [&str; 4] = ["dry run", "send", "next send", "look"];

#[derive(Deserialize)]
struct Made {
    id: String,
}

/// Times by act and fate.
type Times = [[Vec<Duration>; FATES.len()]; ACTS.len()];

/// One after the other asks, over one connection; the times of a sender's acts are compared by what becomes of them.
pub(crate) async fn run(target: &Target, progress: &Progress) -> Result<Figures> {
    let own = target.another().await?;
    let turns = WARM_UP + SENDERS;
    let count = 3 * turns + FATES.len() * RECEIVERS;
    let people = own.crowd.people(count, progress).await?;
    let (senders, others) = people.split_at(turns);
    let (bystanders, receivers) = others.split_at(2 * turns);
    let receivers: Vec<&[Rc<Person>]> = receivers.chunks(RECEIVERS).collect();
    for (fate, all) in FATES.iter().zip(&receivers) {
        for receiver in *all {
            prefer(&own, receiver, *fate).await?;
        }
    }
    progress.begin("asking strangers", senders.len());
    let mut connection = Connection::open(own.address(0)?).await?;
    let mut times = Times::default();
    for (turn, sender) in senders.iter().enumerate() {
        progress.step();
        // Somebody new each time: to block whom one has blocked changes nothing.
        let two = bystanders.get(2 * turn..2 * turn + 2);
        let who = (turn, sender, two.context("no bystanders")?);
        let asked = ask_all(&own, &mut connection, who, &receivers).await?;
        if turn < WARM_UP {
            continue;
        }
        for (act, fate, time) in asked {
            let place = FATES.iter().position(|it| *it == fate);
            let of_act = times.get_mut(act).zip(place);
            let all = of_act.and_then(|(fates, place)| fates.get_mut(place));
            all.context("no such act")?.push(time);
        }
    }
    Ok(figures(&mut times))
}

/// Whom a receiver wants to hear from.
async fn prefer(own: &Target, receiver: &Person, fate: Fate) -> Result<()> {
    let policy = if fate == Fate::Nobody {
        "nobody"
    } else {
        "requests"
    };
    let body = format!(r#"{{"contact_policy":{{"follows_me":"{policy}","everyone":"{policy}"}}}}"#);
    let token = receiver.token();
    let request = Request::new("PATCH", "/v5/user_account/settings");
    let request = request.by(&token).with(Content::Json(&body));
    let _: IgnoredAny = own.crowd.client().get(&request).await?;
    Ok(())
}

/// Something that a receiver does.
async fn receives(own: &Target, receiver: &Person, method: &'static str, path: &str) -> Result<()> {
    let token = receiver.token();
    let request = Request::new(method, path).by(&token);
    let (status, _) = own.crowd.client().ask(&request).await?;
    ensure!(status < 300, "{path} answered {status}");
    Ok(())
}

/// All that one stranger does: which act, to whom, and how long it took.
async fn ask_all(
    own: &Target,
    connection: &mut Connection,
    (turn, sender, bystanders): (usize, &Rc<Person>, &[Rc<Person>]),
    receivers: &[&[Rc<Person>]],
) -> Result<Vec<(usize, Fate, Duration)>> {
    let token = sender.token();
    let [one, other] = bystanders else {
        bail!("no bystanders")
    };
    // Each has a picture of their own: the same to many strangers waits for a moderator.
    let picture = format!("https://img.example/door-{turn}.jpg");
    let pin = format!(
        r#"{{"title":"Blue door","media_source":{{"source_type":"image_url","url":"{picture}"}}}}"#
    );
    let request = Request::new("POST", "/v5/pins").by(&token);
    let pin: Made = own
        .crowd
        .client()
        .get(&request.with(Content::Json(&pin)))
        .await?;
    let path = format!("/v5/pins/{}/send", pin.id);
    let dry = format!("{path}?dry_run=true");
    let mut found = Vec::new();
    for step in 0..FATES.len() * EACH {
        // Each fate comes at each place of a sender's acts equally often.
        let place = (step + turn) % FATES.len();
        let fate = *FATES.get(place).context("no fate")?;
        let receivers = receivers.get(place).context("no receivers")?;
        let turn = (turn * EACH + step / FATES.len()) % receivers.len();
        let receiver = receivers.get(turn).context("no receiver")?;
        // Also who does not block the sender blocks somebody, so that it is not this that makes the difference.
        let blocked = if fate == Fate::Blocked { sender } else { one };
        let blocks = format!("/v5/blocks/{}", blocked.id);
        receives(own, receiver, "PUT", &blocks).await?;
        let body = format!(
            r#"{{"recipients":[{{"user_id":"{}"}}],"mode":"separate"}}"#,
            receiver.id
        );
        let send = Request::new("POST", &path)
            .by(&token)
            .with(Content::Json(&body));
        let dry = Request { path: &dry, ..send };
        found.push((0, fate, timed(connection, &dry, 200).await?.0));
        let (time, answer) = timed(connection, &send, 201).await?;
        found.push((1, fate, time));
        let sent: Sent<'_> = serde_json::from_slice(&answer)?;
        let id = sent.results.first().context("no result")?.conversation_id;
        if fate == Fate::Ignored {
            let ignores = format!("/v5/contact_requests/{id}/ignore");
            receives(own, receiver, "POST", &ignores).await?;
        }
        // Whatever came before, the server has the same in memory after it.
        let blocks = format!("/v5/blocks/{}", other.id);
        receives(own, receiver, "PUT", &blocks).await?;
        let path = format!("/v5/conversations/{id}");
        let messages = format!("{path}/messages");
        let next = Request::new("POST", &messages).by(&token);
        let next = next.with(Content::Json(r#"{"text":"Hello?"}"#));
        found.push((2, fate, timed(connection, &next, 422).await?.0));
        let look = Request::new("GET", &path).by(&token);
        found.push((3, fate, timed(connection, &look, 200).await?.0));
    }
    Ok(found)
}

async fn timed(
    connection: &mut Connection,
    request: &Request<'_>,
    expected: u16,
) -> Result<(Duration, Vec<u8>)> {
    let began = clock::now();
    let (status, body) = connection.ask(request).await?;
    let time = began.elapsed();
    ensure!(
        status == expected,
        "{} answered {status}: {}",
        request.path,
        String::from_utf8_lossy(body)
    );
    Ok((time, body.to_vec()))
}

/// Of each act the medians, and how much more the greatest is than the least.
fn figures(times: &mut Times) -> Figures {
    let mut figures = Figures::default();
    let mut widest: f64 = 0.0;
    for (act, fates) in ACTS.iter().zip(times) {
        let medians = fates.iter_mut().map(|it| median_ms(it));
        let medians: Vec<f64> = medians.collect();
        for (fate, median) in FATES.iter().zip(&medians) {
            figures.add(format!("{act} {} p50 ms", fate.name()), *median);
        }
        let least = medians.iter().copied().fold(f64::MAX, f64::min);
        let greatest = medians.iter().copied().fold(0.0, f64::max);
        let width = 1e2 * (greatest / least - 1.0);
        widest = widest.max(width);
        figures.add(format!("{act} width %"), width);
    }
    figures.add("widest %", widest);
    figures
}

fn median_ms(times: &mut [Duration]) -> f64 {
    times.sort_unstable();
    let median = times.get(times.len() / 2).copied().unwrap_or_default();
    median.as_secs_f64() * 1e3
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_width_is_what_the_slowest_takes_more_than_the_fastest() {
        let mut times = Times::default();
        for fates in &mut times {
            for (all, ms) in fates.iter_mut().zip([100, 100, 104, 102]) {
                all.extend([Duration::ZERO, Duration::from_millis(ms), Duration::MAX]);
            }
        }
        let figures = figures(&mut times);
        assert_eq!(figures.value("send blocked p50 ms"), Some(104.0));
        let widest = figures.value("widest %").unwrap();
        assert!((widest - 4.0).abs() < 1e-9, "{widest}");
    }
}
