//! Links: judged when they are made, looked at, blocked, and told of.

use pinwire_domain::link::judge::{Journey, Reason, Verdict};
use pinwire_domain::message::PinState;
use pinwire_domain::pin::{PinChange, PinDraft, Wording};
use pinwire_domain::{ConversationId, PinId, Refusal, UserId, limits};
use pinwire_storage::events::What;
use pinwire_storage::links::LinkCheck;
use pinwire_storage::messages::Page;
use pinwire_storage::pin_snapshots::SentPin;

use crate::boards::full;
use crate::pins::refusal;
use crate::stores::TestStore;

const HOUR: i64 = 60 * 60 * 1_000;

fn redirecting_to(links: &[&str]) -> Journey {
    Journey {
        redirects: links.iter().map(ToString::to_string).collect(),
        is_unreachable: false,
    }
}

fn nowhere() -> Journey {
    Journey {
        redirects: Vec::new(),
        is_unreachable: true,
    }
}

impl TestStore {
    /// A pin that leads there.
    pub(crate) async fn pin_to(&self, owner: UserId, link: &str) -> PinId {
        let wording = Wording::default().link(Some(Some(link.into()))).unwrap();
        let draft = PinDraft::new(None, "https://img.example/1.jpg", wording).unwrap();
        let made = self.store.create_pin(full(owner), draft, None).await;
        made.unwrap().outcome
    }

    /// The pin of the newest message, as a person sees it.
    pub(crate) async fn sent_pin(&self, person: UserId, id: ConversationId) -> SentPin {
        let page = self.store.messages(person, id, Page::Newest, 1).await;
        page.unwrap().value[0].pin.clone().unwrap()
    }

    pub(crate) async fn check(&self, owner: UserId, pin: PinId) -> LinkCheck {
        let pin = self.store.pin(full(owner), pin).await.unwrap().value;
        pin.link_check.unwrap()
    }

    /// Looks at what is due; the links, in order.
    async fn looks_at_links(&self, found: &Journey) -> Vec<String> {
        let mut links = Vec::new();
        while let Some(due) = self.store.next_inspection().await.unwrap() {
            links.push(due.address.clone());
            self.store
                .note_inspection(due, found.clone())
                .await
                .unwrap();
        }
        links
    }

    /// How often a person heard after `seq` that a pin stands otherwise.
    pub(crate) async fn hears_of_pins(&self, person: UserId, seq: i64) -> usize {
        let heard = self.hears_of(person, seq).await.into_iter();
        heard
            .filter(|(_, what)| matches!(what, What::PinStates(..)))
            .count()
    }
}

both! {
    a_link_is_judged_at_once_by_its_address_and_then_by_where_it_leads(at) {
        let [ana, bo] = [at.person("ana"), at.person("bo")];
        let plain = at.pin_to(ana, "https://cats.example/1").await;
        let short = at.pin_to(ana, "https://bit.ly/1").await;
        assert_eq!(at.check(ana, plain).await.verdict, Verdict::Pending);
        let of_short = at.check(ana, short).await;
        assert_eq!((of_short.verdict, of_short.reasons), (Verdict::Warn, vec![Reason::Shortener]));
        let (id, _) = at.sends_to(ana, plain, bo).await;
        let seq = at.head().await;
        assert_eq!(at.sent_pin(bo, id).await.link_check.unwrap().verdict, Verdict::Pending);
        let found = redirecting_to(&[]);
        assert_eq!(at.looks_at_links(&found).await, ["https://cats.example/1", "https://bit.ly/1"]);
        let sent = at.sent_pin(bo, id).await;
        assert_eq!((sent.state, sent.link_check.unwrap().verdict), (PinState::Live, Verdict::Ok));
        assert_eq!(at.check(ana, short).await.verdict, Verdict::Warn);
        assert_eq!(at.hears_of_pins(bo, seq).await, 1);
        // Again after an hour and a day, and then no more.
        let mut looks = Vec::new();
        for hour in 0..60 {
            at.wait_millis(HOUR);
            if !at.looks_at_links(&found).await.is_empty() {
                looks.push(hour + 1);
            }
        }
        assert_eq!(looks, [1, 24]);
        assert_eq!(at.hears_of_pins(bo, seq).await, 1, "nothing changed");
    }

    who_holds_a_link_that_turns_bad_is_told_once(at) {
        let [ana, bo, cy] = [at.person("ana"), at.person("bo"), at.person("cy")];
        let pin = at.pin_to(ana, "https://cats.example/1").await;
        at.looks_at_links(&redirecting_to(&[])).await;
        let (with_bo, _) = at.sends_to(ana, pin, bo).await;
        let (with_cy, _) = at.sends_to(ana, pin, cy).await;
        let seq = at.head().await;
        at.wait_millis(HOUR);
        assert_eq!(at.looks_at_links(&redirecting_to(&["https://pills.example/"])).await.len(), 1);
        for (person, id) in [(bo, with_bo), (cy, with_cy)] {
            let check = at.sent_pin(person, id).await.link_check.unwrap();
            assert_eq!((check.verdict, check.reasons), (Verdict::Warn, vec![Reason::OtherDomain]));
            assert_eq!(at.hears_of_pins(person, seq).await, 1);
        }
        // Who sends it now sends it so.
        let (again, _) = at.sends_to(ana, pin, bo).await;
        assert_eq!(at.sent_pin(bo, again).await.link_check.unwrap().verdict, Verdict::Warn);
    }

    a_link_as_it_was_sent_stays_judged_when_the_pin_leads_elsewhere(at) {
        let [ana, bo] = [at.person("ana"), at.person("bo")];
        let pin = at.pin_to(ana, "https://bit.ly/1").await;
        let (id, _) = at.sends_to(ana, pin, bo).await;
        let link = Some(Some("https://cats.example/1".to_owned()));
        let wording = Wording::default().link(link).unwrap();
        let change = PinChange { board: None, wording };
        at.store.change_pin(full(ana), pin, change).await.unwrap();
        assert_eq!(at.check(ana, pin).await.verdict, Verdict::Pending);
        let sent = at.sent_pin(bo, id).await;
        assert_eq!(sent.state, PinState::LinkChanged);
        assert_eq!(sent.link_check.unwrap().reasons, [Reason::Shortener]);
        at.store.delete_pin(full(ana), pin).await.unwrap();
        let sent = at.sent_pin(bo, id).await;
        assert_eq!(sent.link_check.unwrap().verdict, Verdict::Warn);
    }

    a_link_that_cannot_be_looked_at_is_tried_thrice(at) {
        let ana = at.person("ana");
        let pin = at.pin_to(ana, "https://cats.example/1").await;
        for _ in 1..limits::LINK_TRIES {
            assert_eq!(at.looks_at_links(&nowhere()).await.len(), 1);
            assert_eq!(at.check(ana, pin).await.verdict, Verdict::Pending);
            at.wait_millis(limits::LINK_TRIED_AGAIN_MS - 1);
            assert_eq!(at.looks_at_links(&nowhere()).await, [""; 0]);
            at.wait_millis(1);
        }
        assert_eq!(at.looks_at_links(&nowhere()).await.len(), 1);
        let check = at.check(ana, pin).await;
        assert_eq!((check.verdict, check.reasons), (Verdict::Warn, vec![Reason::Unreachable]));
        at.wait_millis(HOUR);
        at.looks_at_links(&redirecting_to(&[])).await;
        assert_eq!(at.check(ana, pin).await.verdict, Verdict::Ok);
    }

    one_node_alone_looks_at_a_link_and_a_killed_one_loses_none(at) {
        let ana = at.person("ana");
        let pin = at.pin_to(ana, "https://cats.example/1").await;
        let late = at.store.next_inspection().await.unwrap().unwrap();
        assert_eq!(at.store.next_inspection().await.unwrap(), None);
        at.wait_millis(limits::LINK_LEASE_MS);
        let own = at.store.next_inspection().await.unwrap().unwrap();
        // Who comes back after the lease changes nothing.
        at.store.note_inspection(late, nowhere()).await.unwrap();
        at.store.note_inspection(own, redirecting_to(&[])).await.unwrap();
        assert_eq!(at.check(ana, pin).await.verdict, Verdict::Ok);
    }

    a_link_is_looked_at_when_it_is_sent_first(at) {
        let [ana, bo] = [at.person("ana"), at.person("bo")];
        let pin = at.pin_to(ana, "https://cats.example/1").await;
        let found = redirecting_to(&[]);
        at.looks_at_links(&found).await;
        at.wait_millis(1_000);
        at.sends_to(ana, pin, bo).await;
        at.index().await;
        assert_eq!(at.looks_at_links(&found).await, ["https://cats.example/1"]);
        at.sends_to(ana, pin, bo).await;
        at.index().await;
        assert_eq!(at.looks_at_links(&found).await, [""; 0], "once");
    }

    who_clicks_has_it_looked_at_unless_somebody_did_lately(at) {
        let ana = at.person("ana");
        let pin = at.pin_to(ana, "https://cats.example/1").await;
        let token = at.check(ana, pin).await.token;
        let due = at.store.inspection_of(token.clone()).await.unwrap().unwrap();
        assert_eq!(at.store.inspection_of(token.clone()).await.unwrap(), None, "somebody looks");
        at.store.note_inspection(due, redirecting_to(&[])).await.unwrap();
        assert_eq!(at.store.inspection_of(token.clone()).await.unwrap(), None, "somebody did");
        at.wait_millis(limits::LINK_FRESH_MS + 1);
        let due = at.store.inspection_of(token.clone()).await.unwrap().unwrap();
        at.store.note_inspection(due, redirecting_to(&["https://pills.example/"])).await.unwrap();
        let followed = at.store.follow_link(token).await.unwrap();
        assert_eq!(followed.address, "https://cats.example/1");
        assert_eq!(followed.check.verdict, Verdict::Warn);
        assert_eq!(followed.journey.unwrap().redirects, ["https://pills.example/"]);
        let unknown = at.store.follow_link("0".repeat(64)).await;
        assert_eq!(refusal(unknown), Some(Refusal::LinkNotFound));
    }

    a_blocked_domain_blocks_the_links_to_it_and_below_it_also_by_redirect(at) {
        let [ana, bo, mod_] = [at.person("ana"), at.person("bo"), at.person("mod")];
        let direct = at.pin_to(ana, "https://www.evil.example/1").await;
        let by_redirect = at.pin_to(ana, "https://hop.example/").await;
        let other = at.pin_to(ana, "https://notevil.example/").await;
        while let Some(due) = at.store.next_inspection().await.unwrap() {
            let leads = due.address.contains("hop");
            let to: &[&str] = if leads { &["https://a.b.evil.example/"] } else { &[] };
            at.store.note_inspection(due, redirecting_to(to)).await.unwrap();
        }
        let (id, _) = at.sends_to(ana, direct, bo).await;
        let seq = at.head().await;
        let block = async || {
            let domains = vec!["evil.example".to_owned()];
            at.store.block_domains(Some(mod_), domains, Some("pills".into())).await.unwrap()
        };
        assert_eq!(block().await, 1);
        assert_eq!(block().await, 0, "again");
        // At once, and told by a job.
        let sent = at.sent_pin(bo, id).await;
        assert_eq!((sent.state, sent.link_check.unwrap().verdict), (PinState::Blocked, Verdict::Blocked));
        let check = at.check(ana, by_redirect).await;
        assert_eq!((check.verdict, check.reasons), (
            Verdict::Blocked,
            vec![Reason::ListedDomain, Reason::OtherDomain],
        ));
        assert_eq!(at.check(ana, other).await.verdict, Verdict::Ok);
        while at.store.run_job().await.unwrap() {}
        assert_eq!(at.hears_of_pins(bo, seq).await, 1);
        // Also what is made later.
        let later = at.pin_to(ana, "https://evil.example/2").await;
        assert_eq!(at.check(ana, later).await.verdict, Verdict::Blocked);
        let domain = at.store.blocked_domain("evil.example".into()).await.unwrap();
        assert_eq!((domain.reason.as_deref(), domain.blocked_by), (Some("pills"), Some(mod_)));
        at.store.unblock_domain(mod_, "evil.example".into()).await.unwrap();
        while at.store.run_job().await.unwrap() {}
        assert_eq!(at.sent_pin(bo, id).await.link_check.unwrap().verdict, Verdict::Ok);
        assert_eq!(at.check(ana, by_redirect).await.reasons, [Reason::OtherDomain]);
        assert_eq!(at.check(ana, later).await.verdict, Verdict::Pending);
        assert_eq!(at.hears_of_pins(bo, seq).await, 2);
        let gone = at.store.blocked_domain("evil.example".into()).await;
        assert_eq!(refusal(gone), Some(Refusal::DomainNotFound));
        let log = at.store.audit_log(None, 10).await.unwrap().items;
        let actions: Vec<&str> = log.iter().map(|it| it.action.as_str()).collect();
        assert_eq!(actions, ["domain.unblocked", "domain.blocked"]);
        assert_eq!(log[0].actor, Some(mod_));
    }

    pins_that_were_made_before_links_were_judged_are_judged(at) {
        let [ana, bo] = [at.person("ana"), at.person("bo")];
        let pin = at.pin_to(ana, "https://bit.ly/1").await;
        let (id, _) = at.sends_to(ana, pin, bo).await;
        at.execute("update pins set link_id = null");
        at.execute("update messages set link_id = null");
        at.execute("delete from links");
        assert_eq!(at.sent_pin(bo, id).await.link_check, None);
        let seq = at.head().await;
        assert!(at.store.adopt_link().await.unwrap());
        assert!(!at.store.adopt_link().await.unwrap());
        assert_eq!(at.sent_pin(bo, id).await.link_check.unwrap().reasons, [Reason::Shortener]);
        assert_eq!(at.hears_of_pins(bo, seq).await, 1);
    }

    the_audit_log_only_grows(at) {
        let ana = at.person("ana");
        at.store.grant_moderation(ana).await.unwrap();
        at.store.require_moderator(ana).await.unwrap();
        for change in ["update audit_log set action = 'x'", "delete from audit_log"] {
            assert!(at.try_execute(change).is_err(), "{change}");
        }
        assert_eq!(at.number("select count(*) from audit_log"), 1);
    }
}
