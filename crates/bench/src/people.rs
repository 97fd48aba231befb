//! People who take part, made by sign-up through the API and kept from one workload to the next.

use std::cell::{Cell, RefCell};
use std::collections::HashMap;
use std::net::SocketAddr;
use std::ops::Range;
use std::rc::Rc;
use std::time::{Duration, Instant};

use anyhow::{Context as _, Result};
use futures_util::{StreamExt as _, TryStreamExt as _, stream};
use serde::Deserialize;
use serde::de::IgnoredAny;

use crate::frame::Sent;
use crate::http::{Client, Content, Request};
use crate::progress::Progress;

/// Everybody's password.
const PASSWORD: &str = "correct horse battery";
/// Requests at once while people are made.
const AT_ONCE: usize = 8;
/// Access tokens are renewed before a workload once they are this old; they live 15 minutes.
const TOKEN_AGE_MAX: Duration = Duration::from_mins(4);

/// Somebody with an account.
#[derive(Debug)]
pub(crate) struct Person {
    /// The account's id.
    pub(crate) id: String,
    tokens: RefCell<Tokens>,
}

#[derive(Debug)]
struct Tokens {
    access: String,
    refresh: String,
    since: Instant,
}

impl Person {
    /// The access token.
    pub(crate) fn token(&self) -> String {
        self.tokens.borrow().access.clone()
    }

    /// Somebody for a test.
    #[cfg(test)]
    pub(crate) fn nobody() -> Rc<Self> {
        let tokens = Tokens {
            access: String::new(),
            refresh: String::new(),
            since: crate::clock::now(),
        };
        Rc::new(Self {
            id: "1".to_owned(),
            tokens: RefCell::new(tokens),
        })
    }
}

/// A conversation and its people.
#[derive(Debug)]
pub(crate) struct Conversation {
    /// Its id.
    pub(crate) id: String,
    /// A pin that was sent to it.
    pub(crate) pin: String,
    /// Those in it; the first one began it.
    pub(crate) people: Vec<Rc<Person>>,
}

/// What somebody of this name signs in with.
fn sign_in_form(name: &str) -> String {
    let password = PASSWORD.replace(' ', "+");
    format!("grant_type=password&username={name}&password={password}")
}

/// Asks for tokens by a form.
pub(crate) const fn token_request(form: &str) -> Request<'_> {
    Request::new("POST", "/v5/oauth/token").with(Content::Form(form))
}

/// Everybody who was made on one server.
pub(crate) struct Crowd {
    client: RefCell<Rc<Client>>,
    /// Tells this run's people from those of others.
    prefix: String,
    /// Beginnings of keys that were given out.
    keys: Cell<u64>,
    people: RefCell<Vec<Rc<Person>>>,
    /// By the places of their people.
    conversations: RefCell<HashMap<Vec<usize>, Rc<Conversation>>>,
}

#[derive(Deserialize)]
struct Made {
    id: String,
}

#[derive(Deserialize)]
struct Granted {
    access_token: String,
    refresh_token: String,
}

impl Crowd {
    /// Nobody yet, on this server.
    pub(crate) fn new(address: SocketAddr) -> Result<Self> {
        let uuid = std::fs::read_to_string("/proc/sys/kernel/random/uuid")?;
        Ok(Self {
            client: RefCell::new(Rc::new(Client::new(address))),
            prefix: format!("b{}", uuid.get(..8).context("a short uuid")?),
            keys: Cell::new(0),
            people: RefCell::default(),
            conversations: RefCell::default(),
        })
    }

    /// The beginning of idempotency keys that nobody else uses.
    pub(crate) fn new_key(&self) -> String {
        self.keys.set(self.keys.get() + 1);
        format!("{}-{}-", self.prefix, self.keys.get())
    }

    /// The way to the server for what is not measured.
    pub(crate) fn client(&self) -> Rc<Client> {
        Rc::clone(&self.client.borrow())
    }

    /// The same people are now found at another address.
    pub(crate) fn move_to(&self, address: SocketAddr) {
        self.client.replace(Rc::new(Client::new(address)));
    }

    /// The first `count` people, made if need be, with tokens that are fresh.
    pub(crate) async fn people(
        &self,
        count: usize,
        progress: &Progress,
    ) -> Result<Vec<Rc<Person>>> {
        let known = self.people.borrow().len();
        progress.begin("signing up", count.saturating_sub(known));
        let made: Vec<Rc<Person>> = stream::iter(known..count)
            .map(async |place| {
                progress.step();
                self.sign_up(place).await
            })
            .buffered(AT_ONCE)
            .try_collect()
            .await?;
        self.people.borrow_mut().extend(made);
        let people: Vec<_> = self.people.borrow().iter().take(count).cloned().collect();
        let old = |it: &&Rc<Person>| it.tokens.borrow().since.elapsed() > TOKEN_AGE_MAX;
        stream::iter(people.iter().filter(old).map(anyhow::Ok))
            .try_for_each_concurrent(AT_ONCE, async |person| self.renew(person).await)
            .await?;
        Ok(people)
    }

    async fn sign_up(&self, place: usize) -> Result<Rc<Person>> {
        let name = format!("{}_{place}", self.prefix);
        let body = format!(
            r#"{{"username":"{name}","full_name":"Person {place}","email":"{name}@example.com","password":"{PASSWORD}"}}"#
        );
        let request = Request::new("POST", "/v5/accounts").with(Content::Json(&body));
        let made: Made = self.client().get(&request).await?;
        let tokens = self.grant(&sign_in_form(&name)).await?;
        Ok(Rc::new(Person {
            id: made.id,
            tokens: RefCell::new(tokens),
        }))
    }

    /// What the people at these places sign in with, for [`token_request`].
    pub(crate) fn sign_in_forms(&self, places: Range<usize>) -> Vec<String> {
        let names = places.map(|place| format!("{}_{place}", self.prefix));
        names.map(|name| sign_in_form(&name)).collect()
    }

    async fn renew(&self, person: &Person) -> Result<()> {
        let form = {
            let tokens = person.tokens.borrow();
            format!("grant_type=refresh_token&refresh_token={}", tokens.refresh)
        };
        let tokens = self.grant(&form).await?;
        person.tokens.replace(tokens);
        Ok(())
    }

    async fn grant(&self, form: &str) -> Result<Tokens> {
        let granted: Granted = self.client().get(&token_request(form)).await?;
        Ok(Tokens {
            access: granted.access_token,
            refresh: granted.refresh_token,
            since: crate::clock::now(),
        })
    }

    /// As many conversations of two, nobody in two of them.
    pub(crate) async fn pairs(
        &self,
        count: usize,
        progress: &Progress,
    ) -> Result<Vec<Rc<Conversation>>> {
        let places = (0..count).map(|it| vec![2 * it, 2 * it + 1]).collect();
        self.conversations(places, progress).await
    }

    /// As many groups of `size`, nobody in two of them; overlapping, everybody in two of them.
    pub(crate) async fn groups(
        &self,
        count: usize,
        size: usize,
        overlapping: bool,
        progress: &Progress,
    ) -> Result<Vec<Rc<Conversation>>> {
        let step = if overlapping { size / 2 } else { size };
        let all = count * step;
        let places = (0..count)
            .map(|group| (0..size).map(|it| (group * step + it) % all).collect())
            .collect();
        self.conversations(places, progress).await
    }

    /// The conversations of the people at these places.
    pub(crate) async fn conversations(
        &self,
        places: Vec<Vec<usize>>,
        progress: &Progress,
    ) -> Result<Vec<Rc<Conversation>>> {
        let count = places.iter().flatten().max().map_or(0, |it| it + 1);
        let people = self.people(count, progress).await?;
        progress.begin("making conversations", places.len());
        stream::iter(places)
            .map(async |places| {
                progress.step();
                self.conversation(places, &people).await
            })
            .buffered(AT_ONCE)
            .try_collect()
            .await
    }

    async fn conversation(
        &self,
        places: Vec<usize>,
        people: &[Rc<Person>],
    ) -> Result<Rc<Conversation>> {
        if let Some(known) = self.conversations.borrow().get(&places) {
            return Ok(Rc::clone(known));
        }
        let members: Vec<_> = places
            .iter()
            .filter_map(|it| people.get(*it).cloned())
            .collect();
        let made = Rc::new(self.converse(members).await?);
        self.conversations
            .borrow_mut()
            .insert(places, Rc::clone(&made));
        Ok(made)
    }

    /// The first one sends a pin, and the others answer: so nobody waits for an answer later.
    async fn converse(&self, people: Vec<Rc<Person>>) -> Result<Conversation> {
        let (first, others) = people.split_first().context("nobody")?;
        let token = first.token();
        let pin = r#"{"title":"Blue door","media_source":{"source_type":"image_url","url":"https://img.example/door.jpg"}}"#;
        let request = Request::new("POST", "/v5/pins")
            .by(&token)
            .with(Content::Json(pin));
        let pin: Made = self.client().get(&request).await?;
        let path = format!("/v5/pins/{}/send", pin.id);
        let recipients: Vec<_> = others
            .iter()
            .map(|it| format!(r#"{{"user_id":"{}"}}"#, it.id))
            .collect();
        let mode = if others.len() == 1 {
            "separate"
        } else {
            "group"
        };
        let recipients = recipients.join(",");
        let body =
            format!(r#"{{"recipients":[{recipients}],"mode":"{mode}","text":"For the hall?"}}"#);
        let request = Request::new("POST", &path)
            .by(&token)
            .with(Content::Json(&body));
        let (status, answer) = self.client().ask(&request).await?;
        let told = || String::from_utf8_lossy(&answer).into_owned();
        anyhow::ensure!(status == 201, "{path} answered {status}: {}", told());
        let sent: Sent<'_> = serde_json::from_slice(&answer).with_context(told)?;
        let first = sent.results.first().context("no result")?;
        let id = first.conversation_id.to_owned();
        let path = format!("/v5/conversations/{id}/messages");
        for other in others {
            let token = other.token();
            let body = Content::Json(r#"{"text":"Yes, do!"}"#);
            let request = Request::new("POST", &path).by(&token).with(body);
            let _: IgnoredAny = self.client().get(&request).await?;
        }
        Ok(Conversation {
            id,
            pin: pin.id,
            people,
        })
    }
}
