//! Tickets: single-use passes by which a browser, which cannot send a token, opens a WebSocket.

use diesel::prelude::*;
use pinwire_domain::{SessionId, Time, UserId, token};
use sha2::{Digest, Sha256};

use crate::Store;
use crate::db::on;
use crate::error::Result;
use crate::schema::tickets;
use crate::sessions;

/// Whom a ticket lets in: what the access token said that asked for it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Admission {
    /// The person.
    pub user: UserId,
    /// The session.
    pub session: SessionId,
    /// Names of scopes, separated by spaces.
    pub scopes: String,
    /// When the access token ends, and so the stream.
    pub token_expires_at: Time,
}

fn hash(ticket: &[u8]) -> Vec<u8> {
    Sha256::digest(ticket).to_vec()
}

impl Store {
    /// Makes a ticket of 32 secret bytes that lives [`token::TICKET_MS`]; the store keeps only its hash.
    pub async fn make_ticket(&self, admission: Admission) -> Result<Vec<u8>> {
        self.act(Vec::new(), move |tx| {
            let ticket = tx.source.secret();
            let expires_at = tx.source.now().plus_millis(token::TICKET_MS);
            let values = (
                tickets::ticket_hash.eq(hash(&ticket)),
                tickets::session_id.eq(admission.session.get()),
                tickets::user_id.eq(admission.user.get()),
                tickets::scopes.eq(&admission.scopes),
                tickets::token_expires_at.eq(admission.token_expires_at.as_millis()),
                tickets::expires_at.eq(expires_at.as_millis()),
            );
            on!(tx.conn()?, c => diesel::insert_into(tickets::table).values(&values).execute(c))?;
            Ok(ticket)
        })
        .await
    }

    /// Uses a ticket up: whom it lets in. Of any number of tries, on any nodes, one gets it.
    ///
    /// None for a ticket that is unknown, used or expired, and when its session was signed out.
    pub async fn redeem_ticket(&self, ticket: &[u8]) -> Result<Option<Admission>> {
        let ticket_hash = hash(ticket);
        self.act(Vec::new(), move |tx| {
            // The deletion decides: a second one waits for the first and then finds nothing.
            let row: Option<(i64, i64, String, i64, i64)> = on!(tx.conn()?, c =>
                diesel::delete(tickets::table.find(&ticket_hash))
                    .returning((
                        tickets::user_id,
                        tickets::session_id,
                        tickets::scopes,
                        tickets::token_expires_at,
                        tickets::expires_at,
                    ))
                    .get_result(c)
                    .optional())?;
            let now = tx.source.now();
            let Some((user, session, scopes, token_expires_at, expires_at)) = row else {
                return Ok(None);
            };
            let session = SessionId::new(session);
            let live = sessions::owner(tx.conn()?, session, now)?.is_some();
            Ok((live && expires_at > now.as_millis()).then(|| Admission {
                user: UserId::new(user),
                session,
                scopes,
                token_expires_at: Time::from_millis(token_expires_at),
            }))
        })
        .await
    }
}
