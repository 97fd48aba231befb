//! A block: what 16 messages of a conversation are found by, as text.

use std::fmt::Write as _;

/// Messages of a block.
pub(super) const MESSAGES: i64 = 16;

/// The block that a position is in.
pub(super) const fn of(position: i64) -> i64 {
    position / MESSAGES
}

/// The terms of one message.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Line<'a> {
    pub(super) position: i64,
    pub(super) sent_at: i64,
    terms: &'a str,
}

impl<'a> Line<'a> {
    fn read(line: &'a str) -> Option<Self> {
        let (head, terms) = line.split_once(' ')?;
        let (position, sent_at) = head.split_once(':')?;
        Some(Self {
            position: position.parse().ok()?,
            sent_at: sent_at.parse().ok()?,
            terms,
        })
    }

    /// The terms.
    pub(super) fn terms(&self) -> impl Iterator<Item = &'a str> + use<'a> {
        self.terms.split(' ').filter(|term| !term.is_empty())
    }

    fn write(&self, to: &mut String) {
        // Writing to a String cannot fail.
        let _ = write!(to, "\n{}:{} {}", self.position, self.sent_at, self.terms);
    }
}

/// The messages of a block.
pub(super) fn lines(entries: &str) -> impl Iterator<Item = Line<'_>> {
    entries.split('\n').filter_map(Line::read)
}

/// Adds a message.
pub(super) fn add(
    entries: &mut String,
    position: i64,
    sent_at: i64,
    terms: impl IntoIterator<Item = impl AsRef<str>>,
) {
    let mut text = String::new();
    for term in terms {
        text.push_str(term.as_ref());
        text.push(' ');
    }
    let line = Line {
        position,
        sent_at,
        terms: &text,
    };
    line.write(entries);
}

/// Takes a message away.
pub(super) fn remove(entries: &mut String, position: i64) {
    if !entries.contains(&format!("\n{position}:")) {
        return;
    }
    let mut left = String::with_capacity(entries.len());
    for line in lines(entries).filter(|line| line.position != position) {
        line.write(&mut left);
    }
    *entries = left;
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_message_is_added_read_and_taken_away() {
        let mut entries = String::new();
        add(
            &mut entries,
            17,
            1_700,
            ["@7".to_owned(), "hall".to_owned()],
        );
        add(&mut entries, 1, 1_600, ["a".to_owned()]);
        assert_eq!(entries, "\n17:1700 @7 hall \n1:1600 a ");
        let read: Vec<_> = lines(&entries)
            .map(|line| {
                (
                    line.position,
                    line.sent_at,
                    line.terms().collect::<Vec<_>>(),
                )
            })
            .collect();
        assert_eq!(
            read,
            [(17, 1_700, vec!["@7", "hall"]), (1, 1_600, vec!["a"])]
        );
        remove(&mut entries, 7);
        assert_eq!(lines(&entries).count(), 2);
        remove(&mut entries, 17);
        assert_eq!(entries, "\n1:1600 a ");
        remove(&mut entries, 1);
        assert_eq!(entries, "");
    }

    #[test]
    fn a_block_is_sixteen_positions() {
        assert_eq!([1, 15, 16, 31, 32].map(of), [0, 0, 1, 1, 2]);
    }
}
