//! Until when a caller waits, so that what it asks of the store one after another ends in time as a whole.

use crate::ticks;
use std::time::{Duration, Instant};

tokio::task_local! {
    static DEADLINE: Instant;
}

/// Runs work whose operations on the store are all over after this span: what is not done by then fails as
/// [`crate::Error::Unavailable`]. Only an engine whose operations can hang, on a database elsewhere, looks at it.
pub async fn within<F: Future>(span: Duration, work: F) -> F::Output {
    DEADLINE.scope(ticks::now() + span, work).await
}

/// How long an operation may take that may take `limit` by itself.
pub(crate) fn left(limit: Duration) -> Duration {
    let left = |deadline: &Instant| deadline.saturating_duration_since(ticks::now());
    DEADLINE.try_with(left).map_or(limit, |left| left.min(limit))
}
