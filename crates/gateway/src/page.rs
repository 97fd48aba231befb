//! Pages of lists: size and bookmark. A bookmark is opaque, made by this server, and of one list.

use base64::Engine;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use hmac::{Hmac, KeyInit, Mac};
use pinwire_domain::limits;
use pinwire_storage::page::Page;
use serde::de::DeserializeOwned;
use serde::{Deserialize, Serialize};
use sha2::Sha256;
use utoipa::{IntoParams, ToSchema};

use crate::error::{ApiError, ApiResult, reasons};

/// Which page of a list.
#[derive(Debug, Clone, Deserialize, IntoParams)]
#[into_params(parameter_in = Query)]
pub struct PageParams {
    /// Where the page begins: the `bookmark` of the page before.
    pub bookmark: Option<String>,
    /// Items on the page at most.
    #[param(minimum = 1, maximum = 250, default = 25)]
    pub page_size: Option<i64>,
}

impl PageParams {
    /// The size, within its bounds.
    ///
    /// # Errors
    /// 400 naming `page_size`.
    pub fn size(&self) -> ApiResult<usize> {
        let Some(size) = self.page_size else {
            return Ok(limits::PAGE_SIZE_DEFAULT);
        };
        usize::try_from(size)
            .ok()
            .filter(|s| (1..=limits::PAGE_SIZE_MAX).contains(s))
            .ok_or_else(|| {
                let reason = format!("must be 1 to {}", limits::PAGE_SIZE_MAX);
                ApiError::new(reasons::MALFORMED_PARAMETER, format!("page_size {reason}"))
                    .field("page_size", reason)
            })
    }
}

/// A page of a list.
#[derive(Debug, Serialize, ToSchema)]
pub struct Paged<T> {
    /// The items of this page.
    pub items: Vec<T>,
    /// Where the next page begins; null on the last page.
    #[schema(required)]
    pub bookmark: Option<String>,
}

/// Seals and opens bookmarks.
#[derive(Clone)]
pub struct Bookmarks {
    key: Vec<u8>,
}

/// Bytes of the seal.
const SEAL_LEN: usize = 16;

impl Bookmarks {
    /// With the key that all nodes share.
    #[must_use]
    pub const fn new(key: Vec<u8>) -> Self {
        Self { key }
    }

    /// Makes a bookmark of a place in `list`, whose name tells all that the place depends on.
    pub fn seal<T: Serialize>(&self, list: &str, place: &T) -> ApiResult<String> {
        let mut bytes = serde_json::to_vec(place)
            .map_err(|e| ApiError::new(reasons::INTERNAL, e.to_string()))?;
        let seal = self.mac(list, &bytes);
        bytes.extend(seal);
        Ok(URL_SAFE_NO_PAD.encode(bytes))
    }

    /// Reads a bookmark of `list`.
    ///
    /// # Errors
    /// 400 for one that this server did not make for this list.
    pub fn open<T: DeserializeOwned>(
        &self,
        list: &str,
        bookmark: Option<&str>,
    ) -> ApiResult<Option<T>> {
        let Some(bookmark) = bookmark else {
            return Ok(None);
        };
        let malformed = || {
            ApiError::new(reasons::MALFORMED_BOOKMARK, "not a bookmark of this list")
                .field("bookmark", "not a bookmark of this list")
        };
        let bytes = URL_SAFE_NO_PAD.decode(bookmark).map_err(|_| malformed())?;
        let (place, seal) = bytes
            .len()
            .checked_sub(SEAL_LEN)
            .and_then(|at| bytes.split_at_checked(at))
            .ok_or_else(malformed)?;
        // Not secret, so a plain comparison does.
        if self.mac(list, place) != seal {
            return Err(malformed());
        }
        serde_json::from_slice(place)
            .map(Some)
            .map_err(|_| malformed())
    }

    /// A page as the API shows it.
    pub fn page<T, M: Serialize, V>(
        &self,
        list: &str,
        page: Page<T, M>,
        show: impl FnMut(T) -> V,
    ) -> ApiResult<Paged<V>> {
        let bookmark = page.next.map(|place| self.seal(list, &place)).transpose()?;
        let items = page.items.into_iter().map(show).collect();
        Ok(Paged { items, bookmark })
    }

    fn mac(&self, list: &str, place: &[u8]) -> Vec<u8> {
        // HMAC takes keys of any length.
        let Ok(mut mac) = Hmac::<Sha256>::new_from_slice(&self.key) else {
            return Vec::new();
        };
        mac.update(list.as_bytes());
        mac.update(&[0]);
        mac.update(place);
        mac.finalize()
            .into_bytes()
            .iter()
            .copied()
            .take(SEAL_LEN)
            .collect()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_bookmark_opens_only_for_its_list() {
        let bookmarks = Bookmarks::new(vec![7; 32]);
        let sealed = bookmarks.seal("pins of 1", &(3, 4)).unwrap();
        assert_eq!(
            bookmarks.open("pins of 1", Some(&sealed)).unwrap(),
            Some((3, 4))
        );
        assert!(
            bookmarks
                .open::<(i64, i64)>("pins of 2", Some(&sealed))
                .is_err()
        );
        assert!(
            Bookmarks::new(vec![8; 32])
                .open::<(i64, i64)>("pins of 1", Some(&sealed))
                .is_err()
        );
        for forged in ["", "x", "AAAA", "%%%"] {
            assert!(
                bookmarks
                    .open::<(i64, i64)>("pins of 1", Some(forged))
                    .is_err()
            );
        }
    }

    #[test]
    fn a_page_is_bounded() {
        let size = |n| {
            PageParams {
                bookmark: None,
                page_size: Some(n),
            }
            .size()
            .ok()
        };
        assert_eq!(size(1), Some(1));
        assert_eq!(size(250), Some(250));
        assert_eq!(size(0), None);
        assert_eq!(size(251), None);
        assert_eq!(
            PageParams {
                bookmark: None,
                page_size: None
            }
            .size()
            .ok(),
            Some(25)
        );
    }
}
