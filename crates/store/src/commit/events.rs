//! The change feed: the events of a set, to be appended in its transaction.

use super::EventLine;
use super::credentials::Revoked;
use super::members::MemberDelta;
use super::tally::Tally;
use super::work::Work;
use crate::change::{CallFacts, NewEvent};
use bailiwick_domain::event::EventKind;
use bailiwick_domain::ids::IntegrationId;
use bailiwick_domain::seal::payload_digest;
use serde_json::{Value, json};
use std::borrow::Cow;
use std::collections::BTreeMap;

/// Ids of members in one event.
pub(super) const CHUNK: usize = 1_000;

/// The events of a set as they are to be appended, and the last number drawn. A set that changed nothing keeps only the
/// record of its call.
pub(super) fn lines<E>(work: &mut Work<'_, E>, events: &[NewEvent]) -> (Vec<EventLine>, i64) {
    let changed = work.product && work.committed.changed;
    let unchanged = work.product && !work.committed.changed;
    let mut deltas = std::mem::take(&mut work.members);
    let mut revoked = by_person(std::mem::take(&mut work.revoked));
    let mut feed = Feed {
        at: work.at,
        version: work.version,
        inserted: work.committed.integration,
        tally: &mut work.tally,
        lines: Vec::with_capacity(events.len()),
    };
    for event in events {
        let told = event.person.as_ref().filter(|_| !unchanged).and_then(|person| revoked.remove(person));
        let event = &*told.map_or(Cow::Borrowed(event), |told| Cow::Owned(with_revoked(event, told)));
        if unchanged {
            if event.call.is_some() {
                feed.push(event, EventKind::CallUnchanged, event.payload.to_string());
            }
        } else if let Some(delta) = delta_of(&mut deltas, event) {
            feed.with_members(event, &delta);
        } else {
            feed.push(event, event.kind, event.payload.to_string());
        }
    }
    // Member changes that no event of the set tells of are told all the same: followers rely on it.
    if let Some(origin) = events.first().map(origin) {
        for delta in deltas {
            feed.with_members(&NewEvent { resource: Some(delta.group.clone()), ..origin.clone() }, &delta);
        }
        // So are credentials that went with the access of somebody whom no event names.
        for (person, told) in revoked {
            let event = with_revoked(&NewEvent { person: Some(person), ..origin.clone() }, told);
            feed.push(&event, EventKind::AccessEnd, event.payload.to_string());
        }
    }
    let lines = feed.lines;
    let last = match (i64::try_from(lines.len()).unwrap_or(i64::MAX), changed) {
        (0, false) => {
            work.committed.seq = work.base;
            work.last_row
        }
        (0, true) => work.version,
        (drawn, _) => work.version + drawn - 1,
    };
    (lines, last)
}

fn by_person(revoked: Vec<Revoked>) -> BTreeMap<String, Vec<Value>> {
    let mut persons: BTreeMap<String, Vec<Value>> = BTreeMap::new();
    for Revoked { person, id, kind } in revoked {
        persons.entry(person).or_default().push(json!({ "id": id, "kind": kind.as_str() }));
    }
    persons
}

fn with_revoked(event: &NewEvent, revoked: Vec<Value>) -> NewEvent {
    let mut event = event.clone();
    if let Value::Object(payload) = &mut event.payload {
        payload.insert("revoked".to_owned(), Value::Array(revoked));
    }
    event
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

struct Feed<'w> {
    at: i64,
    /// The number of the first event.
    version: i64,
    /// The integration that the set inserted.
    inserted: Option<IntegrationId>,
    tally: &'w mut Tally,
    lines: Vec<EventLine>,
}

impl Feed<'_> {
    /// Takes an event with the members it changed, in chunks if they are many.
    fn with_members(&mut self, event: &NewEvent, delta: &MemberDelta) {
        let added = delta.added.iter().map(|id| (true, id));
        let all: Vec<(bool, &String)> = added.chain(delta.removed.iter().map(|id| (false, id))).collect();
        let mut chunks = all.chunks(CHUNK);
        let mut payload = event.payload.clone();
        if let (Some(chunk), Value::Object(payload)) = (chunks.next(), &mut payload) {
            payload.insert("members".to_owned(), members(chunk));
        }
        self.push(event, event.kind, payload.to_string());
        let origin = NewEvent { resource: event.resource.clone(), ..origin(event) };
        for chunk in chunks {
            self.push(&origin, origin.kind, json!({ "members": members(chunk) }).to_string());
        }
    }

    fn push(&mut self, event: &NewEvent, kind: EventKind, body: String) {
        let number = i64::try_from(self.lines.len()).unwrap_or(i64::MAX);
        let salt = salt(&event.salt, number);
        let integration = event.integration.or(self.inserted).map(|id| id.0);
        let call = event.call.as_ref();
        if let (Some(integration), Some(CallFacts { method, status, .. })) = (integration, call) {
            self.tally.saw(integration, self.at, method, *status, 1);
        }
        self.lines.push(EventLine {
            seq: self.version + number,
            at: self.at,
            kind: kind.as_str(),
            integration,
            request: event.request.clone(),
            resource: event.resource.clone(),
            person: event.person.clone(),
            actor: event.actor.clone(),
            method: call.map(|call| call.method.clone()),
            status: call.map(|call| i64::from(call.status)),
            code: call.and_then(|call| call.code.clone()),
            duration_us: call.map(|call| i64::try_from(call.duration_us).unwrap_or(i64::MAX)),
            digest: payload_digest(&salt, body.as_bytes()),
            salt,
            body,
        });
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
