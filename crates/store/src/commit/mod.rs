//! What a set of changes does to the rows, the same on every engine: guards first, then its writes in order, then its
//! events.
//!
//! A write that needs no answer is queued, see [`work`]: what is queued goes out with the next question, or at the end
//! of the set, in the order it was asked for. So creating a User costs two waves of statements, its guards and its
//! rows. The transaction, its numbers and whether a failed set is undone are the engine's affair.

pub(crate) mod common;
mod credentials;
mod events;
mod grants;
pub(crate) mod guards;
mod integrations;
mod items;
mod keep;
mod members;
mod persons;
mod removal;
mod resources;
mod tally;
mod work;

pub(crate) use resources::Row;
pub(crate) use tally::Tally;

use crate::change::{ChangeSet, Committed, MemberWrite, ResourceKey, Write};
use crate::error::Error;
use crate::sql::Exec;
use bailiwick_domain::person::State;
use futures_util::future::try_join_all;
use std::collections::{BTreeSet, HashMap};
use work::Work;

/// Where a set stands in the order of all changes.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Place {
    /// The last number given out before the set.
    pub(crate) base: i64,
    /// Committed time.
    pub(crate) at: i64,
}

/// What is known of resources before a set is applied, so that nothing is asked twice. A row that was looked for and is
/// not there is `None`.
pub(crate) type Known = HashMap<i64, Option<Row>>;

/// What a set did.
#[derive(Debug)]
pub(crate) struct Applied {
    pub(crate) committed: Committed,
    /// The last number drawn.
    pub(crate) last: i64,
    pub(crate) tally: Tally,
    /// To be appended in the same transaction.
    pub(crate) events: Vec<EventLine>,
}

/// An event as it is stored, with its payload.
#[derive(Clone, Debug)]
pub(crate) struct EventLine {
    pub(crate) seq: i64,
    pub(crate) at: i64,
    pub(crate) kind: &'static str,
    pub(crate) integration: Option<i64>,
    pub(crate) request: String,
    pub(crate) resource: Option<String>,
    pub(crate) person: Option<String>,
    pub(crate) actor: String,
    pub(crate) method: Option<String>,
    pub(crate) status: Option<i64>,
    pub(crate) code: Option<String>,
    pub(crate) duration_us: Option<i64>,
    pub(crate) digest: [u8; 32],
    pub(crate) salt: [u8; 16],
    pub(crate) body: String,
}

/// The rows of resources that a set is about to ask for, guards apart.
pub(crate) fn mentioned(set: &ChangeSet) -> Vec<i64> {
    let mut seqs = BTreeSet::new();
    for write in &set.writes {
        match write {
            Write::AdoptResource { seq, .. }
            | Write::DeleteResource { seq, .. }
            | Write::SetResourcePerson { seq, .. } => drop(seqs.insert(*seq)),
            Write::Members { group, change, .. } => {
                let keys = match (change, group) {
                    (MemberWrite::Add(keys) | MemberWrite::Remove(keys), _) => keys.as_slice(),
                    (MemberWrite::Set(keys), ResourceKey::New(_)) => keys.as_slice(),
                    // Most of them are members and stay.
                    (MemberWrite::Set(_), ResourceKey::Seq(_)) | (MemberWrite::Clear, _) => &[],
                };
                seqs.extend(std::iter::once(group).chain(keys).filter_map(|key| match key {
                    ResourceKey::Seq(seq) => Some(*seq),
                    ResourceKey::New(_) => None,
                }));
            }
            Write::UpdateResource(update) => drop(seqs.insert(update.seq)),
            _ => {}
        }
    }
    seqs.into_iter().collect()
}

/// Looks rows up, in one statement at most.
pub(crate) async fn load<E: Exec>(exec: &E, seqs: &[i64]) -> Result<Known, Error> {
    if seqs.is_empty() {
        return Ok(Known::new());
    }
    let mut known: Known = seqs.iter().map(|seq| (*seq, None)).collect();
    known.extend(exec.all(resources::rows(seqs)).await?.into_iter().map(|(seq, row)| (seq, Some(row))));
    Ok(known)
}

/// How many numbers a set can draw, at most: for its rows, its events, and the events that members in large numbers
/// are told in.
pub(crate) fn numbers(set: &ChangeSet) -> i64 {
    /// More than any group has members, in events of many members each; and than anybody has credentials.
    const WHOLE_GROUP: usize = 1_000_000;
    // Members named so far: a group made by the set has no others to lose.
    let mut named = 0;
    let of_write = |write: &Write| match write {
        Write::InsertItem(_) | Write::InsertPerson(_) | Write::InsertResource(_) => 1,
        Write::Grants(write) => write.open.len(),
        // Whose credentials went is told in an event for each.
        Write::DeleteIntegration(_) => WHOLE_GROUP,
        Write::UpdatePerson(update) if update.facts.state != State::Active => 1,
        Write::Members { group, change, .. } => {
            let lost = match (change, group) {
                (MemberWrite::Add(_) | MemberWrite::Remove(_), _) => 0,
                (MemberWrite::Clear | MemberWrite::Set(_), ResourceKey::New(_)) => named,
                (MemberWrite::Clear | MemberWrite::Set(_), ResourceKey::Seq(_)) => return WHOLE_GROUP,
            };
            let keys = match change {
                MemberWrite::Add(keys) | MemberWrite::Remove(keys) | MemberWrite::Set(keys) => keys.len(),
                MemberWrite::Clear => 0,
            };
            named += keys;
            (keys + lost).div_ceil(events::CHUNK)
        }
        _ => 0,
    };
    // What changes without an event has a version all the same.
    let drawn = set.writes.iter().map(of_write).sum::<usize>() + set.events.len() + 1;
    i64::try_from(drawn).unwrap_or(i64::MAX)
}

/// Refuses a set of which a precondition no longer holds.
pub(crate) async fn check<E: Exec>(exec: &E, set: &ChangeSet) -> Result<(), Error> {
    try_join_all(set.guards.iter().map(|guard| guards::check(exec, guard))).await?;
    Ok(())
}

/// Applies a set whose preconditions hold: everything but its events, which come with the answer. When it fails, what
/// it wrote has to be undone.
pub(crate) async fn apply<E: Exec>(exec: &E, set: &ChangeSet, place: Place, known: &Known) -> Result<Applied, Error> {
    let mut work = Work::new(exec, place, known, &set.writes);
    work.caused_by(&set.events);
    for write in &set.writes {
        work.write(write).await?;
    }
    work.finish(&set.guards).await?;
    let (events, last) = events::lines(&mut work, &set.events);
    Ok(Applied { committed: work.committed, last, tally: work.tally, events })
}

#[cfg(test)]
mod tests;
