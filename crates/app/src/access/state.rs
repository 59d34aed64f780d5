//! What access keeps in memory.

use super::attempts::Attempts;
use super::cache::Principals;
use tokio::sync::Semaphore;

/// Passwords checked at once: each takes 19 MiB and some tens of milliseconds of a core.
const HASHED_AT_ONCE: usize = 2;

#[derive(Debug)]
pub(crate) struct State {
    pub(super) principals: Principals,
    pub(super) attempts: Attempts,
    pub(super) hashing: Semaphore,
}

impl Default for State {
    fn default() -> Self {
        Self {
            principals: Principals::default(),
            attempts: Attempts::default(),
            hashing: Semaphore::new(HASHED_AT_ONCE),
        }
    }
}
