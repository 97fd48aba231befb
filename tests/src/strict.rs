//! Schemas as they are documented let any further field pass. For tests they are closed: an answer with a field
//! that the document does not name is a fault of one of the two.

use serde_json::{Value, json};

/// Closes every object that lists its properties.
pub(crate) fn close(schema: &mut Value) {
    match schema {
        Value::Object(fields) => {
            let is_open = !fields.contains_key("additionalProperties");
            if is_open && fields.get("properties").is_some_and(Value::is_object) {
                fields.insert("additionalProperties".to_owned(), json!(false));
            }
            // The parts of an allOf know only some of the fields.
            let parts = fields.iter_mut().filter(|(name, _)| *name != "allOf");
            parts.for_each(|(_, part)| close(part));
        }
        Value::Array(items) => items.iter_mut().for_each(close),
        _ => {}
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn objects_are_closed_at_every_depth() {
        let mut schema =
            json!({"oneOf": [{"type": "null"}, {"properties": {"a": {"properties": {}}}}]});
        close(&mut schema);
        let closed = json!({"oneOf": [{"type": "null"}, {
            "properties": {"a": {"properties": {}, "additionalProperties": false}},
            "additionalProperties": false,
        }]});
        assert_eq!(schema, closed);
    }

    #[test]
    fn maps_stay_open() {
        let map = json!({"type": "object", "additionalProperties": {"type": "integer"}});
        let mut schema = map.clone();
        close(&mut schema);
        assert_eq!(schema, map);
    }
}
