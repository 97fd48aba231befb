//! The words by which people are found.

use diesel::prelude::*;
use pinwire_domain::user;

use crate::db::{Conn, on};
use crate::error::Result;
use crate::schema::user_words;

/// Writes the words of a person's names, in the act that made or changed the names.
pub(crate) fn write(conn: &mut Conn, id: i64, full_name: &str, username: &str) -> Result<()> {
    on!(conn, c => diesel::delete(user_words::table.filter(user_words::user_id.eq(id))).execute(c))?;
    let rows: Vec<_> = user::search_words(full_name, username)
        .into_iter()
        .map(|word| (user_words::word.eq(word), user_words::user_id.eq(id)))
        .collect();
    on!(conn, c => diesel::insert_into(user_words::table).values(&rows).execute(c))?;
    Ok(())
}

/// What no word that begins with `prefix` reaches: words hold letters and digits only.
pub(crate) fn beyond(prefix: &str) -> String {
    format!("{prefix}{}", char::MAX)
}

/// Only those of whom each of these begins a word. It asks for a single value and not for `exists`, since
/// PostgreSQL would turn that into a join, and may read the words of everybody for it.
macro_rules! with_words {
    ($query:expr, $person:expr, $prefixes:expr) => {{
        let mut query = $query;
        for prefix in $prefixes {
            let words = diesel::alias!($crate::schema::user_words as words_of_person);
            let word = words
                .filter(words.field(user_words::user_id).eq($person))
                .filter(words.field(user_words::word).ge(prefix))
                .filter(
                    words
                        .field(user_words::word)
                        .lt($crate::words::beyond(prefix)),
                )
                .select(words.field(user_words::word))
                .single_value();
            query = query.filter(word.is_not_null());
        }
        query
    }};
}
pub(crate) use with_words;
