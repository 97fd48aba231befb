//! The AsyncAPI document of the event stream.

use std::collections::BTreeSet;

use pinwire_gateway::live::close;
use pinwire_gateway::live::frames::EventType;
use serde_json::{Value, json};

use crate::document::{asyncapi, dangling, errors, validator};

#[test]
fn the_official_schema_accepts_it() {
    let schema: Value = serde_json::from_str(include_str!("asyncapi_schema/3.0.0.json")).unwrap();
    let official = jsonschema::draft7::new(&schema).unwrap();
    assert_eq!(errors(&official, &asyncapi()), Vec::<String>::new());
    let mut broken = asyncapi();
    broken["operations"]["sendEvent"]["action"] = json!("tell");
    assert!(
        !errors(&official, &broken).is_empty(),
        "it would accept anything"
    );
}

#[test]
fn no_reference_dangles_and_every_message_is_carried() {
    let document = asyncapi();
    assert_eq!(dangling(&document), Vec::<String>::new());
    let made: BTreeSet<&String> = keys(&document["components"]["messages"]).collect();
    let mut carried = BTreeSet::new();
    let mut all = BTreeSet::new();
    for name in keys(&document["channels"]) {
        for key in keys(&document["channels"][name]["messages"]) {
            carried.insert(key);
            all.insert(format!("#/channels/{name}/messages/{key}"));
        }
    }
    assert_eq!(carried, made);
    let mut used = BTreeSet::new();
    for operation in document["operations"].as_object().unwrap().values() {
        for messages in [&operation["messages"], &operation["reply"]["messages"]] {
            for message in messages.as_array().into_iter().flatten() {
                used.insert(message["$ref"].as_str().unwrap().to_owned());
            }
        }
    }
    assert_eq!(used, all);
}

fn keys(object: &Value) -> impl Iterator<Item = &String> {
    object.as_object().unwrap().keys()
}

#[test]
fn the_doors_differ_by_what_a_client_says_and_how_it_is_told_the_end() {
    let document = asyncapi();
    let of = |channel: &str| -> BTreeSet<String> {
        let messages = &document["channels"][channel]["messages"];
        keys(messages).cloned().collect()
    };
    let (socket, events) = (of("stream"), of("events"));
    let only_events: Vec<&String> = events.difference(&socket).collect();
    assert_eq!(only_events, ["server.close"]);
    for key in socket.difference(&events) {
        let asked = ["server.ok", "server.error", "server.presence"].contains(&&**key);
        assert!(asked || key.starts_with("client."), "{key}");
    }
}

#[test]
fn there_is_a_message_for_each_type_of_event_and_frame() {
    let document = asyncapi();
    let messages = document["components"]["messages"].as_object().unwrap();
    for kind in EventType::ALL {
        assert_eq!(messages[kind.name()]["name"], kind.name());
    }
    for key in [
        "server.hello",
        "server.resync_required",
        "server.ping",
        "server.ok",
        "server.error",
        "server.typing",
        "server.presence",
        "server.close",
        "client.ping",
        "client.pong",
        "client.read",
        "client.ack",
        "client.typing",
        "client.presence.watch",
        "client.auth.refresh",
    ] {
        assert!(messages.contains_key(key), "{key}");
    }
    assert_eq!(messages.len(), EventType::ALL.len() + 15);
}

#[test]
fn examples_are_as_their_schemas_say() {
    let document = asyncapi();
    for (key, message) in document["components"]["messages"].as_object().unwrap() {
        assert!(
            message["summary"].as_str().is_some_and(|s| !s.is_empty()),
            "{key}"
        );
        let check = validator(&document, &message["payload"]);
        let side = if key.starts_with("client.") {
            "ClientFrame"
        } else if key.starts_with("server.") {
            "ServerFrame"
        } else {
            "Event"
        };
        let side = json!({ "$ref": format!("#/components/schemas/{side}") });
        for example in message["examples"].as_array().unwrap() {
            let example = &example["payload"];
            assert_eq!(example["type"], message["name"], "{key}");
            assert_eq!(
                errors(&check, example),
                Vec::<String>::new(),
                "{key}: {example:#}"
            );
            let one_of = errors(&validator(&document, &side), example);
            assert_eq!(one_of, Vec::<String>::new(), "{key}: {example:#}");
        }
    }
}

#[test]
fn an_event_has_the_fields_of_its_type_alone() {
    let document = asyncapi();
    let event = validator(&document, &json!({ "$ref": "#/components/schemas/Event" }));
    let messages = &document["components"]["messages"];
    let mut read = messages["read.updated"]["examples"][0]["payload"].clone();
    assert!(errors(&event, &read).is_empty());
    read["data"]["message"] =
        messages["message.created"]["examples"][0]["payload"]["data"]["message"].clone();
    assert!(!errors(&event, &read).is_empty());
}

#[test]
fn close_codes_are_listed() {
    let document = asyncapi();
    let of = |channel: &str| document["channels"][channel]["x-close-codes"].clone();
    assert_eq!(of("stream"), of("events"));
    let listed = of("stream");
    let listed = listed.as_array().unwrap();
    assert_eq!(listed.len(), close::ALL.len());
    let codes: Vec<u64> = listed.iter().map(|c| c["code"].as_u64().unwrap()).collect();
    for code in [1012, 4001, 4003, 4008, 4029, 4429] {
        assert!(codes.contains(&code), "{code}");
    }
}
