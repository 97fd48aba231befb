use super::*;

/// Links of which nobody would say that they deceive, and where they redirect to.
const HONEST: [&[&str]; 66] = [
    &["https://example.com/"],
    &["http://example.com/a/b?c=d#e"],
    &["http://example.com/", "https://example.com/"],
    &["https://example.com/", "https://www.example.com/home"],
    &["https://www.example.co.uk/", "https://shop.example.co.uk/x"],
    &[
        "https://example.com/1",
        "https://example.com/2",
        "https://example.com/3",
    ],
    &[
        "https://example.com/0",
        "https://example.com/1",
        "https://example.com/2",
        "https://example.com/3",
        "https://example.com/4",
        "https://example.com/5",
    ],
    &["https://example.com:443/"],
    &["http://example.com:80/"],
    &["https://example.com./"],
    &["https://www.pinterest.com/pin/1/"],
    &["https://pinterest.de/pin/1/"],
    &["https://www.google.com/search?q=tag"],
    &["https://www.google.com.au/maps"],
    &["https://google.co.jp/"],
    &["https://mail.google.com/"],
    &["https://www.amazon.com/dp/B000000000"],
    &["https://www.amazon.fr/dp/B000000000?th=1"],
    &["https://apple.com/"],
    &["https://apple.com.cn/"],
    &["https://www.paypal.com/signin"],
    &["https://paypal.me/somebody"],
    &["https://en.wikipedia.org/wiki/Typosquatting"],
    &["https://de.wikipedia.org/wiki/%C3%84pfel"],
    &["https://github.com/a/b"],
    &["https://a.github.io/"],
    &["https://blog.example.org/2014/08/send-a-pin?tag=kitchen"],
    &["https://example.org/?at=10&aid=4&campid=2"],
    &["https://example.org/?ref=newsletter&utm_source=x"],
    &["https://example.org/affiliates"],
    &["https://example.org/redirect?url=https%3A%2F%2Fexample.org%2Fx"],
    &["https://etsy.com/listing/1"],
    &["https://www.etsy.com/de/listing/1"],
    &["https://ebay.com/itm/1"],
    &["https://bbc.co.uk/news"],
    &["https://www.youtube.com/watch?v=x"],
    &["https://targets.example/"],
    &["https://visa.example.gov/"],
    &["https://applepie.example/recipes"],
    &["https://pineapple.com/"],
    &["https://hostbit.ly.example/"],
    &["https://orbit.ly/"],
    &["https://t.company/"],
    &["https://b\u{fc}cher.example/"],
    &["https://xn--bcher-kva.example/"],
    &["https://caf\u{e9}.fr/"],
    &["https://m\u{fc}nchen.de/"],
    &["https://smörgås.se/"],
    &["https://łódź.pl/"],
    &["https://coração.com.br/"],
    &["https://пример.рф/"],
    &["https://президент.рф/"],
    &["https://українська.укр/"],
    &["https://παράδειγμα.gr/"],
    &["https://例え.jp/"],
    &["https://日本語ドメイン.jp/"],
    &["https://日本語abc.jp/"],
    &["https://東京タワー.jp/"],
    &["https://中文.com/"],
    &["https://中国互联网.cn/"],
    &["https://한국.kr/"],
    &["https://한국abc.kr/"],
    &["https://مثال.com/"],
    &["https://דוגמה.co.il/"],
    &["https://उदाहरण.com/"],
    &["https://ตัวอย่าง.com/"],
];

/// Links that deceive, where they redirect to, and what is held against them.
const HOSTILE: [(&[&str], &[Reason]); 71] = {
    use Reason::{
        Affiliate, ListedDomain, LongChain, LookAlike, MixedScript, NumericHost, OtherDomain,
        Shortener, Unreachable, UnusualPort, UserInfo,
    };
    [
        (&["https://bit.ly/x"], &[Shortener]),
        (&["https://BIT.LY/x"], &[Shortener]),
        (&["http://bit.ly./x"], &[Shortener]),
        (&["https://t.co/x"], &[Shortener]),
        (&["https://tinyurl.com/x"], &[Shortener]),
        (&["https://www.tinyurl.com/x"], &[Shortener]),
        (&["https://goo.gl/maps/x"], &[Shortener]),
        (&["https://b\u{ff49}t.ly/x"], &[Shortener]),
        (
            &["https://bit.ly/x", "https://evil.example/"],
            &[Shortener, OtherDomain],
        ),
        (
            &["https://kitchen.example/", "https://pills.example/"],
            &[OtherDomain],
        ),
        (&["https://a.co.uk/", "https://b.co.uk/"], &[OtherDomain]),
        (
            &["https://a.github.io/", "https://b.github.io/"],
            &[OtherDomain],
        ),
        (
            &[
                "https://a.example/",
                "https://b.example/",
                "https://a.example/",
            ],
            &[OtherDomain],
        ),
        (
            &["https://a.example/", "https://a.example.evil.com/"],
            &[OtherDomain],
        ),
        (
            &[
                "https://a.example/",
                "https://bit.ly/x",
                "https://b.example/",
            ],
            &[Shortener, OtherDomain],
        ),
        (
            &[
                "https://a.com/0",
                "https://a.com/1",
                "https://a.com/2",
                "https://a.com/3",
                "https://a.com/4",
                "https://a.com/5",
                "https://a.com/6",
            ],
            &[LongChain],
        ),
        (
            &["https://a.example/", "http://192.0.2.1/"],
            &[OtherDomain, NumericHost],
        ),
        (
            &["https://a.example/", "https://a.example:8443/"],
            &[UnusualPort],
        ),
        (&["https://a.example/", "not an address"], &[Unreachable]),
        (
            &["https://a.example/", "javascript:alert(1)"],
            &[OtherDomain, Unreachable],
        ),
        (&["http://192.0.2.1/"], &[NumericHost]),
        (&["http://3221225985/"], &[NumericHost]),
        (&["http://0xC0000201/"], &[NumericHost]),
        (&["http://0300.0.2.1/"], &[NumericHost]),
        (&["http://[2001:db8::1]/"], &[NumericHost]),
        (&["http://[::ffff:192.0.2.1]/"], &[NumericHost]),
        (&["http://1\u{ff19}2.0.2.1/"], &[NumericHost]),
        (&["http://192\u{3002}0\u{3002}2\u{3002}1/"], &[NumericHost]),
        (&["http://192.0.2.1:8080/"], &[NumericHost, UnusualPort]),
        (&["https://paypal.com@evil.example/"], &[UserInfo]),
        (&["https://user:pass@evil.example/"], &[UserInfo]),
        (&["https://paypal.com%2f@evil.example/"], &[UserInfo]),
        (&["https://a.example:8443/"], &[UnusualPort]),
        (&["http://a.example:443/"], &[UnusualPort]),
        (&["https://a.example:80/"], &[UnusualPort]),
        (&["https://www.amazon.com/dp/1?tag=spam-20"], &[Affiliate]),
        (
            &["https://www.amazon.de/dp/1?th=1&tag=spam-21"],
            &[Affiliate],
        ),
        (&["https://shop.example/?aff_id=1"], &[Affiliate]),
        (&["https://shop.example/?AFFID=1"], &[Affiliate]),
        (&["https://shop.example/?x=1&irclickid=2"], &[Affiliate]),
        (&["https://shop.example/?awc=1_2"], &[Affiliate]),
        (&["https://www.awin1.com/cread.php?awinmid=1"], &[Affiliate]),
        (&["https://click.linksynergy.com/deeplink"], &[Affiliate]),
        (&["https://someone.sjv.io/x"], &[Affiliate]),
        (&["https://www.booking.com/hotel?aid=1"], &[Affiliate]),
        (&["https://www.ebay.com/itm/1?campid=1"], &[Affiliate]),
        (
            &[
                "https://shop.example/",
                "https://www.shareasale.com/r.cfm",
                "https://shop.example/?sscid=1",
            ],
            &[OtherDomain, Affiliate],
        ),
        (&["https://paypa1.com/"], &[LookAlike]),
        (&["https://g00gle.com/"], &[LookAlike]),
        (&["https://rnicrosoft.com/"], &[LookAlike]),
        (&["https://arnazon.com/"], &[LookAlike]),
        (&["https://login.paypa1.com/"], &[LookAlike]),
        (&["https://paypa1.net/"], &[LookAlike]),
        (&["https://paypal.com.evil.example/"], &[LookAlike]),
        (&["https://www.apple.com.login.example/"], &[LookAlike]),
        (&["https://pinterest.com.pins.example/"], &[LookAlike]),
        // Cyrillic throughout.
        (
            &["https://\u{430}\u{440}\u{440}\u{4cf}\u{435}.com/"],
            &[LookAlike],
        ),
        (&["https://xn--80ak6aa92e.com/"], &[LookAlike]),
        // One Cyrillic letter among Latin ones.
        (&["https://\u{430}pple.com/"], &[MixedScript, LookAlike]),
        (&["https://p\u{430}ypal.com/"], &[MixedScript, LookAlike]),
        (
            &["https://g\u{43e}\u{43e}gle.com/"],
            &[MixedScript, LookAlike],
        ),
        (&["https://pint\u{435}rest.com/"], &[MixedScript, LookAlike]),
        (&["https://kitch\u{435}n.example/"], &[MixedScript]),
        // A Greek omicron.
        (&["https://kit\u{3bf}.example/"], &[MixedScript]),
        (
            &["https://g\u{3bf}\u{3bf}gle.com/"],
            &[MixedScript, LookAlike],
        ),
        (&["https://listed.example/"], &[ListedDomain]),
        (&["https://www.listed.example/x"], &[ListedDomain]),
        (&["https://a.b.listed.example./x"], &[ListedDomain]),
        (&["https://LISTED.example/"], &[ListedDomain]),
        (
            &["https://bit.ly/x", "https://listed.example/"],
            &[ListedDomain, Shortener, OtherDomain],
        ),
        (
            &[
                "https://kitchen.example/",
                "https://hop.example/",
                "https://x.listed.example:444/",
            ],
            &[ListedDomain, OtherDomain, UnusualPort],
        ),
    ]
};

fn judged(hops: &[&str]) -> Judgement {
    let (link, redirects) = hops.split_first().expect("a link");
    let journey = Journey {
        redirects: redirects.iter().map(ToString::to_string).collect(),
        is_unreachable: false,
    };
    let suspect = Suspect {
        link,
        journey: Some(&journey),
    };
    let listed = BTreeSet::from(["listed.example".to_owned()]);
    judge(&suspect, &listed, &Lists::ours())
}

#[test]
fn honest_links_pass() {
    for hops in HONEST {
        assert_eq!(judged(hops), Judgement::ok(), "{hops:?}");
    }
}

#[test]
fn hostile_links_are_found_out_and_why() {
    for (hops, reasons) in HOSTILE {
        let found = judged(hops);
        assert_eq!(found.reasons, reasons, "{hops:?}");
        let is_listed = reasons.contains(&Reason::ListedDomain);
        let verdict = if is_listed {
            Verdict::Blocked
        } else {
            Verdict::Warn
        };
        assert_eq!(found.verdict, verdict, "{hops:?}");
    }
}

#[test]
fn a_small_picture_is_held_against_a_link_whatever_else_is() {
    let of = |reasons: &[Reason]| Judgement::of(reasons.to_vec());
    let pending = Judgement {
        verdict: Verdict::Pending,
        reasons: Vec::new(),
    };
    let alone = of(&[Reason::SmallPicture]);
    assert_eq!(alone.verdict, Verdict::Warn);
    assert_eq!(Judgement::ok().with_small_picture(), alone);
    assert_eq!(pending.with_small_picture(), alone);
    assert_eq!(alone.clone().with_small_picture(), alone);
    for reason in [Reason::Unreachable, Reason::ListedDomain] {
        let both = of(&[reason, Reason::SmallPicture]);
        assert_eq!(of(&[reason]).with_small_picture(), both);
        assert_eq!(both.verdict, of(&[reason]).verdict);
    }
}

#[test]
fn a_link_that_cannot_be_looked_at_is_told() {
    let journey = Journey {
        redirects: Vec::new(),
        is_unreachable: true,
    };
    let suspect = Suspect {
        link: "https://example.com/",
        journey: Some(&journey),
    };
    let found = judge(&suspect, &BTreeSet::new(), &Lists::ours());
    assert_eq!(found.reasons, [Reason::Unreachable]);
}

#[test]
fn lists_are_extended() {
    let mut lists = Lists::ours();
    lists.add_shorteners("# mine\nSHORT.example # too\n\n");
    lists.add_affiliate_hosts("earns.example");
    lists.add_affiliate_parameters("who\nshop.example by");
    let judged = |link| {
        let suspect = Suspect {
            link,
            journey: None,
        };
        judge(&suspect, &BTreeSet::new(), &lists).reasons
    };
    assert_eq!(judged("https://short.example/x"), [Reason::Shortener]);
    assert_eq!(judged("https://a.earns.example/"), [Reason::Affiliate]);
    assert_eq!(judged("https://a.example/?who=1"), [Reason::Affiliate]);
    assert_eq!(
        judged("https://www.shop.example/?by=1"),
        [Reason::Affiliate]
    );
    assert_eq!(judged("https://other.example/?by=1"), []);
}

#[test]
fn names_are_read_back() {
    for verdict in Verdict::ALL {
        assert_eq!(Verdict::from_name(verdict.name()), Some(verdict));
    }
    for reason in Reason::ALL {
        assert_eq!(Reason::from_name(reason.name()), Some(reason));
    }
}
