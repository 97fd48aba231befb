//! Links in the texts of messages: judged whenever they are read, by what is written and by the domains that are
//! blocked now.

use std::collections::BTreeSet;
use std::sync::OnceLock;

use pinwire_domain::link::judge::{Judgement, Verdict};
use pinwire_domain::link::lists::Lists;
use pinwire_domain::link::text::{self, LINK_GONE, WrittenLink};
use pinwire_domain::message;

use crate::db::Conn;
use crate::db::loaded::Entity;
use crate::db::tx::{Step, Tx};
use crate::error::Result;
use crate::messages::Message;

/// What links in texts are compared with: one for the process, since they are judged wherever a message is read.
static LISTS: OnceLock<Lists> = OnceLock::new();

/// Compares links in texts with these lists from now on, unless that was said before.
pub(crate) fn compare_with(lists: &Lists) {
    LISTS.get_or_init(|| lists.clone());
}

/// A link in a text.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct TextLink {
    /// The part of the text.
    pub text: String,
    /// What is held against it.
    pub judgement: Judgement,
}

/// A text, what it holds, and where what was found goes.
struct Reading<'a> {
    text: &'a mut String,
    written: Vec<WrittenLink>,
    links: Option<&'a mut Vec<TextLink>>,
}

impl<'a> Reading<'a> {
    fn of(text: &'a mut String, links: Option<&'a mut Vec<TextLink>>) -> Option<Self> {
        let written = text::links_in(text);
        (!written.is_empty()).then_some(Self {
            text,
            written,
            links,
        })
    }

    /// Judges what it holds, and hides what must not be delivered.
    fn judge(self, listed: &BTreeSet<String>) {
        let lists = LISTS.get_or_init(Lists::ours);
        let judged: Vec<Judgement> = self
            .written
            .iter()
            .map(|link| link.judge(listed, lists))
            .collect();
        let all = || self.written.iter().zip(&judged);
        let blocked = all().filter(|(_, it)| it.verdict == Verdict::Blocked);
        let blocked: Vec<&WrittenLink> = blocked.map(|(link, _)| link).collect();
        if !blocked.is_empty() {
            *self.text = text::hide(self.text, &blocked);
        }
        let Some(links) = self.links else { return };
        let found = all().map(|(link, judgement)| TextLink {
            text: match judgement.verdict {
                Verdict::Blocked => LINK_GONE.to_owned(),
                Verdict::Pending | Verdict::Ok | Verdict::Warn => link.text.clone(),
            },
            judgement: judgement.clone(),
        });
        *links = found.collect();
    }
}

/// Texts that hold links, and what they quote.
#[derive(Default)]
struct Texts<'a> {
    readings: Vec<Reading<'a>>,
    /// What is cut off a quote can no longer be judged, so this comes last.
    quotes: Vec<&'a mut String>,
}

impl<'a> Texts<'a> {
    fn of(messages: impl Iterator<Item = &'a mut Message>) -> Self {
        let mut texts = Self::default();
        for message in messages {
            if let Some(text) = &mut message.text {
                let links = Some(&mut message.links);
                texts.readings.extend(Reading::of(text, links));
            }
            let quote = message.reply_to.as_mut().and_then(|it| it.quote.as_mut());
            let quoted = quote.and_then(|it| it.text.as_mut());
            texts.quotes.extend(quoted);
        }
        texts
    }

    /// The domains that a list would hold if it is against any of the links.
    fn domains(&self) -> BTreeSet<String> {
        let quoted = self.quotes.iter().flat_map(|text| text::links_in(text));
        let quoted: BTreeSet<String> = quoted.flat_map(|link| link.domains()).collect();
        let written = self.readings.iter().flat_map(|it| &it.written);
        written
            .flat_map(WrittenLink::domains)
            .chain(quoted)
            .collect()
    }

    /// Judges all, of which these domains are blocked.
    fn judge(self, listed: &BTreeSet<String>) {
        for reading in self.readings {
            reading.judge(listed);
        }
        for quote in self.quotes {
            if let Some(reading) = Reading::of(quote, None) {
                reading.judge(listed);
            }
            *quote = message::quoted(quote);
        }
    }
}

/// Judges the links in the texts of messages and of what they answer, and hides what must not be delivered. One
/// statement, if any of them holds a link.
pub(crate) fn judge<'a>(
    conn: &mut Conn,
    messages: impl Iterator<Item = &'a mut Message>,
) -> Result<()> {
    let texts = Texts::of(messages);
    let listed = listed_of(conn, &texts)?;
    texts.judge(&listed);
    Ok(())
}

/// Hides what must not be delivered in texts.
pub(crate) fn hide<'a>(conn: &mut Conn, texts: impl Iterator<Item = &'a mut String>) -> Result<()> {
    let texts = Texts {
        readings: texts.filter_map(|text| Reading::of(text, None)).collect(),
        quotes: Vec::new(),
    };
    let listed = listed_of(conn, &texts)?;
    texts.judge(&listed);
    Ok(())
}

fn listed_of(conn: &mut Conn, texts: &Texts<'_>) -> Result<BTreeSet<String>> {
    let domains = texts.domains();
    if domains.is_empty() {
        return Ok(domains);
    }
    super::listed(conn, &domains)
}

/// A domain that is blocked.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Listed;

impl Entity for Listed {
    type Key = String;

    fn load(conn: &mut Conn, keys: &[String]) -> Result<Vec<(String, Self)>> {
        let listed = super::listed(conn, &keys.iter().cloned().collect())?;
        Ok(listed.into_iter().map(|domain| (domain, Self)).collect())
    }
}

/// Asks for what a text will be judged by.
pub(crate) fn want(tx: &mut Tx<'_>, text: &str) {
    for link in text::links_in(text) {
        for domain in link.domains() {
            tx.rows.listed_domains.want(domain);
        }
    }
}

/// As [`judge`], of a message that is being written.
pub(crate) fn judge_new(tx: &mut Tx<'_>, message: &mut Message) -> Step<()> {
    let texts = Texts::of(std::iter::once(message));
    let domains = texts.domains();
    for domain in &domains {
        tx.rows.listed_domains.want(domain.clone());
    }
    let mut listed = BTreeSet::new();
    for domain in domains {
        if tx.rows.listed_domains.get(&domain)?.is_some() {
            listed.insert(domain);
        }
    }
    texts.judge(&listed);
    Ok(())
}
