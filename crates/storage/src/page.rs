//! Pages of lists that stand in order of creation, newest first.

/// Some items of a list.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Page<T> {
    /// The items.
    pub items: Vec<T>,
    /// Whether older ones follow.
    pub more: bool,
}

impl<T> Page<T> {
    /// How many rows to ask for, so that a further one tells of the next page.
    pub(crate) fn limit(size: usize) -> i64 {
        i64::try_from(size).map_or(i64::MAX, |size| size.saturating_add(1))
    }

    /// The page of at most `size` of the rows that [`Page::limit`] asked for.
    pub(crate) fn cut(mut rows: Vec<T>, size: usize) -> Self {
        let more = rows.len() > size;
        rows.truncate(size);
        Self { items: rows, more }
    }
}
