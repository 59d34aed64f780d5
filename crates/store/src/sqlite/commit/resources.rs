//! Users and Groups.

use super::Work;
use super::members;
use crate::change::{Columns, NewResource, ResourceUpdate};
use crate::error::{Constraint, Error};
use crate::sqlite::is_unique_clash;
use bailiwick_domain::ids::Kind;
use rusqlite::{OptionalExtension as _, params};
use std::collections::BTreeSet;

pub(super) const USER: i64 = Kind::User as i64;
pub(super) const GROUP: i64 = Kind::Group as i64;

pub(super) fn insert(work: &mut Work<'_>, new: NewResource) -> Result<(), Error> {
    let person = new.person.as_ref().map(|key| work.person(key)).transpose()?;
    let seq = work.draw_row();
    let columns = &new.columns;
    let result = work
        .connection
        .prepare_cached(
            "INSERT INTO resource (seq, id, integration, kind, name_unique, name_match, display, external_id, active,
               person, manager, doc, keys, version, created, modified)
             VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9, ?10, ?11, jsonb(?12), jsonb(?13), ?14, ?15, ?15)",
        )?
        .execute(params![
            seq,
            new.id,
            new.integration.0,
            new.kind as i64,
            columns.name_unique,
            columns.name_match,
            columns.display,
            columns.external_id,
            columns.active,
            person,
            columns.manager,
            columns.doc,
            columns.keys,
            work.version,
            work.at,
        ]);
    if let Err(error) = result {
        let same_id = work.exists("SELECT 1 FROM resource WHERE id = ?1", [&new.id])?;
        return Err(if same_id { Error::Unavailable(format!("the id {} is taken", new.id)) } else { clash(error) });
    }
    insert_emails(work, seq, &columns.email_keys)?;
    if let Some(person) = person {
        if new.authority {
            work.run("UPDATE person SET authority = ?2 WHERE seq = ?1", [person, seq])?;
        }
        work.bump(person);
    }
    count(work, new.integration.0, new.kind as i64, 1);
    work.new_resources.insert(new.id.clone(), seq);
    work.committed.inserted.push((new.id, seq));
    work.changed();
    Ok(())
}

pub(super) fn update(work: &mut Work<'_>, update: &ResourceUpdate) -> Result<(), Error> {
    let Some(row) = Row::load(work, update.seq)? else { return Err(Error::Stale) };
    let Columns { name_unique, name_match, display, external_id, active, manager, email_keys, doc, keys } =
        &update.columns;
    // Every column follows from the document and its keys, so an equal pair means that nothing changes.
    let result = work
        .connection
        .prepare_cached(
            "UPDATE resource SET name_unique = ?2, name_match = ?3, display = ?4, external_id = ?5, active = ?6,
               manager = ?7, doc = jsonb(?8), keys = jsonb(?9), version = ?10, modified = max(modified, ?11)
             WHERE seq = ?1 AND (doc IS NOT jsonb(?8) OR keys IS NOT jsonb(?9))",
        )?
        .execute(params![
            update.seq,
            name_unique,
            name_match,
            display,
            external_id,
            active,
            manager,
            doc,
            keys,
            work.version,
            work.at
        ]);
    if result.map_err(clash)? == 0 {
        return Ok(());
    }
    if row.kind == USER {
        replace_emails(work, update.seq, email_keys)?;
    }
    if let Some(person) = row.person {
        work.bump(person);
    }
    work.changed();
    Ok(())
}

/// Deletes a resource. The groups it was a member of change with it, and so does whoever belonged to a deleted group.
pub(super) fn delete(work: &mut Work<'_>, seq: i64) -> Result<(), Error> {
    let Some(row) = Row::load(work, seq)? else { return Err(Error::Stale) };
    let parents = members::groups_of(work, seq)?;
    if row.kind == GROUP {
        members::bump_below(work, &BTreeSet::from([seq]))?;
        let inner = members::inner_groups(work, seq)?;
        let parent_edges = i64::try_from(parents.len()).unwrap_or(i64::MAX);
        work.tally.counts(row.integration).nested -= inner + parent_edges;
        work.run("DELETE FROM membership WHERE grp = ?1", [seq])?;
        work.run("DELETE FROM member_change WHERE grp = ?1", [seq])?;
    } else {
        work.run("DELETE FROM email WHERE resource = ?1", [seq])?;
        work.run(
            "DELETE FROM conflict WHERE integration = ?1 AND user_name_key = ?2 AND resource = ?3 AND state = 'open'",
            params![row.integration, row.name_unique, row.id],
        )?;
    }
    work.run("DELETE FROM membership WHERE member = ?1", [seq])?;
    for parent in parents {
        members::note_change(work, parent)?;
    }
    if let Some(person) = row.person {
        work.run("UPDATE person SET authority = NULL WHERE seq = ?1 AND authority = ?2", [person, seq])?;
        work.bump(person);
    }
    work.run("DELETE FROM resource WHERE seq = ?1", [seq])?;
    count(work, row.integration, row.kind, -1);
    work.changed();
    Ok(())
}

/// Moves a User to another person. Its representation tells of the person, so its version changes.
pub(super) fn set_person(work: &mut Work<'_>, seq: i64, person: i64) -> Result<(), Error> {
    let Some(row) = Row::load(work, seq)? else { return Err(Error::Stale) };
    if row.person == Some(person) {
        return Ok(());
    }
    if !work.exists("SELECT 1 FROM person WHERE seq = ?1", [person])? {
        return Err(Error::Stale);
    }
    work.run(
        "UPDATE resource SET person = ?2, version = ?3, modified = max(modified, ?4) WHERE seq = ?1",
        [seq, person, work.version, work.at],
    )?;
    if let Some(before) = row.person {
        work.run("UPDATE person SET authority = NULL WHERE seq = ?1 AND authority = ?2", [before, seq])?;
        work.bump(before);
    }
    work.bump(person);
    work.changed();
    Ok(())
}

/// What the writes need of a stored resource.
pub(super) struct Row {
    pub(super) id: String,
    pub(super) integration: i64,
    pub(super) kind: i64,
    pub(super) person: Option<i64>,
    pub(super) version: i64,
    name_unique: Option<String>,
}

impl Row {
    pub(super) fn load(work: &Work<'_>, seq: i64) -> Result<Option<Self>, Error> {
        let mut statement = work.connection.prepare_cached(
            "SELECT id, integration, kind, person, version, name_unique FROM resource WHERE seq = ?1",
        )?;
        let row = statement.query_row([seq], |row| {
            Ok(Self {
                id: row.get(0)?,
                integration: row.get(1)?,
                kind: row.get(2)?,
                person: row.get(3)?,
                version: row.get(4)?,
                name_unique: row.get(5)?,
            })
        });
        Ok(row.optional()?)
    }
}

fn count(work: &mut Work<'_>, integration: i64, kind: i64, by: i64) {
    let counts = work.tally.counts(integration);
    match kind {
        USER => counts.users += by,
        _ => counts.groups += by,
    }
}

fn insert_emails(work: &Work<'_>, seq: i64, keys: &[String]) -> Result<(), Error> {
    for key in keys {
        work.run("INSERT OR IGNORE INTO email (key, resource) VALUES (?1, ?2)", params![key, seq])?;
    }
    Ok(())
}

fn replace_emails(work: &Work<'_>, seq: i64, keys: &[String]) -> Result<(), Error> {
    let mut statement = work.connection.prepare_cached("SELECT key FROM email WHERE resource = ?1")?;
    let stored: Vec<String> = statement.query_map([seq], |row| row.get(0))?.collect::<rusqlite::Result<_>>()?;
    for gone in stored.iter().filter(|key| !keys.contains(key)) {
        work.run("DELETE FROM email WHERE key = ?1 AND resource = ?2", params![gone, seq])?;
    }
    insert_emails(work, seq, keys)
}

/// The one unique index that these statements can hit.
fn clash(error: rusqlite::Error) -> Error {
    if is_unique_clash(&error) { Error::Conflict(Constraint::UserName) } else { error.into() }
}
