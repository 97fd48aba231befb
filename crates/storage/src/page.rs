//! Pages of lists.

/// A page of a list, and where the next one begins.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Page<T, M> {
    /// The items.
    pub items: Vec<T>,
    /// The place of the last item, if there are more.
    pub next: Option<M>,
}

impl<T, M> Page<T, M> {
    /// The first `size` of `items`, of which one more than that was asked for.
    pub(crate) fn cut(mut items: Vec<T>, size: usize, place: impl FnOnce(&T) -> M) -> Self {
        let more = items.len() > size;
        items.truncate(size);
        let next = items.last().filter(|_| more).map(place);
        Self { items, next }
    }

    /// The same page of other items.
    pub(crate) fn map<U>(self, show: impl FnMut(T) -> U) -> Page<U, M> {
        Page {
            items: self.items.into_iter().map(show).collect(),
            next: self.next,
        }
    }
}

/// How many rows tell whether there is more than a page of `size`.
pub(crate) fn one_more(size: usize) -> i64 {
    i64::try_from(size).unwrap_or(i64::MAX).saturating_add(1)
}
