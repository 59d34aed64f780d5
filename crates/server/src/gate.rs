//! Whether `/readyz` may say ready: closed while something announced is still being loaded, and again when stopping.

use std::sync::Arc;
use std::sync::atomic::{AtomicU8, Ordering};

const LOADING: u8 = 0;
const OPEN: u8 = 1;
const STOPPING: u8 = 2;

/// Handed to whoever loads, and to the server. Clones are the same gate.
#[derive(Clone, Debug)]
pub struct Gate(Arc<AtomicU8>);

impl Default for Gate {
    fn default() -> Self {
        Self::opened()
    }
}

impl Gate {
    /// A gate for a server that has nothing to load.
    #[must_use]
    pub fn opened() -> Self {
        Self(Arc::new(AtomicU8::new(OPEN)))
    }

    /// A gate that somebody will open with [`Gate::set_ready`].
    #[must_use]
    pub fn loading() -> Self {
        Self(Arc::new(AtomicU8::new(LOADING)))
    }

    /// Everything is loaded. Does nothing when the server is stopping.
    pub fn set_ready(&self) {
        let _ = self.0.compare_exchange(LOADING, OPEN, Ordering::AcqRel, Ordering::Acquire);
    }

    pub(crate) fn stop(&self) {
        self.0.store(STOPPING, Ordering::Release);
    }

    pub(crate) fn open(&self) -> bool {
        self.0.load(Ordering::Acquire) == OPEN
    }

    pub(crate) fn stopping(&self) -> bool {
        self.0.load(Ordering::Acquire) == STOPPING
    }

    pub(crate) fn why(&self) -> &'static str {
        match self.0.load(Ordering::Acquire) {
            STOPPING => "stopping",
            _ => "loading",
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_stopping_server_is_never_ready_again() {
        let gate = Gate::loading();
        assert!(!gate.open());
        gate.clone().set_ready();
        assert!(gate.open());
        gate.stop();
        gate.set_ready();
        assert!(!gate.open() && gate.why() == "stopping");
    }
}
