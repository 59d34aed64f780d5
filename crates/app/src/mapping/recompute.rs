//! In the background: everybody who is marked is evaluated again, in chunks, while others write in between.
//!
//! Every replica may do it: a chunk is decided by what was read and committed under guards, so that two who take the
//! same persons cannot do harm, one of them only finds its part done.

use super::current;
use super::settle::{ALONE, CHUNK, Decided, Settled, TOGETHER, commit, decide};
use crate::Refusal;
use crate::app::App;
use crate::error::of_store;
use crate::holds::Foreseen;
use bailiwick_domain::mapping::GroupMatches;
use bailiwick_store::Error;
use std::sync::PoisonError;
use std::time::Duration;

/// How often it is looked for persons that another process marked.
const POLL: Duration = Duration::from_secs(1);
/// Between two chunks, so that whoever writes gets a turn.
const PAUSE: Duration = Duration::from_millis(1);
/// How long to wait before those are looked at again who were changed meanwhile.
const AGAIN: Duration = Duration::from_millis(20);
/// Passes over whoever is marked before it is given up to find nobody.
const PASSES: usize = 50;
/// How long to wait after trouble.
const TROUBLE: Duration = Duration::from_secs(5);

/// Where the work that is going on stands.
#[derive(Clone, Copy, Debug, Default)]
pub(crate) struct Run {
    /// Persons that were marked when it began.
    total: u64,
}

/// How far everybody is up to date.
#[derive(Clone, Copy, Debug, PartialEq, Eq, serde::Serialize)]
pub struct Progress {
    /// Persons still to be evaluated.
    pub waiting: u64,
    /// Persons that were to be evaluated when the present work began; 0 if none is going on.
    pub total: u64,
}

/// How far everybody is up to date.
///
/// # Errors
/// When the store cannot answer.
pub async fn progress(app: &App) -> Result<Progress, Refusal> {
    let waiting = app.store().dirty_count().await.map_err(of_store)?;
    let mut run = app.mapping().run.write().unwrap_or_else(PoisonError::into_inner);
    run.total = if waiting == 0 { 0 } else { run.total.max(waiting) };
    Ok(Progress { waiting, total: run.total })
}

/// Evaluates whoever is marked, for ever. It ends when the task it runs in is aborted: what was committed stands, the
/// rest stays marked.
pub async fn recompute(app: App) {
    let mut unchanged = TOGETHER;
    loop {
        let drained = drain(&app, unchanged).await;
        unchanged = next_part(&drained);
        match drained {
            // What was done may have marked others.
            Ok(done) if done.changed > 0 => {}
            Ok(done) if done.stale > 0 => tokio::time::sleep(AGAIN).await,
            Ok(_) => {
                // A mark of this process wakes it at once.
                let _ = tokio::time::timeout(POLL, app.mapping().wake.notified()).await;
            }
            Err(refusal) => {
                tracing::warn!(%refusal, "grants cannot be brought up to date now");
                tokio::time::sleep(TROUBLE).await;
            }
        }
    }
}

/// Evaluates everybody who is marked, until nobody is: for commands that wait for it and for tests.
///
/// # Errors
/// Rules that cannot be evaluated, or when the store cannot answer.
pub async fn settle_everybody(app: &App) -> Result<Settled, Refusal> {
    let mut all = Settled::default();
    let mut unchanged = TOGETHER;
    loop {
        let drained = drain(app, unchanged).await;
        unchanged = next_part(&drained);
        let done = drained?;
        all.settled += done.settled;
        all.changed += done.changed;
        if done.settled + done.stale == 0 {
            return Ok(all);
        }
    }
}

/// Evaluates everybody who is marked, and answers a place in the feed up to which nobody is.
///
/// # Errors
/// Busy while so much is changed that somebody always is; rules that cannot be evaluated, or when the store cannot answer.
pub(crate) async fn quiet(app: &App) -> Result<i64, Refusal> {
    let mut unchanged = TOGETHER;
    for _ in 0..PASSES {
        let drained = drain(app, unchanged).await;
        unchanged = next_part(&drained);
        drained?;
        // Before it is looked whether anybody is marked: what comes later is behind this place.
        let position = app.store().last_seq().await.map_err(of_store)?;
        if app.store().dirty(0, 1).await.map_err(of_store)?.is_empty() {
            return Ok(position);
        }
    }
    Err(of_store(Error::Stale))
}

/// How many persons without change the next pass puts into one set.
fn next_part(drained: &Result<Settled, Refusal>) -> usize {
    match drained {
        Ok(done) if done.stale > 0 => ALONE,
        _ => TOGETHER,
    }
}

/// Once over everybody who is marked. While a chunk is committed the next one is read and decided: a decision that the
/// commit makes stale is found by its guards, as if another replica had done it.
async fn drain(app: &App, unchanged: usize) -> Result<Settled, Refusal> {
    let (mut memo, mut foreseen) = (GroupMatches::default(), Foreseen::default());
    let (mut after, mut done) = (0, Settled::default());
    let mut decided = Decided::default();
    loop {
        let limit = u32::try_from(CHUNK).unwrap_or(u32::MAX);
        let persons = app.store().dirty(after, limit).await.map_err(of_store)?;
        let next = async {
            let Some(last) = persons.last() else { return Ok::<_, Refusal>(None) };
            let rules = current(app).await?;
            Ok(Some((*last, decide(app, &rules, &mut memo, &persons, &mut foreseen, unchanged).await?)))
        };
        let (one, next) = tokio::join!(Box::pin(commit(app, decided)), Box::pin(next));
        let one = one?;
        done.settled += one.settled;
        done.changed += one.changed;
        done.stale += one.stale;
        let Some((last, more)) = next? else { return Ok(done) };
        (after, decided) = (last, more);
        tokio::time::sleep(PAUSE).await;
    }
}
