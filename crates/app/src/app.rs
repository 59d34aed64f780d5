//! The handle that use cases work with: store, schemas, clock and randomness, wired once.

use crate::access::AccessState;
use crate::counters::Counters;
use crate::feed::Pulse;
use crate::tokens::TokenCache;
use bailiwick_domain::ids::{self, Millis};
use bailiwick_scim::schema::Registry;
use bailiwick_store::Store;
use std::fmt::Debug;
use std::hash::{DefaultHasher, Hash as _, Hasher as _};
use std::sync::Arc;
use std::time::Duration;
use tokio::sync::Mutex;

/// Time, handed in so that tests can set it.
pub trait Clock: Send + Sync + Debug {
    /// The time of day.
    fn now(&self) -> Millis;
    /// Time since some fixed moment, for durations; never goes back.
    fn monotonic(&self) -> Duration;
}

/// Randomness, handed in so that tests can seed it.
pub trait Ids: Send + Sync + Debug {
    /// Fills the buffer with random bytes fit for secrets.
    fn fill(&self, bytes: &mut [u8]);
}

/// What an [`App`] is made of.
#[derive(Debug)]
pub struct Wiring {
    /// The store.
    pub store: Store,
    /// The schemas served.
    pub registry: Registry,
    /// Time.
    pub clock: Arc<dyn Clock>,
    /// Randomness.
    pub ids: Arc<dyn Ids>,
    /// Origin that clients use, without a trailing slash: `https://bailiwick.example.com`.
    pub public_url: String,
}

/// The handle. Cheap to clone.
#[derive(Clone, Debug)]
pub struct App {
    inner: Arc<Inner>,
    acting: Option<Arc<Acting>>,
}

/// For whom and in which request a use case is carried out.
#[derive(Debug)]
struct Acting {
    actor: String,
    request: String,
}

#[derive(Debug)]
struct Inner {
    wiring: Wiring,
    scim_base: String,
    etag_key: [u8; 32],
    access: AccessState,
    tokens: TokenCache,
    counters: Counters,
    mapping: crate::mapping::Room,
    pulse: Pulse,
    queues: Vec<Mutex<()>>,
}

/// Queues for writers of one resource; different resources seldom share one.
const QUEUES: usize = 256;

impl App {
    /// Wires the use cases.
    #[must_use]
    pub fn new(wiring: Wiring) -> Self {
        let scim_base = format!("{}/scim/v2", wiring.public_url);
        let etag_key = wiring.store.etag_key();
        let inner = Inner {
            wiring,
            scim_base,
            etag_key,
            access: AccessState::default(),
            tokens: TokenCache::default(),
            counters: Counters::default(),
            mapping: crate::mapping::Room::default(),
            pulse: Pulse::default(),
            queues: (0..QUEUES).map(|_| Mutex::default()).collect(),
        };
        Self { inner: Arc::new(inner), acting: None }
    }

    /// The same handle for the length of one request: the events of what is done with it name this actor and request.
    #[must_use]
    pub fn acting(&self, actor: &str, request: &str) -> Self {
        let acting = Acting { actor: actor.to_owned(), request: request.to_owned() };
        Self { inner: Arc::clone(&self.inner), acting: Some(Arc::new(acting)) }
    }

    /// Who acts: the id of a credential; `host` where nobody said otherwise, as on the command line.
    #[must_use]
    pub fn actor(&self) -> &str {
        self.acting.as_ref().map_or("host", |acting| &acting.actor)
    }

    /// Id of the request that is carried out; a fresh one on the command line.
    #[must_use]
    pub fn request_id(&self) -> String {
        self.acting.as_ref().map_or_else(|| self.new_request_id(), |acting| acting.request.clone())
    }

    /// The store.
    #[must_use]
    pub fn store(&self) -> &Store {
        &self.inner.wiring.store
    }

    /// The schemas served.
    #[must_use]
    pub fn registry(&self) -> &Registry {
        &self.inner.wiring.registry
    }

    /// Time.
    #[must_use]
    pub fn clock(&self) -> &dyn Clock {
        &*self.inner.wiring.clock
    }

    /// The clock, for what measures by itself.
    #[must_use]
    pub fn wired_clock(&self) -> Arc<dyn Clock> {
        Arc::clone(&self.inner.wiring.clock)
    }

    /// Randomness.
    #[must_use]
    pub fn ids(&self) -> &dyn Ids {
        &*self.inner.wiring.ids
    }

    /// Origin that clients use.
    #[must_use]
    pub fn public_url(&self) -> &str {
        &self.inner.wiring.public_url
    }

    /// Base URL of SCIM: every location starts with it.
    #[must_use]
    pub fn scim_base(&self) -> &str {
        &self.inner.scim_base
    }

    pub(crate) fn etag_key(&self) -> &[u8; 32] {
        &self.inner.etag_key
    }

    pub(crate) fn access(&self) -> &AccessState {
        &self.inner.access
    }

    /// What tells followers of new events.
    #[must_use]
    pub fn pulse(&self) -> &Pulse {
        &self.inner.pulse
    }

    pub(crate) fn tokens(&self) -> &TokenCache {
        &self.inner.tokens
    }

    pub(crate) fn counters(&self) -> &Counters {
        &self.inner.counters
    }

    pub(crate) fn mapping(&self) -> &crate::mapping::Room {
        &self.inner.mapping
    }

    /// The queue of those who write the resource of that id.
    pub(crate) fn queue(&self, id: &str) -> &Mutex<()> {
        let mut hasher = DefaultHasher::new();
        id.hash(&mut hasher);
        &self.inner.queues[(hasher.finish() % QUEUES as u64) as usize]
    }

    /// A short keyed digest of the parts: what is handed to clients and comes back, such as versions and cursors, is
    /// proven with it. Nobody can make one, and it says nothing about the parts.
    #[must_use]
    pub fn seal(&self, parts: &[&[u8]]) -> String {
        let tag = bailiwick_scim::etag::tag(self.etag_key(), parts);
        tag.trim_start_matches("W/").trim_matches('"').to_owned()
    }

    pub(crate) fn random<const N: usize>(&self) -> [u8; N] {
        let mut bytes = [0; N];
        self.ids().fill(&mut bytes);
        bytes
    }

    /// A fresh id for a call or command. It begins with the time, so that the journal's index of them grows at its end.
    #[must_use]
    pub fn new_request_id(&self) -> String {
        let mut bytes: [u8; 16] = self.random();
        bytes[..6].copy_from_slice(&self.clock().now().0.to_be_bytes()[2..]);
        ids::prefixed_id("req_", bytes)
    }

    /// Whether the store is open and can be written.
    ///
    /// # Errors
    /// A sentence that says why not.
    pub async fn ready(&self) -> Result<(), String> {
        self.store().writable().map_err(|error| error.to_string())
    }
}
