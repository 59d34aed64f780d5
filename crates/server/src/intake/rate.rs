//! How many calls a token may make.

use super::Failure;
use crate::limits;
use bailiwick_app::App;
use governor::clock::Clock;
use governor::middleware::NoOpMiddleware;
use governor::state::{InMemoryState, NotKeyed};
use governor::{Quota, RateLimiter};
use std::collections::HashMap;
use std::num::NonZeroU32;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

/// Most tokens whose pace is remembered; beyond that everybody starts anew.
const TOKENS: usize = 10_000;

/// The clock that was handed in at wiring.
#[derive(Clone, Debug)]
struct AppClock(App);

impl Clock for AppClock {
    type Instant = Duration;

    fn now(&self) -> Duration {
        self.0.clock().monotonic()
    }
}

/// The pace of one token.
#[derive(Debug)]
struct Pace<C: Clock> {
    /// Calls a second it was made for.
    limit: u32,
    limiter: RateLimiter<NotKeyed, InMemoryState, C, NoOpMiddleware<C::Instant>>,
    /// The second, counted from 1, in which a refusal was last recorded.
    recorded: AtomicU64,
}

impl<C: Clock<Instant = Duration> + Clone> Pace<C> {
    fn new(limit: NonZeroU32, clock: &C) -> Self {
        let burst = NonZeroU32::new(limit.get().saturating_mul(limits::RATE_BURST_SECONDS)).unwrap_or(limit);
        let quota = Quota::per_second(limit).allow_burst(burst);
        let limiter = RateLimiter::direct_with_clock(quota, clock.clone());
        Self { limit: limit.get(), limiter, recorded: AtomicU64::new(0) }
    }

    /// `None` to go on, else how many seconds to wait and whether this refusal is the first of its second.
    fn check(&self, clock: &C) -> Option<(u64, bool)> {
        let early = self.limiter.check().err()?;
        let now = clock.now();
        let seconds = early.wait_time_from(now).as_millis().div_ceil(1000).clamp(1, 60);
        let second = now.as_secs() + 1;
        let first = self.recorded.swap(second, Ordering::AcqRel) != second;
        Some((u64::try_from(seconds).unwrap_or(60), first))
    }
}

/// The pace of every token.
#[derive(Debug)]
pub(crate) struct Rates {
    clock: AppClock,
    tokens: Mutex<HashMap<Arc<str>, Arc<Pace<AppClock>>>>,
}

impl Rates {
    pub(crate) fn new(app: App) -> Self {
        Self { clock: AppClock(app), tokens: Mutex::default() }
    }

    /// Refuses a call that comes too early.
    pub(crate) fn check(&self, token: &Arc<str>, limit: Option<u32>) -> Result<(), Failure> {
        let limit = limit.unwrap_or(limits::RATE_DEFAULT_PER_SECOND);
        let Some(limit) = NonZeroU32::new(limit) else { return Ok(()) };
        match self.pace(token, limit).check(&self.clock) {
            None => Ok(()),
            Some((seconds, first)) => Err(Failure::too_many_calls(seconds, first)),
        }
    }

    fn pace(&self, token: &Arc<str>, limit: NonZeroU32) -> Arc<Pace<AppClock>> {
        let mut tokens = self.tokens.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(pace) = tokens.get(token).filter(|pace| pace.limit == limit.get()) {
            return Arc::clone(pace);
        }
        if tokens.len() >= TOKENS {
            tokens.clear();
        }
        let pace = Arc::new(Pace::new(limit, &self.clock));
        tokens.insert(Arc::clone(token), Arc::clone(&pace));
        pace
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[derive(Clone, Default)]
    struct Hand(Arc<AtomicU64>);

    impl Clock for Hand {
        type Instant = Duration;

        fn now(&self) -> Duration {
            Duration::from_millis(self.0.load(Ordering::SeqCst))
        }
    }

    #[test]
    fn a_burst_then_the_limit() {
        let clock = Hand::default();
        let pace = Pace::new(NonZeroU32::new(10).unwrap(), &clock);
        for call in 0..50 {
            assert_eq!(pace.check(&clock), None, "{call}");
        }
        assert_eq!(pace.check(&clock), Some((1, true)));
        assert_eq!(pace.check(&clock), Some((1, false)));
        clock.0.store(1_000, Ordering::SeqCst);
        for call in 0..10 {
            assert_eq!(pace.check(&clock), None, "{call}");
        }
        assert_eq!(pace.check(&clock), Some((1, true)));
    }
}
