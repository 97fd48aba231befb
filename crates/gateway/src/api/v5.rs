//! What API v5 knows and Pinwire does not offer: null and the default pass, any other value is refused by name.

use std::borrow::Cow;

use pinwire_domain::{Field, Refusal};
use serde::de::{self, IntoDeserializer};
use serde::{Deserialize, Deserializer};
use utoipa::openapi::schema::{ObjectBuilder, Type};
use utoipa::openapi::{RefOr, Schema};
use utoipa::{IntoParams, PartialSchema, ToSchema};

use crate::error::ApiResult;

/// A field or parameter that Pinwire does not offer. Null, an empty text and an empty list ask for nothing.
#[derive(Debug, Clone, Copy, Default)]
pub struct NotOffered {
    given: bool,
}

impl NotOffered {
    /// Whether something was asked for.
    #[must_use]
    pub const fn given(self) -> bool {
        self.given
    }
}

impl<'de> Deserialize<'de> for NotOffered {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        use serde_json::Value;
        let given = match Value::deserialize(deserializer)? {
            Value::Null => false,
            Value::String(text) => !text.is_empty(),
            Value::Array(items) => !items.is_empty(),
            _ => true,
        };
        Ok(Self { given })
    }
}

impl PartialSchema for NotOffered {
    fn schema() -> RefOr<Schema> {
        ObjectBuilder::new()
            .schema_type(Type::Null)
            .description(Some(
                "Known to API v5, not offered by Pinwire: only null is taken.",
            ))
            .into()
    }
}

impl ToSchema for NotOffered {}

/// Refuses the first of these that was given a value.
///
/// # Errors
/// 422 naming it.
pub fn refuse<const N: usize>(fields: [(&str, bool); N]) -> ApiResult<()> {
    match fields.into_iter().find(|(_, given)| *given) {
        None => Ok(()),
        Some((field, _)) => {
            Err(Refusal::Unsupported(Field::new(field, "not offered by Pinwire")).into())
        }
    }
}

/// Reads a flag of a query in any case, as v5's own client for Python writes `True`.
pub fn flag<'de, D: Deserializer<'de>>(deserializer: D) -> Result<bool, D::Error> {
    let text = Cow::<str>::deserialize(deserializer)?;
    text.to_ascii_lowercase()
        .parse()
        .map_err(|_| de::Error::custom("must be true or false"))
}

/// Reads a list of a query. A parameter that is given several times comes as one text with commas.
pub fn list<'de, D, T>(deserializer: D) -> Result<Vec<T>, D::Error>
where
    D: Deserializer<'de>,
    T: de::DeserializeOwned,
{
    let text = Cow::<str>::deserialize(deserializer)?;
    text.split(',')
        .filter(|item| !item.is_empty())
        .map(|item| T::deserialize(item.into_deserializer()))
        .collect()
}

/// The parameter that nearly every operation of v5 has.
#[derive(Debug, Deserialize, IntoParams)]
#[into_params(parameter_in = Query)]
pub struct AdAccountParams {
    /// Known to API v5, not offered by Pinwire: leave it out.
    #[serde(default)]
    #[param(value_type = Option<String>, max_length = 0)]
    ad_account_id: NotOffered,
}

impl AdAccountParams {
    /// Refuses a request on behalf of an ad account.
    ///
    /// # Errors
    /// 422 naming the parameter.
    pub fn check(&self) -> ApiResult<()> {
        refuse([("ad_account_id", self.ad_account_id.given())])
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn given(json: &str) -> bool {
        serde_json::from_str::<NotOffered>(json).unwrap().given()
    }

    #[test]
    fn null_and_empty_ask_for_nothing() {
        for nothing in ["null", "\"\"", "[]"] {
            assert!(!given(nothing), "{nothing}");
        }
        for something in ["\"1\"", "[{}]", "{}", "0", "false"] {
            assert!(given(something), "{something}");
        }
    }

    #[test]
    fn the_first_given_one_is_named() {
        assert!(refuse([("a", false), ("b", false)]).is_ok());
        let refused = refuse([("a", false), ("b", true), ("c", true)]).unwrap_err();
        assert_eq!(refused.reason().slug, "unsupported");
        assert_eq!(refused.message(), "b is not supported");
    }

    #[test]
    fn a_flag_is_read_in_any_case() {
        #[derive(Deserialize)]
        struct Query {
            #[serde(default, deserialize_with = "flag")]
            on: bool,
        }
        let read = |query: &str| {
            actix_web::web::Query::<Query>::from_query(query)
                .map(|q| q.on)
                .ok()
        };
        assert_eq!(read("on=True"), Some(true));
        assert_eq!(read("on=false"), Some(false));
        assert_eq!(read(""), Some(false));
        assert_eq!(read("on=yes"), None);
        assert_eq!(read("on="), None);
    }
}
