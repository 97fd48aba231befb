//! A node on a file of its own, and somebody who is signed in.

use clap::Parser;
use pinwire_domain::token::Scope;
use pinwire_gateway::config::Cli;
use pinwire_gateway::token::Claims;
use pinwire_gateway::{Gateway, clock, start};
use reqwest::{Client, Method, RequestBuilder, Response, StatusCode};
use serde_json::{Value, json};
use tempfile::TempDir;

/// The origin whose pages may talk with the node.
pub(crate) const ORIGIN: &str = "https://app.example";
const PASSWORD: &str = "correct horse battery";

pub(crate) struct Node {
    pub(crate) gateway: Gateway,
    client: Client,
    _folder: TempDir,
}

/// An answer, read.
pub(crate) struct Answer {
    pub(crate) status: StatusCode,
    pub(crate) headers: reqwest::header::HeaderMap,
    pub(crate) body: Value,
}

impl Answer {
    async fn read(response: Response) -> Self {
        let (status, headers) = (response.status(), response.headers().clone());
        // The body of an event stream has no end.
        let endless = headers
            .get("content-type")
            .is_some_and(|it| it == "text/event-stream");
        let text = if endless {
            String::new()
        } else {
            response.text().await.unwrap()
        };
        let body = serde_json::from_str(&text).unwrap_or(Value::Null);
        Self {
            status,
            headers,
            body,
        }
    }

    pub(crate) fn header(&self, name: &str) -> Option<&str> {
        self.headers.get(name).map(|v| v.to_str().unwrap())
    }

    /// Status and slug.
    pub(crate) fn refusal(&self) -> (u16, &str) {
        (
            self.status.as_u16(),
            self.body["error"].as_str().unwrap_or_default(),
        )
    }

    /// The fields that are named as wrong.
    pub(crate) fn fields(&self) -> Vec<&str> {
        let details = self.body["details"].as_array().unwrap();
        details
            .iter()
            .map(|d| d["field"].as_str().unwrap())
            .collect()
    }
}

impl Node {
    pub(crate) async fn start() -> Self {
        let folder = tempfile::tempdir().unwrap();
        let database = format!("sqlite:{}", folder.path().join("pinwire.db").display());
        let settings = Cli::parse_from([
            "pinwire",
            "--listen=127.0.0.1:0",
            "--workers=1",
            &format!("--database-url={database}"),
            &format!("--allowed-origins={ORIGIN}"),
        ]);
        let gateway = start(settings.serve).await.unwrap();
        let client = Client::builder()
            .redirect(reqwest::redirect::Policy::none())
            .build()
            .unwrap();
        Self {
            gateway,
            client,
            _folder: folder,
        }
    }

    pub(crate) fn request(&self, method: &str, path: &str) -> RequestBuilder {
        let method = Method::from_bytes(method.as_bytes()).unwrap();
        self.client
            .request(method, format!("http://{}{path}", self.gateway.address))
    }

    pub(crate) async fn send(request: RequestBuilder) -> Answer {
        Answer::read(request.send().await.unwrap()).await
    }

    pub(crate) async fn get(&self, path: &str) -> Answer {
        Self::send(self.request("GET", path)).await
    }

    /// Signs up and in; gives what the token says.
    pub(crate) async fn sign_up(&self, username: &str) -> Claims {
        let account = json!({
            "username": username,
            "full_name": username,
            "email": format!("{username}@example.com"),
            "password": PASSWORD,
        });
        let made = Self::send(self.request("POST", "/v5/accounts").json(&account)).await;
        assert_eq!(made.status, 201, "{}", made.body);
        let form = [
            ("grant_type", "password"),
            ("username", username),
            ("password", PASSWORD),
        ];
        let tokens = Self::send(self.request("POST", "/v5/oauth/token").form(&form)).await;
        assert_eq!(tokens.status, 200, "{}", tokens.body);
        let token = tokens.body["access_token"].as_str().unwrap();
        self.gateway
            .app()
            .tokens
            .verify(token, clock::now())
            .unwrap()
    }

    /// A token of the same session that allows this and no more.
    pub(crate) fn token(&self, claims: &Claims, scopes: &[Scope]) -> String {
        let tokens = &self.gateway.app().tokens;
        tokens
            .make(claims.user, claims.session, scopes, clock::now())
            .unwrap()
    }

    /// A token of somebody new that allows everything.
    pub(crate) async fn full_token(&self) -> String {
        let claims = self.sign_up("ana").await;
        self.token(&claims, Scope::ALL)
    }
}

/// The path of an operation with something in the place of its parameters.
pub(crate) fn filled(path: &str) -> String {
    path.replace("{username}", "nobody")
        .replace("{position}", "1")
        .split('/')
        .map(|part| {
            if part.starts_with('{') {
                "3763541867536384"
            } else {
                part
            }
        })
        .collect::<Vec<_>>()
        .join("/")
}
