//! Finding people by the beginnings of their words.

use diesel::prelude::*;
use pinwire_domain::people_query::PeopleQuery;

use crate::Store;
use crate::db::{Conn, on};
use crate::error::Result;
use crate::page::{Page, one_more};
use crate::people::{PERSON, Person, PersonRow};
use crate::schema::{user_words, users};
use crate::words::{beyond, with_words};

/// A place in a list of people found: the word by which the last one was found, and their id.
pub type FoundMark = (String, i64);

/// The people in whom each word of the query begins a word. They stand in the order of the word that the
/// leading one was found in, so that a whole word is before longer ones; then the older account is first.
fn find(
    conn: &mut Conn,
    query: &PeopleQuery,
    after: &FoundMark,
    limit: i64,
) -> Result<Vec<(String, PersonRow)>> {
    let smaller = diesel::alias!(user_words as smaller);
    let (from, from_id) = after;
    let leading = query.leading();
    // Who is found by two words stands where the first one is.
    let by_a_smaller_word = smaller
        .filter(smaller.field(user_words::user_id).eq(user_words::user_id))
        .filter(smaller.field(user_words::word).ge(leading))
        .filter(smaller.field(user_words::word).lt(user_words::word));
    Ok(on!(conn, c => with_words!(
            user_words::table
                .inner_join(users::table.on(users::id.eq(user_words::user_id)))
                .filter(user_words::word.ge(from).and(user_words::word.lt(beyond(leading))))
                .filter(user_words::word.gt(from).or(user_words::user_id.gt(from_id)))
                .filter(diesel::dsl::not(diesel::dsl::exists(by_a_smaller_word)))
                .filter(users::closed_at.is_null())
                .filter(users::username.ne(query.username()))
                .order((user_words::word, user_words::user_id))
                .limit(limit)
                .select((user_words::word, PERSON))
                .into_boxed(),
            user_words::user_id,
            query.others().iter().map(String::as_str)
        )
        .load(c))?)
}

/// Who is called just as the query says.
fn called(conn: &mut Conn, query: &PeopleQuery) -> Result<Option<PersonRow>> {
    Ok(on!(conn, c => users::table
        .filter(users::username.eq(query.username()).and(users::closed_at.is_null()))
        .select(PERSON)
        .first(c)
        .optional())?)
}

impl Store {
    /// A page of the people a query finds: first who is called just so, then by words.
    pub async fn search_users(
        &self,
        query: PeopleQuery,
        after: Option<FoundMark>,
        size: usize,
    ) -> Result<Page<Person, FoundMark>> {
        self.read(move |conn| {
            let start = (query.leading().to_owned(), i64::MIN);
            let mut people: Vec<(FoundMark, Person)> = Vec::with_capacity(size + 1);
            if after.is_none() {
                let person = called(conn, &query)?;
                people.extend(person.map(|p| (start.clone(), p.into())));
            }
            let limit = one_more(size - people.len());
            let rows = find(conn, &query, after.as_ref().unwrap_or(&start), limit)?;
            people.extend(rows.into_iter().map(|(word, p)| ((word, p.0), p.into())));
            let page = Page::cut(people, size, |(mark, _)| mark.clone());
            Ok(page.map(|(_, person)| person))
        })
        .await
    }
}
