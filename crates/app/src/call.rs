//! One SCIM call, from its head to its ProvisioningRecord.

use crate::app::{App, Clock};
use crate::caller::Caller;
use bailiwick_domain::event::EventKind;
use bailiwick_domain::ids::{Kind, is_resource_id};
use bailiwick_domain::token;
use bailiwick_scim::Object;
use bailiwick_scim::quirks::Repairs;
use bailiwick_scim::redact;
use bailiwick_store::change::{CallFacts, NewEvent};
use serde_json::{Value, json};
use std::fmt::Write as _;
use std::time::Duration;

/// Most bytes of a request body, its canonical form or a change that the journal keeps.
pub const JOURNAL_BYTES: usize = 16 * 1024;

/// One SCIM call: who, what, and what became of it so far.
#[derive(Clone, Debug)]
pub struct Call {
    /// Who calls.
    pub caller: Caller,
    /// Id of the call, shown to the client and in the journal.
    pub request: String,
    /// HTTP method.
    pub method: &'static str,
    /// Path below the SCIM base with the redacted query.
    pub target: String,
    /// User-Agent, at most 200 characters.
    pub agent: String,
    /// Clock reading when the head was read.
    pub started: Duration,
    /// Repairs made while reading it.
    pub repairs: Repairs,
    /// The body as received, redacted.
    pub said: Option<Value>,
    /// The operations as understood.
    pub canonical: Option<Value>,
    /// The resource concerned.
    pub resource: Option<String>,
    /// Its userName or displayName, for people who read the journal.
    pub name: Option<String>,
    /// Time spent by stage.
    pub stages: Stages,
}

impl Call {
    /// A call whose head was just read.
    #[must_use]
    pub fn new(
        app: &App,
        caller: Caller,
        method: &'static str,
        target: String,
        agent: &str,
        started: Duration,
    ) -> Self {
        Self {
            caller,
            request: app.new_request_id(),
            method,
            target,
            agent: agent.chars().filter(|char| !char.is_control()).take(200).collect(),
            started,
            repairs: Repairs::default(),
            said: None,
            canonical: None,
            resource: None,
            name: None,
            stages: Stages { last: started, ..Stages::default() },
        }
    }

    /// Notes the body for the journal, with secrets taken out. `kind` is the endpoint's resource type.
    pub fn heard(&mut self, app: &App, kind: Option<Kind>, body: &Value) {
        let resource_type = kind.map(|kind| resource_type(app, kind));
        self.said = Some(capped(redact::redact_body(app.registry(), resource_type, body)));
    }

    /// Notes a body that did not parse: only how long it was and its digest.
    pub fn heard_bytes(&mut self, length: usize, digest: &[u8; 32]) {
        let digest = digest.iter().fold(String::new(), |mut text, byte| {
            let _ = write!(text, "{byte:02x}");
            text
        });
        self.said = Some(json!({ "unparsed_bytes": length, "sha256": digest }));
    }

    /// The ProvisioningRecord of a call that was carried out.
    pub(crate) fn record(&self, app: &App, kind: EventKind, status: u16, changes: Vec<Value>) -> NewEvent {
        let mut payload = self.payload();
        if !changes.is_empty() {
            payload.insert("changes".to_owned(), capped(Value::Array(changes)));
        }
        self.event(app, kind, status, None, payload)
    }

    /// The ProvisioningRecord of a call that was refused or failed.
    pub(crate) fn refused(&self, app: &App, kind: EventKind, refusal: &crate::Refusal) -> NewEvent {
        let mut payload = self.payload();
        payload.insert("detail".to_owned(), Value::from(token::masked(&refusal.detail)));
        if let Some(scim_type) = refusal.scim_type {
            payload.insert("scimType".to_owned(), Value::from(scim_type.as_str()));
        }
        self.event(app, kind, refusal.status, Some(refusal.code.to_owned()), payload)
    }

    /// An event that the call caused beside its record.
    pub(crate) fn side_event(&self, app: &App, kind: EventKind, person: Option<String>, payload: Value) -> NewEvent {
        NewEvent {
            kind,
            integration: Some(self.caller.integration.id),
            request: self.request.clone(),
            resource: self.sealed_resource(),
            person,
            actor: self.caller.token.to_string(),
            call: None,
            payload,
            salt: app.random(),
        }
    }

    /// The resource as the metadata of an event names it: that is sealed and can never be erased, so that whatever else
    /// a client put in the place of an id stays in the target alone.
    fn sealed_resource(&self) -> Option<String> {
        self.resource.clone().filter(|id| is_resource_id(id))
    }

    fn payload(&self) -> Object {
        let mut payload = Object::new();
        payload.insert("target".to_owned(), Value::from(token::masked(&self.target)));
        payload.insert("agent".to_owned(), Value::from(token::masked(&self.agent)));
        if let Some(name) = &self.name {
            payload.insert("name".to_owned(), Value::from(name.as_str()));
        }
        if let Some(said) = &self.said {
            payload.insert("request".to_owned(), said.clone());
        }
        if let Some(canonical) = &self.canonical {
            payload.insert("operations".to_owned(), canonical.clone());
        }
        if !self.repairs.0.is_empty() {
            let repairs = self.repairs.0.iter().map(|repair| json!({ "quirk": repair.quirk, "note": repair.note }));
            payload.insert("repairs".to_owned(), repairs.collect());
        }
        payload
    }

    fn event(&self, app: &App, kind: EventKind, status: u16, code: Option<String>, payload: Object) -> NewEvent {
        let duration = app.clock().monotonic().saturating_sub(self.started);
        NewEvent {
            kind,
            integration: Some(self.caller.integration.id),
            request: self.request.clone(),
            resource: self.sealed_resource(),
            person: None,
            actor: self.caller.token.to_string(),
            call: Some(CallFacts {
                method: self.method.to_owned(),
                status,
                code,
                duration_us: u64::try_from(duration.as_micros()).unwrap_or(u64::MAX),
            }),
            payload: Value::Object(payload),
            salt: app.random(),
        }
    }
}

/// A JSON value, or how long it was when it is too long for the journal.
pub(crate) fn capped(value: Value) -> Value {
    let mut counter = Counter(0);
    match serde_json::to_writer(&mut counter, &value) {
        Ok(()) => value,
        Err(_) => json!({ "too_long_for_the_journal": true, "kept_bytes_max": JOURNAL_BYTES }),
    }
}

/// Counts bytes and refuses beyond the limit, so that a long value is not written out only to be measured.
struct Counter(usize);

impl std::io::Write for Counter {
    fn write(&mut self, bytes: &[u8]) -> std::io::Result<usize> {
        self.0 += bytes.len();
        if self.0 > JOURNAL_BYTES { Err(std::io::ErrorKind::FileTooLarge.into()) } else { Ok(bytes.len()) }
    }

    fn flush(&mut self) -> std::io::Result<()> {
        Ok(())
    }
}

/// The SCIM resource type of a kind.
#[must_use]
pub fn resource_type(app: &App, kind: Kind) -> &bailiwick_scim::schema::ResourceType {
    match kind {
        Kind::User => app.registry().user(),
        Kind::Group => app.registry().group(),
    }
}

/// Time spent by stage, for the `Server-Timing` header.
#[derive(Clone, Debug, Default)]
pub struct Stages {
    last: Duration,
    spent: Vec<(&'static str, Duration)>,
}

impl Stages {
    /// Begins to measure at a moment of the monotonic clock.
    #[must_use]
    pub fn from(started: Duration) -> Self {
        Self { last: started, spent: Vec::new() }
    }

    /// Ends the stage that began with the previous mark.
    pub fn mark(&mut self, stage: &'static str, clock: &dyn Clock) {
        let now = clock.monotonic();
        self.spent.push((stage, now.saturating_sub(self.last)));
        self.last = now;
    }

    /// The header value: `read;dur=0.12, commit;dur=1.50` in milliseconds.
    #[must_use]
    pub fn header(&self) -> String {
        let mut out = String::new();
        for (stage, spent) in &self.spent {
            if !out.is_empty() {
                out.push_str(", ");
            }
            let _ = write!(out, "{stage};dur={}.{:03}", spent.as_micros() / 1000, spent.as_micros() % 1000);
        }
        out
    }
}
