//! The AsyncAPI document of the event stream: made from the types of its frames.

mod frames;

use serde_json::{Map, Value, json};
use utoipa::IntoParams;
use utoipa::openapi::path::ParameterIn;

use crate::api::event_stream::StreamParams;
use crate::api::events::{SUBPROTOCOL, SocketParams};
use crate::live::close::{self, CloseCode};
use crate::live::feed::{PING_EVERY, STALL_MAX};
use crate::live::frames::{CLOSE, PING, PRESENCE};
use crate::live::session::{FRAMES_BURST, FRAMES_PER_SECOND};
use crate::live::socket::FRAME_MAX;
use frames::{Frame, Frames};

/// The WebSocket.
const SOCKET: &str = "stream";
/// Server-Sent Events.
const EVENTS: &str = "events";

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
    let all: Vec<&Frame> = events.iter().chain(&server).chain(&client).collect();
    let on_socket: Vec<&Frame> = all.iter().copied().filter(|f| !is_last_event(f)).collect();
    let as_events: Vec<&Frame> = events
        .iter()
        .chain(
            server
                .iter()
                .filter(|f| !is_answer(f) && f.name != PRESENCE),
        )
        .collect();
    let messages: Map<String, Value> = all.iter().map(|f| (f.key.clone(), f.message())).collect();
    let mut operations = operations(&events, &server, &client);
    operations.insert("streamEvents".into(), stream_events(&as_events));
    Ok(json!({
        "asyncapi": "3.0.0",
        "info": info(),
        "defaultContentType": "application/json",
        "servers": servers(),
        "channels": { SOCKET: socket(&on_socket), EVENTS: event_stream(&as_events) },
        "operations": operations,
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

fn servers() -> Value {
    let token = json!({ "$ref": "#/components/securitySchemes/token" });
    let ticket = json!({ "$ref": "#/components/securitySchemes/ticket" });
    json!({
        "node": {
            "host": "localhost:8080",
            "protocol": "ws",
            "description": "A node; `wss` behind a proxy that ends TLS.",
            "security": [token, ticket],
        },
        "nodeOverHttp": {
            "host": "localhost:8080",
            "protocol": "http",
            "description": "The same; `https` behind a proxy that ends TLS.",
            "security": [token],
        },
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

fn socket(frames: &[&Frame]) -> Value {
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
        "servers": [{ "$ref": "#/servers/node" }],
        "messages": references(frames),
        "bindings": {
            "ws": {
                "method": "GET",
                "query": query::<SocketParams>(),
                "headers": headers(),
                "bindingVersion": "0.1.0",
            }
        },
        "x-subprotocol": SUBPROTOCOL,
        "x-close-codes": close_codes(),
    })
}

fn event_stream(frames: &[&Frame]) -> Value {
    json!({
        "address": "/v5/events/stream",
        "title": "Your stream as Server-Sent Events",
        "summary": "The same frames in the body of one answer, for clients that only listen.",
        "description": format!(
            "Each frame is the `data` of one event; `event` is its `type`, and `id` its cursor, which `Last-Event-ID` \
             resumes after. The server pings every {} seconds, and nobody answers. The last frame is `close`; a peer \
             that takes no byte for {} seconds is let go of.",
            PING_EVERY.as_secs(),
            STALL_MAX.as_secs(),
        ),
        "servers": [{ "$ref": "#/servers/nodeOverHttp" }],
        "messages": references(frames),
        "x-close-codes": close_codes(),
    })
}

/// The messages of a channel.
fn references(frames: &[&Frame]) -> Map<String, Value> {
    let reference = |key: &str| json!({ "$ref": format!("#/components/messages/{key}") });
    let keys = frames.iter().map(|f| &f.key);
    keys.map(|key| (key.clone(), reference(key))).collect()
}

fn close_codes() -> Vec<Value> {
    let code = |c: &CloseCode| json!({ "code": c.code, "reason": c.reason, "then": c.then });
    close::ALL.iter().map(code).collect()
}

/// The parameters of the handshake, as the operation takes them.
fn query<P: IntoParams>() -> Value {
    let parameters = P::into_params(|| Some(ParameterIn::Query));
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
fn operations(events: &[Frame], server: &[Frame], client: &[Frame]) -> Map<String, Value> {
    let mut operations = Map::new();
    let told: Vec<&Frame> = events.iter().collect();
    let sent = operation("send", "Tells what happened.", SOCKET, &told);
    operations.insert("sendEvent".into(), Value::Object(sent));
    let answers: Vec<&Frame> = server.iter().filter(|f| is_answer(f)).collect();
    let pong: Vec<&Frame> = client.iter().filter(|f| f.name == "pong").collect();
    for frame in server.iter().filter(|f| !is_answer(f) && !is_last_event(f)) {
        let mut sent = operation("send", &frame.summary, SOCKET, &[frame]);
        if frame.name == PING {
            sent.insert("reply".into(), carried(SOCKET, &pong));
        }
        operations.insert(format!("send{}", pascal(&frame.name)), Value::Object(sent));
    }
    for frame in client {
        let mut received = operation("receive", &frame.summary, SOCKET, &[frame]);
        if frame.name != "pong" {
            received.insert("reply".into(), carried(SOCKET, &answers));
        }
        operations.insert(
            format!("receive{}", pascal(&frame.name)),
            Value::Object(received),
        );
    }
    operations
}

/// What the server does with all frames of an answer of Server-Sent Events.
fn stream_events(frames: &[&Frame]) -> Value {
    let summary = "Tells what happened, in the body of one answer.";
    let mut sent = operation("send", summary, EVENTS, frames);
    let asked = json!({
        "http": { "method": "GET", "query": query::<StreamParams>(), "bindingVersion": "0.3.0" }
    });
    sent.insert("bindings".into(), asked);
    Value::Object(sent)
}

/// Whether a frame of the server's answers one of the client's.
fn is_answer(frame: &Frame) -> bool {
    matches!(frame.name.as_str(), "ok" | "error")
}

/// Whether a frame of the server's tells how an answer of Server-Sent Events ends.
fn is_last_event(frame: &Frame) -> bool {
    frame.name == CLOSE
}

fn operation(action: &str, summary: &str, channel: &str, frames: &[&Frame]) -> Map<String, Value> {
    let mut operation = Map::new();
    operation.insert("action".into(), action.into());
    operation.insert("summary".into(), summary.into());
    if let Value::Object(carried) = carried(channel, frames) {
        operation.extend(carried);
    }
    operation
}

/// A channel, and which of its messages.
fn carried(channel: &str, frames: &[&Frame]) -> Value {
    let channel = format!("#/channels/{channel}");
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
