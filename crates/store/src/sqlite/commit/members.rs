//! Members of groups: rows, changed one by one, whatever the size of the group.

use super::Work;
use super::resources::{GROUP, Row};
use crate::change::{MemberWrite, ResourceKey};
use crate::error::Error;
use rusqlite::params;
use std::collections::{BTreeSet, HashSet};

/// The members of one group that were really added and removed, by id.
#[derive(Debug)]
pub(super) struct MemberDelta {
    pub(super) group: String,
    pub(super) integration: i64,
    pub(super) added: Vec<String>,
    pub(super) removed: Vec<String>,
}

pub(super) fn change(work: &mut Work<'_>, group: &ResourceKey, change: MemberWrite) -> Result<(), Error> {
    let seq = work.resource(group)?;
    let row = Row::load(work, seq)?.filter(|row| row.kind == GROUP).ok_or(Error::Stale)?;
    let mut delta = MemberDelta { group: row.id, integration: row.integration, added: Vec::new(), removed: Vec::new() };
    match change {
        MemberWrite::Add(keys) => {
            for key in &keys {
                let member = work.resource(key)?;
                add(work, seq, member, &mut delta)?;
            }
        }
        MemberWrite::Clear => {
            for member in present(work, seq)? {
                remove(work, seq, member, &mut delta)?;
            }
        }
        MemberWrite::Remove(keys) => {
            for key in &keys {
                let member = work.resource(key)?;
                remove(work, seq, member, &mut delta)?;
            }
        }
        MemberWrite::Set(keys) => set(work, seq, &keys, &mut delta)?,
    }
    if delta.added.is_empty() && delta.removed.is_empty() {
        return Ok(());
    }
    // A group made or rewritten by this set has its version already.
    if row.version != work.version {
        note_change(work, seq)?;
    }
    work.changed();
    work.members.push(delta);
    Ok(())
}

fn set(work: &mut Work<'_>, group: i64, keys: &[ResourceKey], delta: &mut MemberDelta) -> Result<(), Error> {
    let wanted = keys.iter().map(|key| work.resource(key)).collect::<Result<Vec<_>, _>>()?;
    let present = present(work, group)?;
    let keep: HashSet<i64> = wanted.iter().copied().collect();
    for member in present.iter().filter(|member| !keep.contains(member)) {
        remove(work, group, *member, delta)?;
    }
    let present: HashSet<i64> = present.into_iter().collect();
    for member in wanted.into_iter().filter(|member| !present.contains(member)) {
        add(work, group, member, delta)?;
    }
    Ok(())
}

fn add(work: &mut Work<'_>, group: i64, member: i64, delta: &mut MemberDelta) -> Result<(), Error> {
    // A member deleted since it was looked up, or never of this integration, means that the decision is out of date.
    let row = Row::load(work, member)?.filter(|row| row.integration == delta.integration).ok_or(Error::Stale)?;
    let added = work.run("INSERT OR IGNORE INTO membership (grp, member) VALUES (?1, ?2)", [group, member])?;
    if added == 0 {
        return Ok(());
    }
    touch(work, member, &row, 1);
    delta.added.push(row.id);
    Ok(())
}

fn remove(work: &mut Work<'_>, group: i64, member: i64, delta: &mut MemberDelta) -> Result<(), Error> {
    let removed = work.run("DELETE FROM membership WHERE grp = ?1 AND member = ?2", [group, member])?;
    if removed == 0 {
        return Ok(());
    }
    let row = Row::load(work, member)?.ok_or(Error::Stale)?;
    touch(work, member, &row, -1);
    delta.removed.push(row.id);
    Ok(())
}

/// Who a changed membership concerns: the person behind a User, everybody below a Group. Whoever is below is looked up
/// once at the end of the set ([`bump_below`]), or a set of many nested groups would walk their whole web once an edge.
/// Nobody is missed: below every edge that the set took away there is one more group to start from.
fn touch(work: &mut Work<'_>, member: i64, row: &Row, edges: i64) {
    if row.kind == GROUP {
        work.tally.counts(row.integration).nested += edges;
        work.stale_groups.insert(member);
    } else if let Some(person) = row.person {
        work.bump(person);
    }
}

/// Bumps the persons of all Users in these groups or in the groups below them. Cycles end by themselves: a group is
/// visited once.
pub(super) fn bump_below(work: &mut Work<'_>, groups: &BTreeSet<i64>) -> Result<(), Error> {
    let mut statement = work.connection.prepare_cached(
        "WITH RECURSIVE below (seq) AS (
           SELECT value FROM json_each(?1) UNION SELECT m.member FROM below JOIN membership AS m ON m.grp = below.seq)
         SELECT r.person FROM below JOIN resource AS r ON r.seq = below.seq WHERE r.person IS NOT NULL",
    )?;
    let seeds = groups.iter().map(i64::to_string).collect::<Vec<_>>().join(",");
    let persons =
        statement.query_map([format!("[{seeds}]")], |row| row.get(0))?.collect::<rusqlite::Result<Vec<i64>>>()?;
    for person in persons {
        work.bump(person);
    }
    Ok(())
}

/// The groups that have this resource as a member.
pub(super) fn groups_of(work: &Work<'_>, member: i64) -> Result<Vec<i64>, Error> {
    let mut statement = work.connection.prepare_cached("SELECT grp FROM membership WHERE member = ?1")?;
    Ok(statement.query_map([member], |row| row.get(0))?.collect::<rusqlite::Result<_>>()?)
}

/// How many members of a group are groups. A group that is its own member counts once, as a parent.
pub(super) fn inner_groups(work: &Work<'_>, group: i64) -> Result<i64, Error> {
    let mut statement = work.connection.prepare_cached(
        "SELECT count(*) FROM membership AS m JOIN resource AS r ON r.seq = m.member
         WHERE m.grp = ?1 AND m.member <> ?1 AND r.kind = 2",
    )?;
    Ok(statement.query_row([group], |row| row.get(0))?)
}

/// Gives a group a new version and time without touching its row.
pub(super) fn note_change(work: &mut Work<'_>, group: i64) -> Result<(), Error> {
    work.run(
        "INSERT OR IGNORE INTO member_change (grp, seq, at) VALUES (?1, ?2, ?3)",
        params![group, work.version, work.at],
    )?;
    work.tally.member_groups.push(group);
    Ok(())
}

fn present(work: &Work<'_>, group: i64) -> Result<Vec<i64>, Error> {
    let mut statement = work.connection.prepare_cached("SELECT member FROM membership WHERE grp = ?1")?;
    Ok(statement.query_map([group], |row| row.get(0))?.collect::<rusqlite::Result<_>>()?)
}
