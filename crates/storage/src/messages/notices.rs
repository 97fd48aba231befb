//! System messages: what Pinwire itself tells of a change of a group, kept as a code and ids.

use pinwire_domain::UserId;
use pinwire_domain::group::{self, NoticeCode};
use serde::{Deserialize, Serialize};

use super::Message;
use crate::db::Conn;
use crate::error::{Result, StoreError};
use crate::people::{self, Person};

/// What a system message tells.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Notice {
    /// The code and its parameters.
    pub told: group::Notice,
    /// The people of the parameters, as they are now.
    pub people: Vec<Person>,
}

/// As it stands in the message's row.
#[derive(Serialize, Deserialize)]
struct Kept {
    code: String,
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    people: Vec<i64>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    title: Option<String>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    owner: Option<i64>,
}

/// A notice as its row keeps it.
pub(super) fn written(notice: &group::Notice) -> Result<String> {
    let kept = Kept {
        code: notice.code.name().to_owned(),
        people: notice.people.iter().map(|person| person.get()).collect(),
        title: notice.title.clone(),
        owner: notice.owner.map(UserId::get),
    };
    Ok(serde_json::to_string(&kept)?)
}

/// The notice of a row, its people not yet named.
pub(super) fn read(text: Option<&str>) -> Result<Option<Notice>> {
    let Some(text) = text else { return Ok(None) };
    let kept: Kept = serde_json::from_str(text)?;
    let code = NoticeCode::from_name(&kept.code).ok_or(StoreError::Corrupt(kept.code))?;
    let told = group::Notice {
        code,
        people: kept.people.into_iter().map(UserId::new).collect(),
        title: kept.title,
        owner: kept.owner.map(UserId::new),
    };
    let people = Vec::new();
    Ok(Some(Notice { told, people }))
}

/// Adds the people to what system messages tell. One statement, if any of these tells of people.
pub(super) fn name_people<'a>(
    conn: &mut Conn,
    messages: impl Iterator<Item = &'a mut Message>,
) -> Result<()> {
    let mut notices: Vec<&mut Notice> = messages.filter_map(|m| m.notice.as_mut()).collect();
    let ids = notices.iter().flat_map(|notice| &notice.told.people);
    let mut ids: Vec<i64> = ids.map(|person| person.get()).collect();
    ids.sort_unstable();
    ids.dedup();
    let known = people::load(conn, &ids)?;
    for notice in &mut notices {
        let people = notice.told.people.iter();
        notice.people = people.filter_map(|id| known.get(id).cloned()).collect();
    }
    Ok(())
}
