//! What a connection and the handlers of its requests tell each other.

use std::net::SocketAddr;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use tokio::sync::OwnedSemaphorePermit;

/// One connection, as its requests see it.
#[derive(Debug)]
pub(crate) struct Link {
    /// The other end.
    pub(crate) peer: SocketAddr,
    /// Requests handed to the router.
    taken: AtomicU64,
    /// Requests answered.
    answered: AtomicU64,
    /// Number of the first request whose length is said twice.
    conflict: AtomicU64,
    /// Whether a head has begun and is not complete.
    within_head: AtomicBool,
    /// The place among all connections; freed when connection and handlers are gone.
    _place: Option<OwnedSemaphorePermit>,
}

impl Link {
    pub(crate) fn new(peer: SocketAddr, place: Option<OwnedSemaphorePermit>) -> Self {
        Self {
            peer,
            taken: AtomicU64::new(0),
            answered: AtomicU64::new(0),
            conflict: AtomicU64::new(u64::MAX),
            within_head: AtomicBool::new(false),
            _place: place,
        }
    }

    /// The reader says where it stands, and which request it found whose length is said twice.
    pub(crate) fn read(&self, within_head: bool, conflict: Option<u64>) {
        if let Some(number) = conflict {
            self.conflict.store(number, Ordering::Release);
        }
        self.within_head.store(within_head, Ordering::Release);
    }

    /// A request reached the router: whether its length is said twice.
    pub(crate) fn take(&self) -> bool {
        self.taken.fetch_add(1, Ordering::AcqRel) >= self.conflict.load(Ordering::Acquire)
    }

    /// Its answer is ready.
    pub(crate) fn answer(&self) {
        self.answered.fetch_add(1, Ordering::AcqRel);
    }

    /// Whether a request was read and waits for its answer.
    pub(crate) fn busy(&self) -> bool {
        self.answered.load(Ordering::Acquire) < self.taken.load(Ordering::Acquire)
    }

    /// Whether all it does is to wait for the rest of a head.
    pub(crate) fn waits_for_head(&self) -> bool {
        self.within_head.load(Ordering::Acquire) && !self.busy()
    }
}
