//! A clock that can be moved and ids that are the same in every run.

use bailiwick_app::{Clock, Ids};
use bailiwick_domain::ids::Millis;
use std::sync::atomic::{AtomicI64, AtomicU64, Ordering};
use std::time::{Duration, Instant};

/// A clock that starts at a chosen moment and runs, and can be moved forward or back; durations are real.
#[derive(Debug)]
pub struct FakeClock {
    started: Instant,
    offset: AtomicI64,
}

impl FakeClock {
    /// 2026-03-02T09:00:00Z, a Monday morning.
    pub const START: Millis = Millis(1_772_442_000_000);

    /// A clock that shows [`FakeClock::START`] now.
    #[must_use]
    pub fn new() -> Self {
        Self { started: instant(), offset: AtomicI64::new(Self::START.0) }
    }

    /// Shows this moment now.
    pub fn set(&self, moment: Millis) {
        self.offset.store(moment.0 - self.elapsed_millis(), Ordering::SeqCst);
    }

    /// Moves forward.
    pub fn advance(&self, span: Duration) {
        self.offset.fetch_add(i64::try_from(span.as_millis()).unwrap_or(i64::MAX), Ordering::SeqCst);
    }

    fn elapsed_millis(&self) -> i64 {
        i64::try_from(self.started.elapsed().as_millis()).unwrap_or(i64::MAX)
    }
}

impl Default for FakeClock {
    fn default() -> Self {
        Self::new()
    }
}

impl Clock for FakeClock {
    fn now(&self) -> Millis {
        Millis(self.offset.load(Ordering::SeqCst) + self.elapsed_millis())
    }

    fn monotonic(&self) -> Duration {
        self.started.elapsed()
    }
}

#[expect(clippy::disallowed_methods, reason = "the one place of the tests that reads a clock")]
fn instant() -> Instant {
    Instant::now()
}

/// Bytes that look random and are the same in every run with the same seed. Never for secrets outside a test.
#[derive(Debug)]
pub struct SeededIds(AtomicU64);

impl SeededIds {
    /// The sequence of this seed.
    #[must_use]
    pub fn new(seed: u64) -> Self {
        Self(AtomicU64::new(seed.wrapping_mul(0x2545_f491_4f6c_dd1d)))
    }
}

impl Ids for SeededIds {
    fn fill(&self, bytes: &mut [u8]) {
        for chunk in bytes.chunks_mut(8) {
            // SplitMix64: a counter, well mixed.
            let mut mixed = self.0.fetch_add(0x9e37_79b9_7f4a_7c15, Ordering::SeqCst);
            mixed = (mixed ^ mixed >> 30).wrapping_mul(0xbf58_476d_1ce4_e5b9);
            mixed = (mixed ^ mixed >> 27).wrapping_mul(0x94d0_49bb_1331_11eb);
            mixed ^= mixed >> 31;
            chunk.copy_from_slice(&mixed.to_le_bytes()[..chunk.len()]);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_clock_can_be_moved() {
        let clock = FakeClock::new();
        assert!((clock.now().0 - FakeClock::START.0).abs() < 5_000);
        clock.advance(Duration::from_secs(3_600));
        assert!(clock.now().0 - FakeClock::START.0 >= 3_600_000);
        clock.set(Millis(1_000));
        assert!((1_000..6_000).contains(&clock.now().0));
    }

    #[test]
    fn the_same_seed_gives_the_same_ids() {
        let take = |seed: u64| {
            let mut bytes = [0; 20];
            SeededIds::new(seed).fill(&mut bytes);
            bytes
        };
        assert_eq!(take(1), take(1));
        assert_ne!(take(1), take(2));
        let ids = SeededIds::new(1);
        let (mut first, mut second) = ([0; 16], [0; 16]);
        ids.fill(&mut first);
        ids.fill(&mut second);
        assert_ne!(first, second);
    }
}
