//! Items: teams and catalog entities, their names, relations and feeds.
//!
//! An item is pointed to by rows and by references (`kind:namespace/name`). Whichever comes first, the item or what
//! points to it: both ends are tied in the commit of the later one.

use super::grants;
use super::work::{Then, Work};
use crate::change::{ItemColumns, ItemKey, ItemUpdate, NewItem, NewRelation};
use crate::error::{Constraint, Error};
use crate::sql::words::each;
use crate::sql::{Exec, Param, Query, Sql, binds};
use bailiwick_domain::mapping::GrantKind;
use std::collections::{BTreeSet, HashMap};

/// The kind that owns others, is fed by groups, and is given to persons.
const TEAM: &str = "team";

/// seq, the columns of [`Resolved::params`], version, at, id
const INSERT: Sql = each!(
    "INSERT INTO item (seq, kind, namespace, name, name_key, title, title_key, owner, owner_person, owner_ref, parent,
       parent_ref, type, tier, lifecycle, source, doc, keys, version, created, modified, id)
     VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9, ?10, ?11, ?12, ?13, ?14, ?15, ?16, " (json 17) ", " (json 18) ", ?19,
       ?20, ?20, ?21)"
);
/// The same without the id, and whether the row changes whatever its columns say.
const UPDATE: Sql = each!(
    "UPDATE item SET kind = ?2, namespace = ?3, name = ?4, name_key = ?5, title = ?6, title_key = ?7, owner = ?8,
       owner_person = ?9, owner_ref = ?10, parent = ?11, parent_ref = ?12, type = ?13, tier = ?14, lifecycle = ?15,
       source = ?16, doc = " (json 17) ", keys = " (json 18) ", version = ?19, modified = " greatest "(modified, ?20)
     WHERE seq = ?1 AND (?21 OR kind <> ?2 OR namespace <> ?3 OR name <> ?4 OR name_key <> ?5 OR title <> ?6
       OR title_key <> ?7 OR owner IS DISTINCT FROM ?8 OR owner_person IS DISTINCT FROM ?9
       OR owner_ref IS DISTINCT FROM ?10 OR parent IS DISTINCT FROM ?11 OR parent_ref IS DISTINCT FROM ?12
       OR type IS DISTINCT FROM ?13 OR tier IS DISTINCT FROM ?14 OR lifecycle IS DISTINCT FROM ?15
       OR source IS DISTINCT FROM ?16 OR doc IS DISTINCT FROM " (json 17) " OR keys IS DISTINCT FROM " (json 18) ")"
);

/// An item, version, at, references to it
const TIE_OWNER: Sql = each!(
    "UPDATE item SET owner = ?1, version = ?2, modified = " greatest "(modified, ?3)
     WHERE owner IS NULL AND owner_person IS NULL AND seq <> ?1 AND owner_ref " (among 4)
);
const TIE_PARENT: Sql = each!(
    "UPDATE item SET parent = ?1, version = ?2, modified = " greatest "(modified, ?3)
     WHERE parent IS NULL AND seq <> ?1 AND parent_ref " (among 4)
);
const TIE_TARGET: Sql = each!("UPDATE relation SET target = ?1 WHERE target IS NULL AND target_ref " (among 2));

/// An item, a reference to it, version, at
const UNTIE: [Sql; 2] = [
    each!(
        "UPDATE item SET owner = NULL, owner_ref = coalesce(owner_ref, ?2), version = ?3,
           modified = " greatest "(modified, ?4) WHERE owner = ?1"
    ),
    each!(
        "UPDATE item SET parent = NULL, parent_ref = coalesce(parent_ref, ?2), version = ?3,
           modified = " greatest "(modified, ?4) WHERE parent = ?1"
    ),
];

/// What goes with an item.
const CLEAR: [Sql; 5] = [
    Sql::same("UPDATE relation SET target = NULL WHERE target = ?1"),
    Sql::same("DELETE FROM relation WHERE item = ?1"),
    Sql::same("DELETE FROM alias WHERE item = ?1"),
    Sql::same("DELETE FROM team_feed WHERE team = ?1"),
    Sql::same("DELETE FROM item WHERE seq = ?1"),
];

pub(super) async fn insert<'a, E: Exec>(work: &mut Work<'a, E>, new: &'a NewItem) -> Result<(), Error> {
    let columns = &new.columns;
    let seq = work.draw_row();
    let space = space(columns);
    let names = unclaimed(work, seq, &space, columns).await?;
    let found = Resolved::find(work, seq, columns).await?;
    let mut params = found.params(work, seq, columns)?;
    params.extend(binds![work.version, work.at, &new.id]);
    work.later(INSERT, params, Then::Go);
    add_names(work, seq, &space, &names);
    for relation in columns.relations.as_deref().unwrap_or_default() {
        let target = found.target(work, relation)?;
        insert_relation(work, seq, relation, target);
    }
    tie(work, seq, &columns.kind, &space, &names);
    work.new_item(&new.id, seq);
    work.changed();
    Ok(())
}

pub(super) async fn update<'a, E: Exec>(work: &mut Work<'a, E>, update: &'a ItemUpdate) -> Result<(), Error> {
    let ItemUpdate { seq, columns } = update;
    if !work.exists(Sql::same("SELECT 1 FROM item WHERE seq = ?1"), binds![*seq]).await? {
        return Err(Error::Stale);
    }
    let space = space(columns);
    let names = unclaimed(work, *seq, &space, columns).await?;
    let found = Resolved::find(work, *seq, columns).await?;
    let replaced = match &columns.relations {
        Some(relations) => replace_relations(work, *seq, relations, &found).await?,
        None => false,
    };
    let mut params = found.params(work, *seq, columns)?;
    params.extend(binds![work.version, work.at, replaced || !names.is_empty()]);
    work.later(UPDATE, params, Then::Changed);
    add_names(work, *seq, &space, &names);
    tie(work, *seq, &columns.kind, &space, &names);
    Ok(())
}

pub(super) async fn delete<E: Exec>(work: &mut Work<'_, E>, seq: i64) -> Result<(), Error> {
    let sql = Sql::same("SELECT id, kind, namespace, name_key FROM item WHERE seq = ?1");
    let found = work
        .one(Query::new(sql, binds![seq], |row| {
            Ok((row.string(0)?, row.string(1)?, format!("{}:{}/{}", row.text(1)?, row.text(2)?, row.text(3)?)))
        }))
        .await?;
    let Some((id, kind, reference)) = found else { return Err(Error::Stale) };
    for sql in UNTIE {
        let params = [seq.into(), reference.clone().into(), work.version.into(), work.at.into()];
        work.later(sql, params, Then::Go);
    }
    for sql in CLEAR {
        work.later(sql, binds![seq], Then::Go);
    }
    if kind == TEAM {
        // Feeds went: what depends on them may be kept in memory.
        work.touched();
        grants::close_object(work, GrantKind::Team, &id).await?;
    }
    work.changed();
    Ok(())
}

/// Feeds a team by a group, or no longer.
pub(super) async fn set_feed<'a, E: Exec>(
    work: &mut Work<'a, E>,
    team: i64,
    group: i64,
    role: &'a Option<String>,
) -> Result<(), Error> {
    let Some(role) = role else {
        let sql = Sql::same("DELETE FROM team_feed WHERE team = ?1 AND grp = ?2");
        work.later(sql, binds![team, group], Then::Touched);
        return Ok(());
    };
    let there = Sql::same(
        "SELECT 1 FROM item AS i CROSS JOIN resource AS r
         WHERE i.seq = ?1 AND i.kind = 'team' AND r.seq = ?2 AND r.kind = 2",
    );
    if !work.exists(there, binds![team, group]).await? {
        return Err(Error::Stale);
    }
    let sql = Sql::same(
        "INSERT INTO team_feed (team, grp, role) VALUES (?1, ?2, ?3)
         ON CONFLICT (team, grp) DO UPDATE SET role = excluded.role WHERE team_feed.role <> excluded.role",
    );
    work.later(sql, binds![team, group, role], Then::Touched);
    Ok(())
}

/// Where names are unique.
fn space(columns: &ItemColumns) -> String {
    format!("{}:{}", columns.kind, columns.namespace)
}

/// The names of an item that are not its own yet. A name of another item is a conflict.
async fn unclaimed<E: Exec>(
    work: &mut Work<'_, E>,
    seq: i64,
    space: &str,
    columns: &ItemColumns,
) -> Result<Vec<String>, Error> {
    let wanted: BTreeSet<&String> = columns.aliases.iter().chain([&columns.name_key]).collect();
    let mut names: Vec<String> = wanted.into_iter().cloned().collect();
    let sql = each!("SELECT key, item FROM alias WHERE space = ?1 AND key " (among 2));
    let read = Query::new(sql, binds![space, names.as_slice()], |row| Ok((row.string(0)?, row.int(1)?)));
    let known: HashMap<String, i64> = work.all(read).await?.into_iter().collect();
    if known.values().any(|item| *item != seq) {
        return Err(Error::Conflict(Constraint::ItemName));
    }
    names.retain(|name| !known.contains_key(name));
    Ok(names)
}

fn add_names<E: Exec>(work: &mut Work<'_, E>, seq: i64, space: &str, names: &[String]) {
    if names.is_empty() {
        return;
    }
    let sql = each!("INSERT INTO alias (space, key, item, at) SELECT ?1, given.value, ?3, ?4 FROM " (given 2));
    let params = [space.to_owned().into(), Param::Texts(names.to_vec().into()), seq.into(), work.at.into()];
    work.later(sql, params, Then::Go);
}

/// Ties what named the item by one of these names only.
fn tie<E: Exec>(work: &mut Work<'_, E>, seq: i64, kind: &str, space: &str, names: &[String]) {
    if names.is_empty() {
        return;
    }
    let references = || Param::Texts(names.iter().map(|name| format!("{space}/{name}")).collect());
    let (version, at) = (work.version, work.at);
    if kind == TEAM {
        work.later(TIE_OWNER, [seq.into(), version.into(), at.into(), references()], Then::Go);
    }
    work.later(TIE_PARENT, [seq.into(), version.into(), at.into(), references()], Then::Go);
    work.later(TIE_TARGET, [seq.into(), references()], Then::Go);
}

/// What references stand for, as far as it is there.
struct Resolved(HashMap<String, i64>);

impl Resolved {
    /// Looks up the references of an item that come without a row. An item never stands for its own reference.
    async fn find<E: Exec>(work: &mut Work<'_, E>, seq: i64, columns: &ItemColumns) -> Result<Self, Error> {
        let owner = columns.owner_ref.as_ref().filter(|_| columns.owner.is_none() && columns.owner_person.is_none());
        let parent = columns.parent_ref.as_ref().filter(|_| columns.parent.is_none());
        let relations = columns.relations.iter().flatten().filter(|relation| relation.target.is_none());
        let wanted: BTreeSet<&String> =
            owner.into_iter().chain(parent).chain(relations.map(|relation| &relation.target_ref)).collect();
        let (spaces, names): (Vec<String>, Vec<String>) = wanted
            .into_iter()
            .filter_map(|reference| reference.split_once('/'))
            .map(|(space, name)| (space.to_owned(), name.to_owned()))
            .unzip();
        if spaces.is_empty() {
            return Ok(Self(HashMap::new()));
        }
        let sql = each!(
            "SELECT a.space, a.key, a.item FROM " (pairs 1 2) "
             JOIN alias AS a ON a.space = given.one AND a.key = given.other WHERE a.item <> ?3"
        );
        let params = [Param::Texts(spaces.into()), Param::Texts(names.into()), seq.into()];
        let read = Query::new(sql, params, |row| Ok((format!("{}/{}", row.text(0)?, row.text(1)?), row.int(2)?)));
        Ok(Self(work.all(read).await?.into_iter().collect()))
    }

    fn row(&self, reference: Option<&String>) -> Option<i64> {
        self.0.get(reference?).copied()
    }

    fn target<E: Exec>(&self, work: &Work<'_, E>, relation: &NewRelation) -> Result<Option<i64>, Error> {
        match &relation.target {
            Some(key) => work.item(key).map(Some),
            None => Ok(self.row(Some(&relation.target_ref))),
        }
    }

    /// The row number and the columns, in the order of their parameters.
    fn params<'a, E: Exec>(
        &self,
        work: &Work<'_, E>,
        seq: i64,
        columns: &'a ItemColumns,
    ) -> Result<Vec<Param<'a>>, Error> {
        let row = |key: &Option<ItemKey>| key.as_ref().map(|key| work.item(key)).transpose();
        let mut owner = row(&columns.owner)?;
        if owner.is_none() && columns.owner_person.is_none() {
            // Nothing but a team owns anything.
            let team = columns.owner_ref.as_ref().filter(|owner| owner.starts_with("team:"));
            owner = self.row(team);
        }
        let parent = row(&columns.parent)?.or_else(|| self.row(columns.parent_ref.as_ref()));
        Ok(binds![
            seq,
            &columns.kind,
            &columns.namespace,
            &columns.name,
            &columns.name_key,
            &columns.title,
            &columns.title_key,
            owner,
            columns.owner_person,
            &columns.owner_ref,
            parent,
            &columns.parent_ref,
            &columns.item_type,
            &columns.tier,
            &columns.lifecycle,
            &columns.source,
            &columns.doc,
            &columns.keys,
        ]
        .to_vec())
    }
}

fn insert_relation<'a, E: Exec>(work: &mut Work<'a, E>, seq: i64, relation: &'a NewRelation, target: Option<i64>) {
    let sql = Sql::same(
        "INSERT INTO relation (item, type, target_ref, target, note) VALUES (?1, ?2, ?3, ?4, ?5)
         ON CONFLICT DO NOTHING",
    );
    let params = binds![seq, &relation.relation, &relation.target_ref, target, &relation.note];
    work.later(sql, params, Then::Go);
}

/// Writes the relations of an item anew if they differ; whether they did.
async fn replace_relations<'a, E: Exec>(
    work: &mut Work<'a, E>,
    seq: i64,
    relations: &'a [NewRelation],
    found: &Resolved,
) -> Result<bool, Error> {
    type Known = (String, String, Option<i64>, Option<String>);
    let sql = Sql::same("SELECT type, target_ref, target, note FROM relation WHERE item = ?1");
    let read = Query::new(sql, binds![seq], |row| {
        Ok((row.string(0)?, row.string(1)?, row.maybe_int(2)?, row.maybe_string(3)?))
    });
    let mut known: Vec<Known> = work.all(read).await?;
    let mut wanted: Vec<(&NewRelation, Option<i64>)> = Vec::with_capacity(relations.len());
    let mut seen = BTreeSet::new();
    for relation in relations {
        if seen.insert((&relation.relation, &relation.target_ref)) {
            wanted.push((relation, found.target(work, relation)?));
        }
    }
    known.sort_unstable();
    wanted.sort_unstable_by_key(|(relation, _)| (&relation.relation, &relation.target_ref));
    let same = known.len() == wanted.len()
        && known.iter().zip(&wanted).all(|((kind, reference, target, note), (relation, row))| {
            *kind == relation.relation && *reference == relation.target_ref && target == row && *note == relation.note
        });
    if same {
        return Ok(false);
    }
    work.later(Sql::same("DELETE FROM relation WHERE item = ?1"), binds![seq], Then::Go);
    for (relation, target) in wanted {
        insert_relation(work, seq, relation, target);
    }
    Ok(true)
}
