//! Principals held in memory. They follow the store as tokens do, and are not used for longer than a second: by then a
//! change of the tree of teams or of a role has taken effect, too. What a person is and may is compared with the
//! database at every call.

use bailiwick_domain::ids::Millis;
use bailiwick_domain::policy::Principal;
use std::collections::HashMap;
use std::sync::{Arc, PoisonError, RwLock};
use std::time::Duration;

/// How long a process may go without hearing of the store, and how old a principal may be.
pub(super) const TRUST: Duration = Duration::from_secs(1);
/// Most credentials held; beyond that everybody is read anew.
const HELD: usize = 20_000;

/// A credential that is known, and who is behind it.
#[derive(Debug)]
pub(super) struct Known {
    pub(super) id: Arc<str>,
    pub(super) expires: Option<Millis>,
    /// The person and the epoch they were read at.
    pub(super) person: Option<(i64, i64)>,
    pub(super) principal: Arc<Principal>,
    /// Clock reading when they were read.
    pub(super) read: Duration,
}

#[derive(Debug, Default)]
pub(crate) struct Principals(RwLock<Held>);

#[derive(Debug, Default)]
struct Held {
    generation: Option<u64>,
    known: HashMap<[u8; 32], Arc<Known>>,
}

impl Principals {
    pub(super) fn find(&self, generation: u64, digest: &[u8; 32]) -> Option<Arc<Known>> {
        let held = self.0.read().unwrap_or_else(PoisonError::into_inner);
        if held.generation == Some(generation) { held.known.get(digest).cloned() } else { None }
    }

    /// Keeps what was read under that generation: the generation was read first, so it is never newer than it says.
    pub(super) fn keep(&self, generation: u64, digest: [u8; 32], known: Arc<Known>) {
        let mut held = self.0.write().unwrap_or_else(PoisonError::into_inner);
        if held.generation != Some(generation) || held.known.len() >= HELD {
            held.known.clear();
            held.generation = Some(generation);
        }
        held.known.insert(digest, known);
    }

    /// Forgets everybody: a role was changed here.
    pub(super) fn forget(&self) {
        let mut held = self.0.write().unwrap_or_else(PoisonError::into_inner);
        held.known.clear();
        held.generation = None;
    }
}
