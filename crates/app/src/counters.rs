//! What is counted in memory and written once a second: successful reads, the use of tokens, anonymous calls.

use crate::app::App;
use crate::caller::Caller;
use bailiwick_domain::event::EventKind;
use bailiwick_domain::ids::{IntegrationId, Millis};
use bailiwick_store::change::{CallCount, NewEvent};
use bailiwick_store::{ChangeSet, Write};
use serde_json::{Map, Value};
use std::collections::HashMap;
use std::net::IpAddr;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

/// Most addresses counted one by one between two flushes; further ones are counted together.
const ADDRESSES: usize = 1_000;

#[derive(Debug, Default)]
pub(crate) struct Counters(Mutex<Counted>);

#[derive(Debug, Default)]
struct Counted {
    reads: HashMap<(IntegrationId, &'static str, u16), (u64, Millis)>,
    tokens: HashMap<Arc<str>, Millis>,
    credentials: HashMap<Arc<str>, Millis>,
    anonymous: HashMap<IpAddr, u64>,
    elsewhere: u64,
}

impl Counters {
    fn lock(&self) -> MutexGuard<'_, Counted> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl App {
    /// Counts a successful read; its token counts as used.
    pub fn count_read(&self, caller: &Caller, method: &'static str, status: u16) {
        let now = self.clock().now();
        let mut counted = self.counters().lock();
        let entry = counted.reads.entry((caller.integration.id, method, status)).or_insert((0, now));
        *entry = (entry.0 + 1, now);
        match counted.tokens.get_mut(&caller.token) {
            Some(used) => *used = now,
            None => drop(counted.tokens.insert(caller.token.clone(), now)),
        }
    }

    /// Marks a token as used by a call that is recorded on its own.
    pub fn count_use(&self, caller: &Caller) {
        self.counters().lock().tokens.insert(caller.token.clone(), self.clock().now());
    }

    /// Marks a session or API token as used.
    pub(crate) fn count_credential(&self, id: &Arc<str>) {
        let now = self.clock().now();
        let mut counted = self.counters().lock();
        match counted.credentials.get_mut(id) {
            Some(used) => *used = now,
            None => drop(counted.credentials.insert(id.clone(), now)),
        }
    }

    /// Counts a call that no token identifies. Memory is bounded, nothing waits.
    pub fn count_anonymous(&self, address: IpAddr) {
        let mut counted = self.counters().lock();
        if counted.anonymous.len() >= ADDRESSES && !counted.anonymous.contains_key(&address) {
            counted.elsewhere += 1;
        } else {
            *counted.anonymous.entry(address).or_insert(0) += 1;
        }
    }

    /// Writes what was counted. Called once a second and before the server ends; a failure is logged and the counts of
    /// that second are lost, which is all that may be lost.
    pub async fn flush(&self) {
        let counted = std::mem::take(&mut *self.counters().lock());
        let mut set = ChangeSet { at: self.clock().now(), ..ChangeSet::default() };
        if !counted.reads.is_empty() {
            let counts = counted.reads.into_iter().map(|((integration, method, status), (calls, last))| CallCount {
                integration,
                method: method.to_owned(),
                status,
                calls,
                last,
            });
            set.writes.push(Write::CountCalls(counts.collect()));
        }
        if !counted.tokens.is_empty() {
            let used = counted.tokens.into_iter().map(|(token, at)| (token.to_string(), at));
            set.writes.push(Write::TouchTokens(used.collect()));
        }
        if !counted.credentials.is_empty() {
            let used = counted.credentials.into_iter().map(|(credential, at)| (credential.to_string(), at));
            set.writes.push(Write::TouchCredentials(used.collect()));
        }
        if !set.writes.is_empty()
            && let Err(error) = self.store().commit(set).await
        {
            tracing::warn!(%error, "counters not written");
        }
        if counted.anonymous.is_empty() {
            return;
        }
        let event = self.anonymous_event(&counted.anonymous, counted.elsewhere);
        let set = ChangeSet { at: self.clock().now(), events: vec![event], ..ChangeSet::default() };
        if let Err(error) = self.store().commit(set).await {
            tracing::warn!(%error, "anonymous calls not written");
        }
    }

    fn anonymous_event(&self, addresses: &HashMap<IpAddr, u64>, elsewhere: u64) -> NewEvent {
        let mut counts: Map<String, Value> =
            addresses.iter().map(|(address, calls)| (address.to_string(), Value::from(*calls))).collect();
        if elsewhere > 0 {
            counts.insert("other".to_owned(), Value::from(elsewhere));
        }
        NewEvent {
            kind: EventKind::CallsAnonymous,
            integration: None,
            request: self.new_request_id(),
            resource: None,
            person: None,
            actor: "anonymous".to_owned(),
            call: None,
            payload: Value::Object(Map::from_iter([("calls".to_owned(), Value::Object(counts))])),
            salt: self.random(),
        }
    }
}
