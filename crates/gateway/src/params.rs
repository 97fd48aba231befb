//! Query parameters and form bodies: read by name, with errors that name the parameter.

use std::borrow::Cow;
use std::collections::BTreeMap;
use std::collections::btree_map::Entry;
use std::future::{Ready, ready};

use actix_web::dev::Payload;
use actix_web::{FromRequest, HttpRequest};
use serde::de::DeserializeOwned;
use url::form_urlencoded;

use crate::error::reasons::Reason;
use crate::error::{ApiError, ApiResult, reasons};

/// Query parameters; unknown ones are ignored. One that is given several times is read as a list.
pub struct Params<T>(pub T);

impl<T: DeserializeOwned + 'static> FromRequest for Params<T> {
    type Error = ApiError;
    type Future = Ready<ApiResult<Self>>;

    fn from_request(request: &HttpRequest, _: &mut Payload) -> Self::Future {
        let query = joined(request.query_string());
        ready(read(query.as_bytes(), reasons::MALFORMED_PARAMETER).map(Self))
    }
}

/// Reads `name=value&…`.
///
/// # Errors
/// The reason, naming the parameter that is wrong or missing.
pub fn read<T: DeserializeOwned>(pairs: &[u8], reason: Reason) -> ApiResult<T> {
    let reader = serde_urlencoded::Deserializer::new(form_urlencoded::parse(pairs));
    serde_path_to_error::deserialize(reader).map_err(|error| {
        let path = error.path().to_string();
        let why = error.into_inner().to_string();
        let named = why.split('`').nth(1).unwrap_or_default();
        if why.starts_with("unknown field") {
            let message = format!("unknown field `{named}`");
            return ApiError::new(reasons::UNKNOWN_FIELD, message).field(named, "unknown");
        }
        let missing = why.starts_with("missing field");
        let name = if missing { named } else { &path };
        let message = format!("{name}: {why}");
        ApiError::new(reason, message).field(name, why.as_str())
    })
}

/// The same query with each parameter once, its values separated by commas.
fn joined(query: &str) -> String {
    let mut values: BTreeMap<Cow<'_, str>, String> = BTreeMap::new();
    for (name, value) in form_urlencoded::parse(query.as_bytes()) {
        match values.entry(name) {
            Entry::Vacant(first) => {
                first.insert(value.into_owned());
            }
            Entry::Occupied(mut more) => {
                more.get_mut().push(',');
                more.get_mut().push_str(&value);
            }
        }
    }
    form_urlencoded::Serializer::new(String::new())
        .extend_pairs(values)
        .finish()
}

#[cfg(test)]
mod tests {
    use serde::Deserialize;

    use super::*;

    #[test]
    fn a_parameter_that_is_given_twice_is_a_list() {
        assert_eq!(joined("b=1&a=x%20y&b=2&c"), "a=x+y&b=1%2C2&c=");
        assert_eq!(joined(""), "");
    }

    #[derive(Debug, Deserialize)]
    #[allow(dead_code, reason = "only their reading is tested")]
    struct Sample {
        size: Option<i64>,
        wait: Option<u64>,
        kind: Option<Kind>,
        name: String,
    }

    #[derive(Debug, Deserialize)]
    #[serde(rename_all = "snake_case")]
    enum Kind {
        One,
        Two,
    }

    fn refused(query: &str) -> (String, String) {
        let error = read::<Sample>(query.as_bytes(), reasons::MALFORMED_PARAMETER).unwrap_err();
        let detail = error.details().first().cloned().unwrap();
        (detail.field, detail.reason)
    }

    #[test]
    fn a_form_is_read_strictly_where_it_says_so() {
        #[derive(Debug, Deserialize)]
        #[serde(deny_unknown_fields)]
        struct Strict {
            #[allow(dead_code, reason = "only its reading is tested")]
            n: i64,
        }
        let refusal = |form: &str| {
            let error = read::<Strict>(form.as_bytes(), reasons::MALFORMED_BODY).unwrap_err();
            let field = error.details().first().map(|d| d.field.clone());
            (error.reason().slug, field.unwrap_or_default())
        };
        assert!(read::<Strict>(b"n=1", reasons::MALFORMED_BODY).is_ok());
        assert_eq!(refusal("n=x"), ("malformed_body", "n".into()));
        assert_eq!(refusal("n=1&m=2"), ("unknown_field", "m".into()));
        assert_eq!(refusal(""), ("malformed_body", "n".into()));
    }

    #[test]
    fn errors_name_the_parameter() {
        let number = || "invalid digit found in string".to_owned();
        assert_eq!(refused("name=a&size=x"), ("size".into(), number()));
        assert_eq!(refused("name=a&wait=-1"), ("wait".into(), number()));
        assert_eq!(
            refused("name=a&kind=three"),
            (
                "kind".into(),
                "unknown variant `three`, expected `one` or `two`".into()
            )
        );
        assert_eq!(
            refused("size=1"),
            ("name".into(), "missing field `name`".into())
        );
        assert!(read::<Sample>(b"name=a&other=1&kind=two", reasons::MALFORMED_PARAMETER).is_ok());
    }
}
