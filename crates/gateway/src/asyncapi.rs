//! The AsyncAPI document of the WebSocket: made from the types of its frames.

mod frames;

use serde_json::{Map, Value, json};
use utoipa::IntoParams;
use utoipa::openapi::path::ParameterIn;

use crate::api::events::{SUBPROTOCOL, SocketParams};
use crate::live::close;
use crate::live::session::{FRAME_MAX, FRAMES_BURST, FRAMES_PER_SECOND, PING_EVERY, STALL_MAX};
use frames::{Frame, Frames};

/// The one channel.
const CHANNEL: &str = "stream";

/// The whole document.
///
/// # Errors
/// Only if it cannot be written as JSON.
pub fn document() -> serde_json::Result<Value> {
    let Frames {
        events,
        server,
        client,
        schemas,
    } = Frames::all()?;
    let all = || events.iter().chain(&server).chain(&client);
    let messages: Map<String, Value> = all().map(|f| (f.key.clone(), f.message())).collect();
    let carried: Map<String, Value> = all()
        .map(|f| {
            (
                f.key.clone(),
                json!({ "$ref": format!("#/components/messages/{}", f.key) }),
            )
        })
        .collect();
    Ok(json!({
        "asyncapi": "3.0.0",
        "info": info(),
        "defaultContentType": "application/json",
        "servers": { "node": server_of_all() },
        "channels": { CHANNEL: channel(&carried) },
        "operations": operations(&events, &server, &client),
        "components": {
            "schemas": schemas,
            "messages": messages,
            "securitySchemes": security_schemes(),
        },
    }))
}

fn info() -> Value {
    json!({
        "title": "Pinwire: the event stream",
        "version": env!("CARGO_PKG_VERSION"),
        "description": include_str!("asyncapi/info.md"),
        "license": { "name": "MIT OR Apache-2.0" },
    })
}

fn server_of_all() -> Value {
    json!({
        "host": "localhost:8080",
        "protocol": "ws",
        "description": "A node; `wss` behind a proxy that ends TLS.",
        "security": [
            { "$ref": "#/components/securitySchemes/token" },
            { "$ref": "#/components/securitySchemes/ticket" },
        ],
    })
}

fn security_schemes() -> Value {
    json!({
        "token": {
            "type": "http",
            "scheme": "bearer",
            "bearerFormat": "JWT",
            "description": "An access token with the scopes `conversations:read` and `messages:read`.",
        },
        "ticket": {
            "type": "httpApiKey",
            "name": "ticket",
            "in": "query",
            "description": "A ticket of `POST /v5/ws/tickets`, for browsers, which cannot send headers.",
        },
    })
}

fn channel(messages: &Map<String, Value>) -> Value {
    let close_codes: Vec<Value> = close::ALL
        .iter()
        .map(|c| json!({ "code": c.code, "reason": c.reason, "then": c.then }))
        .collect();
    json!({
        "address": "/v5/ws",
        "title": "Your stream",
        "summary": "Everything that concerns you, in order, each once.",
        "description": format!(
            "Frames are JSON texts of at most {FRAME_MAX} bytes. The server pings every {} seconds; two pings without \
             an answer end the socket, and so does a peer that takes no byte for {} seconds. A client may send \
             {FRAMES_BURST} frames at once and {FRAMES_PER_SECOND} a second by and by.",
            PING_EVERY.as_secs(),
            STALL_MAX.as_secs(),
        ),
        "messages": messages,
        "bindings": {
            "ws": { "method": "GET", "query": query(), "headers": headers(), "bindingVersion": "0.1.0" }
        },
        "x-subprotocol": SUBPROTOCOL,
        "x-close-codes": close_codes,
    })
}

/// The parameters of the handshake, as the operation takes them.
fn query() -> Value {
    let parameters = SocketParams::into_params(|| Some(ParameterIn::Query));
    let properties: Map<String, Value> = parameters
        .into_iter()
        .map(|p| {
            (
                p.name,
                json!({ "type": "string", "description": p.description }),
            )
        })
        .collect();
    json!({ "type": "object", "properties": properties })
}

fn headers() -> Value {
    json!({
        "type": "object",
        "properties": {
            "Authorization": { "type": "string", "description": "`Bearer` and an access token, unless there is a ticket." },
            "Origin": { "type": "string", "description": "Sent by browsers: must be an allowed origin." },
            "Sec-WebSocket-Protocol": { "type": "string", "enum": [SUBPROTOCOL], "description": "May be left out." },
        },
    })
}

/// What the server does with frames: it sends its own and receives those of clients.
fn operations(events: &[Frame], server: &[Frame], client: &[Frame]) -> Value {
    let mut operations = Map::new();
    let told: Vec<&Frame> = events.iter().collect();
    let sent = operation("send", "Tells what happened.", &told);
    operations.insert("sendEvent".into(), Value::Object(sent));
    let answers: Vec<&Frame> = server.iter().filter(|f| is_answer(f)).collect();
    let pong: Vec<&Frame> = client.iter().filter(|f| f.name == "pong").collect();
    for frame in server.iter().filter(|f| !is_answer(f)) {
        let mut sent = operation("send", &frame.summary, &[frame]);
        if frame.name == "ping" {
            sent.insert("reply".into(), carried(&pong));
        }
        operations.insert(format!("send{}", pascal(&frame.name)), Value::Object(sent));
    }
    for frame in client {
        let mut received = operation("receive", &frame.summary, &[frame]);
        if frame.name != "pong" {
            received.insert("reply".into(), carried(&answers));
        }
        operations.insert(
            format!("receive{}", pascal(&frame.name)),
            Value::Object(received),
        );
    }
    Value::Object(operations)
}

/// Whether a frame of the server's answers one of the client's.
fn is_answer(frame: &Frame) -> bool {
    matches!(frame.name.as_str(), "ok" | "error")
}

fn operation(action: &str, summary: &str, frames: &[&Frame]) -> Map<String, Value> {
    let mut operation = Map::new();
    operation.insert("action".into(), action.into());
    operation.insert("summary".into(), summary.into());
    if let Value::Object(carried) = carried(frames) {
        operation.extend(carried);
    }
    operation
}

/// The channel, and which of its messages.
fn carried(frames: &[&Frame]) -> Value {
    let channel = format!("#/channels/{CHANNEL}");
    let messages: Vec<Value> = frames
        .iter()
        .map(|f| json!({ "$ref": format!("{channel}/messages/{}", f.key) }))
        .collect();
    json!({ "channel": { "$ref": channel }, "messages": messages })
}

/// `resync_required` becomes `ResyncRequired`.
fn pascal(name: &str) -> String {
    let mut whole = String::new();
    for word in name.split(['_', '.']) {
        let (first, rest) = word.split_at(word.len().min(1));
        whole.push_str(&first.to_uppercase());
        whole.push_str(rest);
    }
    whole
}
