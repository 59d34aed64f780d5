//! Users and Groups.

use super::common::{INSERT_EMAIL, INSERT_RESOURCE, SET_AUTHORITY};
use super::members;
use super::work::{Then, Work};
use crate::change::{Columns, NewResource, PersonKey, ResourceUpdate};
use crate::error::Error;
use crate::sql::words::each;
use crate::sql::{Exec, Param, Query, Sql, binds};
use bailiwick_domain::ids::Kind;

pub(super) const USER: i64 = Kind::User as i64;
pub(super) const GROUP: i64 = Kind::Group as i64;

/// What the writes need of a stored resource.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Row {
    pub(crate) id: String,
    pub(crate) integration: i64,
    pub(crate) kind: i64,
    pub(crate) person: Option<i64>,
    pub(crate) version: i64,
    pub(crate) name_unique: Option<String>,
}

/// The columns of a [`Row`] where something is so.
macro_rules! rows {
    ($condition:literal) => {
        concat!("SELECT seq, id, integration, kind, person, version, name_unique FROM resource WHERE ", $condition)
    };
}

/// Looks rows up. A list costs more than its numbers, so that a group and a member, and a User alone, go without.
pub(super) fn rows(seqs: &[i64]) -> Query<'_, (i64, Row)> {
    let two = Sql::same(concat!(rows!("seq = ?1"), " UNION ALL ", rows!("seq = ?2")));
    let many = Sql::each(rows!("seq IN (SELECT value FROM json_each(?1))"), rows!("seq = ANY (?1)"));
    let (sql, params) = match seqs {
        [one] => (Sql::same(rows!("seq = ?1")), binds![*one].to_vec()),
        [one, other] => (two, binds![*one, *other].to_vec()),
        list => (many, binds![list].to_vec()),
    };
    Query::new(sql, params, |row| {
        let found = Row {
            id: row.string(1)?,
            integration: row.int(2)?,
            kind: row.int(3)?,
            person: row.maybe_int(4)?,
            version: row.int(5)?,
            name_unique: row.maybe_string(6)?,
        };
        Ok((row.int(0)?, found))
    })
}

pub(super) fn insert<'a, E: Exec>(work: &mut Work<'a, E>, new: &'a NewResource) -> Result<(), Error> {
    let person = new.person.as_ref().map(|key| work.person(key)).transpose()?;
    let seq = work.draw_row();
    let Columns { name_unique, name_match, display, external_id, active, manager, email_keys, doc, keys } =
        &new.columns;
    let params = binds![
        seq,
        &new.id,
        new.integration.0,
        new.kind as i64,
        name_unique,
        name_match,
        display,
        external_id,
        *active,
        person,
        manager,
        doc,
        keys,
        work.version,
        work.at,
    ];
    work.later(INSERT_RESOURCE, params, Then::Inserted(new));
    insert_emails(work, seq, email_keys);
    if let Some(person) = person {
        if new.authority {
            work.later(SET_AUTHORITY, binds![person, seq], Then::Go);
        }
        work.concern(person);
    }
    let row = Row {
        id: new.id.clone(),
        integration: new.integration.0,
        kind: new.kind as i64,
        person,
        version: work.version,
        name_unique: name_unique.clone(),
    };
    count(work, &row, 1);
    work.new_resource(&new.id, seq, row);
    work.changed();
    Ok(())
}

pub(super) async fn update<'a, E: Exec>(work: &mut Work<'a, E>, update: &'a ResourceUpdate) -> Result<(), Error> {
    if work.row(update.seq).await?.is_none() {
        return Err(Error::Stale);
    }
    let Columns { name_unique, name_match, display, external_id, active, manager, doc, keys, .. } = &update.columns;
    // Every column follows from the document and its keys, so an equal pair means that nothing changes.
    let sql = each!(
        "UPDATE resource SET name_unique = ?2, name_match = ?3, display = ?4, external_id = ?5, active = ?6,
           manager = ?7, doc = " (json 8) ", keys = " (json 9) ", version = ?10, modified = "
        greatest "(modified, ?11)
         WHERE seq = ?1 AND (doc IS DISTINCT FROM " (json 8) " OR keys IS DISTINCT FROM " (json 9) ")"
    );
    let params = binds![
        update.seq,
        name_unique,
        name_match,
        display,
        external_id,
        *active,
        manager,
        doc,
        keys,
        work.version,
        work.at
    ];
    work.later(sql, params, Then::Updated(update));
    Ok(())
}

/// What follows when the document of a resource really changed.
pub(super) fn updated<'a, E: Exec>(work: &mut Work<'a, E>, update: &'a ResourceUpdate) {
    let Some(mut row) = work.seen(update.seq).cloned() else { return };
    if row.kind == USER {
        let (others, keys) = match update.columns.email_keys.as_slice() {
            [one] => (Sql::same("DELETE FROM email WHERE resource = ?1 AND key <> ?2"), Param::from(one)),
            keys => (each!("DELETE FROM email WHERE resource = ?1 AND NOT key " (among 2)), Param::from(keys)),
        };
        work.later(others, [update.seq.into(), keys], Then::Go);
        insert_emails(work, update.seq, &update.columns.email_keys);
    }
    if let Some(person) = row.person {
        work.concern(person);
    }
    row.version = work.version;
    row.name_unique.clone_from(&update.columns.name_unique);
    work.note(update.seq, Some(row));
    work.changed();
}

/// Deletes a resource. The groups it was a member of change with it, and so does whoever belonged to a deleted group.
pub(super) async fn delete<E: Exec>(work: &mut Work<'_, E>, seq: i64) -> Result<(), Error> {
    work.settled().await?;
    let Some(row) = work.row(seq).await? else { return Err(Error::Stale) };
    if row.kind == GROUP {
        members::bump_below(work, &[seq]).await?;
        let inner = members::inner_groups(work, seq).await?;
        work.tally.counts(row.integration).nested -= inner;
    }
    let parents = Sql::same("SELECT grp FROM membership WHERE member = ?1");
    let parents = work.all(Query::new(parents, binds![seq], |row| row.int(0))).await?;
    if row.kind == GROUP {
        work.tally.counts(row.integration).nested -= i64::try_from(parents.len()).unwrap_or(i64::MAX);
        work.later(Sql::same("DELETE FROM membership WHERE grp = ?1"), binds![seq], Then::Go);
        work.later(Sql::same("DELETE FROM member_change WHERE grp = ?1"), binds![seq], Then::Go);
        work.later(Sql::same("DELETE FROM team_feed WHERE grp = ?1"), binds![seq], Then::Touched);
    } else {
        work.later(Sql::same("DELETE FROM email WHERE resource = ?1"), binds![seq], Then::Go);
        let pairs = Sql::same(
            "DELETE FROM conflict WHERE integration = ?1 AND user_name_key = ?2 AND resource = ?3 AND state = 'open'",
        );
        let name = Param::MaybeText(row.name_unique.clone().map(Into::into));
        work.later(pairs, [row.integration.into(), name, row.id.clone().into()], Then::Go);
    }
    work.later(Sql::same("DELETE FROM membership WHERE member = ?1"), binds![seq], Then::Go);
    for parent in parents.into_iter().filter(|parent| *parent != seq) {
        members::note_change(work, parent);
    }
    if let Some(person) = row.person {
        leave(work, seq, person);
    }
    work.later(Sql::same("DELETE FROM resource WHERE seq = ?1"), binds![seq], Then::Go);
    count(work, &row, -1);
    work.note(seq, None);
    work.changed();
    Ok(())
}

/// Moves a User to another person. Its representation tells of the person, so its version changes.
pub(super) async fn set_person<E: Exec>(work: &mut Work<'_, E>, seq: i64, person: i64) -> Result<(), Error> {
    work.settled().await?;
    let Some(mut row) = work.row(seq).await? else { return Err(Error::Stale) };
    if row.person == Some(person) {
        return Ok(());
    }
    let sql = each!(
        "UPDATE resource SET person = ?2, version = ?3, modified = " greatest "(modified, ?4)
         WHERE seq = ?1 AND EXISTS (SELECT 1 FROM person WHERE person.seq = ?2)"
    );
    let params = binds![seq, person, work.version, work.at];
    work.later(sql, params, Then::Found);
    if let Some(before) = row.person {
        leave(work, seq, before);
    }
    work.concern(person);
    row.person = Some(person);
    row.version = work.version;
    work.note(seq, Some(row));
    work.changed();
    Ok(())
}

/// Gives a User a person, who may follow it from now on.
pub(super) async fn adopt<E: Exec>(
    work: &mut Work<'_, E>,
    seq: i64,
    person: &PersonKey,
    authority: bool,
) -> Result<(), Error> {
    let person = work.person(person)?;
    set_person(work, seq, person).await?;
    if authority {
        work.later(SET_AUTHORITY, binds![person, seq], Then::Go);
    }
    Ok(())
}

/// A person loses a User, and its authority if it was that one.
fn leave<E: Exec>(work: &mut Work<'_, E>, seq: i64, person: i64) {
    let sql = Sql::same("UPDATE person SET authority = NULL WHERE seq = ?1 AND authority = ?2");
    work.later(sql, binds![person, seq], Then::Go);
    work.concern(person);
}

fn count<E: Exec>(work: &mut Work<'_, E>, row: &Row, by: i64) {
    let counts = work.tally.counts(row.integration);
    match row.kind {
        USER => counts.users += by,
        _ => counts.groups += by,
    }
}

fn insert_emails<'a, E: Exec>(work: &mut Work<'a, E>, seq: i64, keys: &'a [String]) {
    let (sql, keys) = match keys {
        [] => return,
        [one] => (INSERT_EMAIL, Param::from(one)),
        keys => (
            each!(
                "INSERT INTO email (key, resource) SELECT given.value, ?1 FROM " (given 2) " WHERE true
                 ON CONFLICT DO NOTHING"
            ),
            Param::from(keys),
        ),
    };
    work.later(sql, [seq.into(), keys], Then::Go);
}
