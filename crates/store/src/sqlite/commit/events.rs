//! The change feed: the events of a set, appended in its transaction.

use super::Work;
use super::members::MemberDelta;
use crate::change::{CallFacts, NewEvent};
use crate::error::Error;
use bailiwick_domain::event::EventKind;
use bailiwick_domain::seal::payload_digest;
use rusqlite::params;
use serde_json::{Value, json};

/// Ids of members in one event.
const CHUNK: usize = 1_000;

/// Appends the events of a set and returns the last number drawn. A set that changed nothing keeps only the record of
/// its call.
pub(super) fn append(work: &mut Work<'_>, events: Vec<NewEvent>) -> Result<i64, Error> {
    let unchanged = work.product && !work.committed.changed;
    let mut deltas = std::mem::take(&mut work.members);
    let first = events.first().map(origin);
    let mut feed = Feed { work, next: 0 };
    for mut event in events {
        if unchanged {
            if event.call.is_none() {
                continue;
            }
            event.kind = EventKind::CallUnchanged;
        } else if let Some(delta) = delta_of(&mut deltas, &event) {
            feed.with_members(event, &delta)?;
            continue;
        }
        feed.push(event)?;
    }
    // Member changes that no event of the set tells of are told all the same: followers rely on it.
    if let Some(origin) = first {
        for delta in deltas {
            let event = NewEvent { resource: Some(delta.group.clone()), ..origin.clone() };
            feed.with_members(event, &delta)?;
        }
    }
    let drawn = feed.next;
    let rows = work.last_row - work.base;
    Ok(match (drawn, work.product && work.committed.changed) {
        (0, false) => {
            work.committed.seq = work.base;
            work.base + rows
        }
        (0, true) => work.version,
        _ => work.version + drawn - 1,
    })
}

/// A blank event with the origin of another.
fn origin(event: &NewEvent) -> NewEvent {
    NewEvent {
        kind: EventKind::Patch,
        integration: event.integration,
        request: event.request.clone(),
        resource: None,
        person: None,
        actor: event.actor.clone(),
        call: None,
        payload: json!({}),
        salt: event.salt,
    }
}

fn delta_of(deltas: &mut Vec<MemberDelta>, event: &NewEvent) -> Option<MemberDelta> {
    if !matches!(event.kind, EventKind::Create | EventKind::Patch | EventKind::Put) {
        return None;
    }
    let id = event.resource.as_ref()?;
    let index = deltas.iter().position(|delta| delta.group == *id)?;
    let mut found = deltas.remove(index);
    // Several writes on one group are one change to who reads the feed.
    deltas.retain_mut(|delta| {
        let same = delta.group == found.group;
        if same {
            found.added.append(&mut delta.added);
            found.removed.append(&mut delta.removed);
        }
        !same
    });
    Some(found)
}

struct Feed<'w, 'c> {
    work: &'w mut Work<'c>,
    next: i64,
}

impl Feed<'_, '_> {
    /// Appends an event with the members it changed, in chunks if they are many.
    fn with_members(&mut self, mut event: NewEvent, delta: &MemberDelta) -> Result<(), Error> {
        let added = delta.added.iter().map(|id| (true, id));
        let all: Vec<(bool, &String)> = added.chain(delta.removed.iter().map(|id| (false, id))).collect();
        let origin = origin(&event);
        let mut chunks = all.chunks(CHUNK);
        if let (Some(chunk), Value::Object(payload)) = (chunks.next(), &mut event.payload) {
            payload.insert("members".to_owned(), members(chunk));
        }
        let resource = event.resource.clone();
        self.push(event)?;
        for chunk in chunks {
            let payload = json!({ "members": members(chunk) });
            self.push(NewEvent { resource: resource.clone(), payload, ..origin.clone() })?;
        }
        Ok(())
    }

    fn push(&mut self, event: NewEvent) -> Result<(), Error> {
        let seq = self.work.version + self.next;
        let body = event.payload.to_string();
        let salt = salt(&event.salt, self.next);
        let digest = payload_digest(&salt, body.as_bytes());
        let integration = event.integration.or(self.work.committed.integration).map(|id| id.0);
        let call = event.call.as_ref();
        self.work.run(
            "INSERT INTO event (seq, at, kind, integration, request, resource, person, actor, method, status, code,
               duration_us, digest)
             VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9, ?10, ?11, ?12, ?13)",
            params![
                seq,
                self.work.at,
                event.kind.as_str(),
                integration,
                event.request,
                event.resource,
                event.person,
                event.actor,
                call.map(|call| &call.method),
                call.map(|call| call.status),
                call.and_then(|call| call.code.as_ref()),
                call.map(|call| i64::try_from(call.duration_us).unwrap_or(i64::MAX)),
                digest,
            ],
        )?;
        self.work.run("INSERT INTO event_payload (seq, salt, body) VALUES (?1, ?2, ?3)", params![seq, salt, body])?;
        if let (Some(integration), Some(CallFacts { method, status, .. })) = (integration, call) {
            self.work.tally.saw(integration, self.work.at, method, *status, 1);
        }
        self.next += 1;
        Ok(())
    }
}

/// The salt of the nth event of a set. Events that the store adds have none of their own; one that is derived is as
/// hard to guess as the one it comes from.
fn salt(given: &[u8; 16], number: i64) -> [u8; 16] {
    let derived = payload_digest(given, &number.to_be_bytes());
    let mut salt = [0; 16];
    salt.copy_from_slice(&derived[..16]);
    salt
}

fn members(chunk: &[(bool, &String)]) -> Value {
    let of =
        |added: bool| chunk.iter().filter(|(is_added, _)| *is_added == added).map(|(_, id)| *id).collect::<Vec<_>>();
    json!({ "added": of(true), "removed": of(false) })
}
