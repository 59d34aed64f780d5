//! How often a sign-in may fail: so often a minute for one account from one address. Nobody else is kept out by it.

use std::collections::{HashMap, VecDeque};
use std::net::IpAddr;
use std::sync::{Mutex, PoisonError};
use std::time::Duration;

/// Failures within [`WINDOW`] after which the next attempt is refused.
pub(super) const FAILURES: usize = 10;
/// How long a failure counts.
const WINDOW: Duration = Duration::from_secs(60);
/// Most pairs of account and address remembered; the one that was quiet for longest is forgotten first.
const PAIRS: usize = 20_000;

/// An account, by a digest of the name that was said, and where it was said.
type Pair = ([u8; 32], IpAddr);

#[derive(Debug, Default)]
pub(super) struct Attempts(Mutex<HashMap<Pair, VecDeque<Duration>>>);

/// An attempt that is not decided yet. It counts as failed until it is said to have succeeded, so that many at once
/// are not more than many one after another.
#[derive(Debug)]
pub(super) struct Attempt {
    pair: Pair,
    /// Whether it is the last one that is let through.
    pub(super) last: bool,
}

impl Attempts {
    /// Begins an attempt.
    ///
    /// # Errors
    /// How many seconds to wait when too many failed.
    pub(super) fn begin(&self, account: [u8; 32], address: IpAddr, now: Duration) -> Result<Attempt, u64> {
        let pair = (account, address);
        let mut all = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        if all.len() >= PAIRS && !all.contains_key(&pair) {
            forget_one(&mut all, now);
        }
        let failures = all.entry(pair).or_default();
        while failures.front().is_some_and(|at| now.saturating_sub(*at) >= WINDOW) {
            failures.pop_front();
        }
        if failures.len() >= FAILURES {
            let oldest = failures.front().copied().unwrap_or(now);
            let left = (oldest + WINDOW).saturating_sub(now);
            return Err(left.as_secs() + 1);
        }
        failures.push_back(now);
        Ok(Attempt { pair, last: failures.len() == FAILURES })
    }

    /// It succeeded: whoever knows the secret begins anew.
    pub(super) fn succeeded(&self, attempt: &Attempt) {
        self.0.lock().unwrap_or_else(PoisonError::into_inner).remove(&attempt.pair);
    }
}

fn forget_one(all: &mut HashMap<Pair, VecDeque<Duration>>, now: Duration) {
    all.retain(|_, failures| failures.back().is_some_and(|at| now.saturating_sub(*at) < WINDOW));
    if all.len() >= PAIRS
        && let Some(quiet) = all.iter().min_by_key(|(_, failures)| failures.back().copied()).map(|(pair, _)| *pair)
    {
        all.remove(&quiet);
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::net::Ipv4Addr;

    const HERE: IpAddr = IpAddr::V4(Ipv4Addr::new(192, 0, 2, 1));
    const THERE: IpAddr = IpAddr::V4(Ipv4Addr::new(192, 0, 2, 2));
    const ANN: [u8; 32] = [1; 32];
    const BOB: [u8; 32] = [2; 32];

    fn at(seconds: u64) -> Duration {
        Duration::from_secs(1_000 + seconds)
    }

    #[test]
    fn ten_failures_a_minute_and_nobody_else_waits() {
        let attempts = Attempts::default();
        for failure in 0..FAILURES {
            assert_eq!(attempts.begin(ANN, HERE, at(0)).unwrap().last, failure + 1 == FAILURES);
        }
        assert_eq!(attempts.begin(ANN, HERE, at(5)).unwrap_err(), 56);
        assert!(attempts.begin(ANN, THERE, at(5)).is_ok(), "the same account from elsewhere");
        assert!(attempts.begin(BOB, HERE, at(5)).is_ok(), "another account from the same place");
        assert!(attempts.begin(ANN, HERE, at(59)).is_err());
        assert!(attempts.begin(ANN, HERE, at(60)).is_ok());
    }

    #[test]
    fn success_begins_anew() {
        let attempts = Attempts::default();
        for _ in 0..3 {
            for _ in 1..FAILURES {
                attempts.begin(ANN, HERE, at(0)).unwrap();
            }
            let good = attempts.begin(ANN, HERE, at(1)).unwrap();
            attempts.succeeded(&good);
        }
    }

    #[test]
    fn memory_is_bounded() {
        let attempts = Attempts::default();
        for number in 0..(PAIRS as u32 + 50) {
            let address = IpAddr::V4(Ipv4Addr::from(number));
            attempts.begin(ANN, address, at(u64::from(number) / 10_000)).unwrap();
        }
        assert!(attempts.0.lock().unwrap().len() <= PAIRS);
    }
}
