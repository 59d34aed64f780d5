//! Members of groups: rows, changed in lists, whatever the size of the group.

use super::common::NOTE_CHANGE;
use super::resources::{GROUP, Row};
use super::work::{Then, Work};
use crate::change::{MemberWrite, ResourceKey};
use crate::error::Error;
use crate::sql::words::each;
use crate::sql::{Exec, Param, Query, Sql, binds};
use std::collections::HashSet;

/// The members of one group that were really added and removed, by id.
#[derive(Debug)]
pub(super) struct MemberDelta {
    pub(super) group: String,
    pub(super) integration: i64,
    pub(super) added: Vec<String>,
    pub(super) removed: Vec<String>,
}

pub(super) async fn change<E: Exec>(
    work: &mut Work<'_, E>,
    group: &ResourceKey,
    change: &MemberWrite,
) -> Result<(), Error> {
    let seq = work.resource(group)?;
    let keys = match change {
        MemberWrite::Add(keys) | MemberWrite::Remove(keys) | MemberWrite::Set(keys) => keys.as_slice(),
        MemberWrite::Clear => &[],
    };
    let keys = keys.iter().map(|key| work.resource(key)).collect::<Result<Vec<_>, _>>()?;
    let row = work.row(seq).await?.filter(|row| row.kind == GROUP).ok_or(Error::Stale)?;
    let mut delta = MemberDelta { group: row.id, integration: row.integration, added: Vec::new(), removed: Vec::new() };
    match change {
        MemberWrite::Add(_) => add(work, seq, &keys, &mut delta).await?,
        MemberWrite::Clear => set(work, seq, &[], &mut delta).await?,
        MemberWrite::Remove(_) => remove(work, seq, &keys, &mut delta).await?,
        MemberWrite::Set(_) => set(work, seq, &keys, &mut delta).await?,
    }
    if delta.added.is_empty() && delta.removed.is_empty() {
        return Ok(());
    }
    // A group made or rewritten by this set has its version already.
    if work.seen(seq).is_none_or(|row| row.version != work.version) {
        note_change(work, seq);
    }
    work.changed();
    work.members.push(delta);
    Ok(())
}

/// Of a large group little changes as a rule: only that is written and looked up.
async fn set<E: Exec>(
    work: &mut Work<'_, E>,
    group: i64,
    wanted: &[i64],
    delta: &mut MemberDelta,
) -> Result<(), Error> {
    let sql = Sql::same("SELECT member FROM membership WHERE grp = ?1 ORDER BY member");
    let mut gone = work.all(Query::new(sql, binds![group], |row| row.int(0))).await?;
    let mut known: HashSet<i64> = gone.iter().copied().collect();
    let new: Vec<i64> = wanted.iter().copied().filter(|member| known.insert(*member)).collect();
    let keep: HashSet<i64> = wanted.iter().copied().collect();
    gone.retain(|member| !keep.contains(member));
    work.look_up(&[gone.as_slice(), new.as_slice()].concat()).await?;
    belong(work, &new, delta)?;
    note_removed(work, &gone, delta)?;
    note_added(work, &new, delta)?;
    let delete = each!("DELETE FROM membership WHERE grp = ?1 AND member " (among 2));
    let insert = each!("INSERT INTO membership (grp, member) SELECT ?1, given.value FROM " (given 2));
    for (sql, members) in [(delete, gone), (insert, new)] {
        if !members.is_empty() {
            work.later(sql, [group.into(), Param::Ints(members.into())], Then::Go);
        }
    }
    Ok(())
}

async fn add<E: Exec>(
    work: &mut Work<'_, E>,
    group: i64,
    members: &[i64],
    delta: &mut MemberDelta,
) -> Result<(), Error> {
    work.look_up(members).await?;
    belong(work, members, delta)?;
    let one = Sql::same("INSERT INTO membership (grp, member) VALUES (?1, ?2) ON CONFLICT DO NOTHING");
    let list = each!(
        "INSERT INTO membership (grp, member) SELECT ?1, given.value FROM " (given 2) " WHERE true
         ON CONFLICT DO NOTHING RETURNING member"
    );
    let added = changed(work, one, list, group, members).await?;
    note_added(work, &added, delta)
}

async fn remove<E: Exec>(
    work: &mut Work<'_, E>,
    group: i64,
    members: &[i64],
    delta: &mut MemberDelta,
) -> Result<(), Error> {
    let one = Sql::same("DELETE FROM membership WHERE grp = ?1 AND member = ?2");
    let list = each!("DELETE FROM membership WHERE grp = ?1 AND member " (among 2) " RETURNING member");
    let removed = changed(work, one, list, group, members).await?;
    work.look_up(&removed).await?;
    note_removed(work, &removed, delta)
}

/// A member deleted since it was looked up, or never of this integration, means that the decision is out of date.
fn belong<E: Exec>(work: &Work<'_, E>, members: &[i64], delta: &MemberDelta) -> Result<(), Error> {
    let fits = |member: &i64| work.seen(*member).is_some_and(|row| row.integration == delta.integration);
    if members.iter().all(fits) { Ok(()) } else { Err(Error::Stale) }
}

fn note_added<E: Exec>(work: &mut Work<'_, E>, added: &[i64], delta: &mut MemberDelta) -> Result<(), Error> {
    for member in added {
        delta.added.push(touch(work, *member, 1)?.id);
    }
    Ok(())
}

fn note_removed<E: Exec>(work: &mut Work<'_, E>, removed: &[i64], delta: &mut MemberDelta) -> Result<(), Error> {
    for member in removed {
        delta.removed.push(touch(work, *member, -1)?.id);
    }
    Ok(())
}

/// Runs a statement on one member or on a list of them, and answers which of them it concerned, in the order given.
async fn changed<E: Exec>(
    work: &mut Work<'_, E>,
    one: Sql,
    list: Sql,
    group: i64,
    members: &[i64],
) -> Result<Vec<i64>, Error> {
    match members {
        [] => Ok(Vec::new()),
        // By far the most frequent: a count is cheaper than a list.
        [member] => {
            let changed = work.run(one, &binds![group, *member]).await?;
            Ok(if changed > 0 { vec![*member] } else { Vec::new() })
        }
        _ => {
            let returned = work.all(Query::new(list, binds![group, members], |row| row.int(0))).await?;
            // Engines promise no order.
            let mut left: HashSet<i64> = returned.into_iter().collect();
            Ok(members.iter().copied().filter(|member| left.remove(member)).collect())
        }
    }
}

/// Who a changed membership concerns: the person behind a User, everybody below a Group. Whoever is below is looked up
/// once at the end of the set ([`bump_below`]), or a set of many nested groups would walk their whole web once an edge.
/// Nobody is missed: below every edge that the set took away there is one more group to start from.
fn touch<E: Exec>(work: &mut Work<'_, E>, member: i64, edges: i64) -> Result<Row, Error> {
    let row = work.seen(member).cloned().ok_or(Error::Stale)?;
    if row.kind == GROUP {
        work.tally.counts(row.integration).nested += edges;
        work.stale_groups.insert(member);
    } else if let Some(person) = row.person {
        work.concern(person);
    }
    Ok(row)
}

/// Bumps the persons of all Users in these groups or in the groups below them. Cycles end by themselves: a group is
/// visited once.
pub(super) async fn bump_below<E: Exec>(work: &mut Work<'_, E>, groups: &[i64]) -> Result<(), Error> {
    for person in persons_below(work, groups).await? {
        work.concern(person);
    }
    Ok(())
}

/// The persons of all Users in these groups or in the groups below them.
pub(super) async fn persons_below<E: Exec>(work: &mut Work<'_, E>, groups: &[i64]) -> Result<Vec<i64>, Error> {
    let sql = each!(
        "WITH RECURSIVE below (seq) AS (
           SELECT given.value FROM " (given 1) "
           UNION SELECT m.member FROM below JOIN membership AS m ON m.grp = below.seq)
         SELECT DISTINCT r.person FROM below JOIN resource AS r ON r.seq = below.seq WHERE r.person IS NOT NULL"
    );
    work.all(Query::new(sql, binds![groups], |row| row.int(0))).await
}

/// How many members of a group are groups. A group that is its own member counts once, as a parent.
pub(super) async fn inner_groups<E: Exec>(work: &mut Work<'_, E>, group: i64) -> Result<i64, Error> {
    let sql = Sql::same(
        "SELECT count(*) FROM membership AS m JOIN resource AS r ON r.seq = m.member
         WHERE m.grp = ?1 AND m.member <> ?1 AND r.kind = 2",
    );
    Ok(work.one(Query::new(sql, binds![group], |row| row.int(0))).await?.unwrap_or(0))
}

/// Gives a group a new version and time without touching its row.
pub(super) fn note_change<E: Exec>(work: &mut Work<'_, E>, group: i64) {
    let params = binds![group, work.version, work.at];
    work.later(NOTE_CHANGE, params, Then::Go);
    work.tally.member_groups.push(group);
}
