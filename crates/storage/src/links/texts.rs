//! Links in the texts of messages, and in what is written on the pins and boards that they carry: judged whenever they
//! are read, by what is written and by the domains that are blocked now.

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

/// A text that holds links, and what becomes of what was found.
struct Reading<'a> {
    text: &'a mut String,
    written: Vec<WrittenLink>,
    goes: Goes<'a>,
}

/// What becomes of what was found in a text.
enum Goes<'a> {
    /// It is told with the message.
    Told(&'a mut Vec<TextLink>),
    /// The text is cut: only now, since what is cut off can no longer be judged.
    Quoted,
    /// Nothing.
    Nowhere,
}

impl<'a> Reading<'a> {
    fn of(text: &'a mut String, goes: Goes<'a>) -> Option<Self> {
        let written = text::links_in(text);
        if !written.is_empty() {
            return Some(Self {
                text,
                written,
                goes,
            });
        }
        if let Goes::Quoted = goes {
            *text = message::quoted(text);
        }
        None
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
        match self.goes {
            Goes::Told(links) => {
                let found = all().map(|(link, judgement)| TextLink {
                    text: match judgement.verdict {
                        Verdict::Blocked => LINK_GONE.to_owned(),
                        Verdict::Pending | Verdict::Ok | Verdict::Warn => link.text.clone(),
                    },
                    judgement: judgement.clone(),
                });
                *links = found.collect();
            }
            Goes::Quoted => *self.text = message::quoted(self.text),
            Goes::Nowhere => {}
        }
    }
}

/// The texts of messages, of what they carry, and of what they answer, that hold links.
fn readings<'a>(messages: impl Iterator<Item = &'a mut Message>) -> Vec<Reading<'a>> {
    let mut all = Vec::new();
    for message in messages {
        let links = &mut message.links;
        let text = message.text.as_mut();
        all.extend(text.and_then(|text| Reading::of(text, Goes::Told(links))));
        let quote = message.reply_to.as_mut().and_then(|it| it.quote.as_mut());
        let (quoted, title) = quote.map_or((None, None), |it| {
            let title = it.carries.as_mut().and_then(|it| it.title.as_mut());
            (it.text.as_mut(), title)
        });
        all.extend(quoted.and_then(|text| Reading::of(text, Goes::Quoted)));
        let pin = message.pin.as_mut().map(|it| &mut it.snapshot);
        let on_pin = pin.map(|it| [&mut it.title, &mut it.description, &mut it.alt_text]);
        let on_pin = on_pin.into_iter().flatten().filter_map(Option::as_mut);
        let board = message.board.as_mut().map(|(it, _)| it);
        let on_board = board.map(|it| [Some(&mut it.name), it.description.as_mut()]);
        let on_board = on_board.into_iter().flatten().flatten();
        let written = title.into_iter().chain(on_pin).chain(on_board);
        all.extend(written.filter_map(|text| Reading::of(text, Goes::Nowhere)));
    }
    all
}

/// The domains that a list would hold if it is against any of the links.
fn domains(readings: &[Reading<'_>]) -> BTreeSet<String> {
    let written = readings.iter().flat_map(|it| &it.written);
    written.flat_map(WrittenLink::domains).collect()
}

fn judge_all(readings: Vec<Reading<'_>>, listed: &BTreeSet<String>) {
    for reading in readings {
        reading.judge(listed);
    }
}

/// Judges the links in the texts of messages, of what they carry and of what they answer, and hides what must not be
/// delivered. One statement, if any of them holds a link.
pub(crate) fn judge<'a>(
    conn: &mut Conn,
    messages: impl Iterator<Item = &'a mut Message>,
) -> Result<()> {
    judge_by_rows(conn, readings(messages))
}

/// Hides what must not be delivered in texts.
pub(crate) fn hide<'a>(conn: &mut Conn, texts: impl Iterator<Item = &'a mut String>) -> Result<()> {
    let readings = texts.filter_map(|text| Reading::of(text, Goes::Nowhere));
    judge_by_rows(conn, readings.collect())
}

fn judge_by_rows(conn: &mut Conn, readings: Vec<Reading<'_>>) -> Result<()> {
    if readings.is_empty() {
        return Ok(());
    }
    let listed = super::listed(conn, &domains(&readings))?;
    judge_all(readings, &listed);
    Ok(())
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
    let readings = readings(std::iter::once(message));
    let domains = domains(&readings);
    for domain in &domains {
        tx.rows.listed_domains.want(domain.clone());
    }
    let mut listed = BTreeSet::new();
    for domain in domains {
        if tx.rows.listed_domains.get(&domain)?.is_some() {
            listed.insert(domain);
        }
    }
    judge_all(readings, &listed);
    Ok(())
}
