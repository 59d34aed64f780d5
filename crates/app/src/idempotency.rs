//! Idempotency keys: a request that is repeated under its key is answered with what the first one got.
//!
//! A key is reserved before the work begins, so that of two requests at once, on whichever replicas, one is carried out.
//! What was refused changed nothing: its key is free again. Only what was carried out is kept, for a day.
//!
//! The answer is kept in a commit of its own, behind the one that carried the request out. A process that dies between
//! the two leaves the key reserved until the time of the request is over; a repetition after that is carried out again.
//! What has a name of its own is then refused as taken, as it would be without a key.

use crate::Refusal;
use crate::app::App;
use crate::error::of_store;
use bailiwick_domain::failure::{self, ProductCode};
use bailiwick_domain::ids::Millis;
use bailiwick_store::change::{Answer, EntryWrite};
use bailiwick_store::{ChangeSet, Error, Guard, Write};
use sha2::{Digest as _, Sha256};
use std::fmt::Write as _;
use std::time::Duration;

/// How long an answer is kept.
const KEPT_MS: i64 = 24 * 60 * 60 * 1000;
/// Longest body that is kept, in bytes. The answer to a larger one is told to have been given.
pub const KEPT_BYTES: usize = 256 * 1024;
const COLLECTION: &str = "idempotency";

/// A key that is taken until it is kept or released.
#[derive(Debug)]
pub struct Reservation {
    caller: String,
    key: String,
    digest: [u8; 32],
    entry: String,
}

/// What a key stands for.
#[derive(Debug)]
pub enum Begun {
    /// Nothing yet: carry it out.
    Fresh(Reservation),
    /// A request that was carried out: this was the answer.
    Before(Kept),
}

/// An answer that was given.
#[derive(Debug)]
pub struct Kept {
    /// Status.
    pub status: u16,
    /// Headers as JSON text.
    pub headers: String,
    /// Body.
    pub body: String,
}

/// Takes a key of a caller for the request of that digest, for at most `span`.
///
/// # Errors
/// The key stands for another request, or for one that is under way; or when the store cannot answer.
pub async fn begin(app: &App, caller: &str, key: &str, digest: [u8; 32], span: Duration) -> Result<Begun, Refusal> {
    let now = app.clock().now();
    if let Some(kept) = kept(app, caller, key, &digest, now).await? {
        return Ok(Begun::Before(kept));
    }
    let entry = entry_id(caller, key);
    let row = app.store().entry(COLLECTION, &entry).await.map_err(of_store)?;
    if row.as_ref().is_some_and(|row| row.due.is_some_and(|due| due > now)) {
        return Err(in_flight());
    }
    let due = Millis(now.0.saturating_add(i64::try_from(span.as_millis()).unwrap_or(i64::MAX)));
    let write = EntryWrite {
        collection: COLLECTION.to_owned(),
        id: entry.clone(),
        parent: None,
        state: None,
        due: Some(due),
        // Every reservation is a text of its own, so that taking an abandoned one over changes the row.
        doc: format!("{{\"request\":\"{}\"}}", app.request_id()),
    };
    let guard = Guard::Entry {
        collection: COLLECTION.to_owned(),
        id: entry.clone(),
        version: row.map_or(0, |row| row.version),
    };
    let set = ChangeSet { at: now, guards: vec![guard], writes: vec![Write::PutEntry(write)], ..ChangeSet::default() };
    match app.store().commit(set).await {
        Ok(_) => {}
        Err(Error::Stale) => return Err(in_flight()),
        Err(error) => return Err(of_store(error)),
    }
    let reservation = Reservation { caller: caller.to_owned(), key: key.to_owned(), digest, entry };
    // Between the look and the reservation the first request may have ended.
    if let Some(kept) = kept(app, caller, key, &digest, now).await? {
        release(app, &reservation).await;
        return Ok(Begun::Before(kept));
    }
    Ok(Begun::Fresh(reservation))
}

async fn kept(app: &App, caller: &str, key: &str, digest: &[u8; 32], now: Millis) -> Result<Option<Kept>, Refusal> {
    let row = app.store().answer(caller, key).await.map_err(of_store)?;
    let Some(row) = row.filter(|row| now.0.saturating_sub(row.at.0) < KEPT_MS) else { return Ok(None) };
    if row.answer.digest != *digest {
        let detail = "This Idempotency-Key came before with another request. Nothing was done.";
        return Err(failure::error(ProductCode::IdempotencyKeyReused, detail));
    }
    Ok(Some(Kept { status: row.answer.status, headers: row.answer.headers, body: row.answer.body }))
}

/// Keeps the answer. It has been given whatever becomes of this: trouble is logged.
pub async fn keep(app: &App, reservation: Reservation, answer: Kept) {
    let Reservation { caller, key, digest, entry } = reservation;
    let Kept { status, headers, body } = answer;
    let answer = Answer { caller, key, digest, status, headers, body };
    let set = ChangeSet {
        at: app.clock().now(),
        writes: vec![Write::PutAnswer(answer), Write::DeleteEntry { collection: COLLECTION.to_owned(), id: entry }],
        ..ChangeSet::default()
    };
    if let Err(error) = app.store().commit(set).await {
        tracing::warn!(%error, "an answer was not kept for its repetition");
    }
}

/// Frees the key: nothing was done.
pub async fn release(app: &App, reservation: &Reservation) {
    let delete = Write::DeleteEntry { collection: COLLECTION.to_owned(), id: reservation.entry.clone() };
    let set = ChangeSet { at: app.clock().now(), writes: vec![delete], ..ChangeSet::default() };
    if let Err(error) = app.store().commit(set).await {
        tracing::warn!(%error, "an idempotency key was not released");
    }
}

fn in_flight() -> Refusal {
    let detail = "A request with this Idempotency-Key is being carried out. Ask again in a second.";
    failure::error(ProductCode::IdempotencyInFlight, detail)
}

/// Keys may hold anything; what is stored as id does not.
fn entry_id(caller: &str, key: &str) -> String {
    let mut digest = Sha256::new();
    digest.update((caller.len() as u64).to_be_bytes());
    digest.update(caller);
    digest.update(key);
    digest.finalize().iter().fold(String::with_capacity(64), |mut text, byte| {
        // Writing to a String cannot fail.
        let _ = write!(text, "{byte:02x}");
        text
    })
}
