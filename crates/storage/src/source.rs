//! Time and chance, given to the store from outside, so that tests hold both.

use std::sync::Arc;

use pinwire_domain::Time;

/// Where the store takes the present moment and chance from.
///
/// Keys and tokens are made of chance, so outside of tests it must be unpredictable.
#[derive(Clone)]
pub struct Source {
    now: Arc<dyn Fn() -> Time + Send + Sync>,
    chance: Arc<dyn Fn() -> u64 + Send + Sync>,
}

impl Source {
    /// A source of these two functions.
    pub fn new(
        now: impl Fn() -> Time + Send + Sync + 'static,
        chance: impl Fn() -> u64 + Send + Sync + 'static,
    ) -> Self {
        Self {
            now: Arc::new(now),
            chance: Arc::new(chance),
        }
    }

    pub(crate) fn now(&self) -> Time {
        (self.now)()
    }

    pub(crate) fn chance(&self) -> u64 {
        (self.chance)()
    }

    /// 32 bytes for a new key or token.
    pub(crate) fn secret(&self) -> Vec<u8> {
        (0..4).flat_map(|_| self.chance().to_be_bytes()).collect()
    }

    /// The number of a new id.
    pub(crate) fn new_id(&self) -> i64 {
        pinwire_domain::id::compose(self.now(), self.chance())
    }
}

impl std::fmt::Debug for Source {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("Source")
    }
}
