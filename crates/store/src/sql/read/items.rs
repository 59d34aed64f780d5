//! Items: teams and catalog entities, their names, relations and feeds.

use crate::error::Error;
use crate::query::ItemQuery;
use crate::rows::{AliasRow, FeedRow, ItemRef, ItemRow, RelationRow};
use crate::sql::filter::{Compiler, Scope};
use crate::sql::words::each;
use crate::sql::{Dialect, Fields, Query, Sql, binds};
use bailiwick_domain::ids::{IntegrationId, Millis};
use bailiwick_scim::text::match_key;
use std::fmt::Write as _;

/// How far up a web of teams is looked: nobody nests that deep, and a cycle ends.
macro_rules! levels {
    () => {
        "64"
    };
}

/// Columns of an item with its owner and parent, read by [`item_row`]. The item is called `r`, as in filters.
macro_rules! item_columns {
    ($doc:literal, $keys:literal) => {
        concat!(
            "SELECT r.seq, r.id, r.kind, r.namespace, r.name, r.name_key, r.title, r.title_key, r.owner_person,
               r.owner_ref, r.parent_ref, r.type, r.tier, r.lifecycle, r.source, r.version, r.created, r.modified, ",
            $doc,
            ", ",
            $keys,
            ", o.seq, o.id, o.kind, o.namespace, o.name, o.title, p.seq, p.id, p.kind, p.namespace, p.name, p.title
             FROM item AS r LEFT JOIN item AS o ON o.seq = r.owner LEFT JOIN item AS p ON p.seq = r.parent "
        )
    };
    (sqlite) => {
        item_columns!("json(r.doc)", "json(r.keys)")
    };
    (postgres) => {
        item_columns!("r.doc::text", "r.keys::text")
    };
}

/// Items; what follows is the condition and the order.
macro_rules! items {
    ($sqlite:literal, $postgres:literal) => {
        Sql::each(concat!(item_columns!(sqlite), $sqlite), concat!(item_columns!(postgres), $postgres))
    };
    ($rest:literal) => {
        items!($rest, $rest)
    };
}

/// Relations with both ends; what follows is the condition and the order.
macro_rules! relations {
    ($rest:literal) => {
        concat!(
            "SELECT e.type, e.target_ref, e.note, i.seq, i.id, i.kind, i.namespace, i.name, i.title,
               t.seq, t.id, t.kind, t.namespace, t.name, t.title
             FROM relation AS e JOIN item AS i ON i.seq = e.item LEFT JOIN item AS t ON t.seq = e.target ",
            $rest
        )
    };
}

/// Feeds with both ends; what follows is the condition and the order.
macro_rules! feeds {
    ($rest:literal) => {
        concat!(
            "SELECT f.team, i.id, f.grp, g.id, g.integration, f.role
             FROM team_feed AS f JOIN item AS i ON i.seq = f.team JOIN resource AS g ON g.seq = f.grp ",
            $rest
        )
    };
}

pub(crate) fn by_id(id: &str) -> Query<'_, ItemRow> {
    Query::new(items!("WHERE r.id = ?1"), binds![id], item_row)
}

pub(crate) fn by_seq(seq: i64) -> Query<'static, ItemRow> {
    Query::new(items!("WHERE r.seq = ?1"), binds![seq], item_row)
}

pub(crate) fn by_seqs(seqs: &[i64]) -> Query<'_, ItemRow> {
    let sql = items!(
        "WHERE r.seq IN (SELECT value FROM json_each(?1)) ORDER BY r.seq",
        "WHERE r.seq = ANY (?1) ORDER BY r.seq"
    );
    Query::new(sql, binds![seqs], item_row)
}

/// The items that wait for an owner or a parent of one of these names.
pub(crate) fn waiting(references: &[String], limit: u32) -> Query<'_, ItemRow> {
    let sql = items!(
        "WHERE r.seq IN (
           SELECT seq FROM item WHERE owner IS NULL AND owner_person IS NULL
             AND owner_ref IN (SELECT value FROM json_each(?1))
           UNION SELECT seq FROM item WHERE parent IS NULL AND parent_ref IN (SELECT value FROM json_each(?1))
         ) ORDER BY r.seq LIMIT ?2",
        "WHERE r.seq IN (
           SELECT seq FROM item WHERE owner IS NULL AND owner_person IS NULL AND owner_ref = ANY (?1)
           UNION SELECT seq FROM item WHERE parent IS NULL AND parent_ref = ANY (?1)
         ) ORDER BY r.seq LIMIT ?2"
    );
    Query::new(sql, binds![references, i64::from(limit)], item_row)
}

/// The item that answers to a name.
pub(crate) fn by_alias<'a>(space: &'a str, key: &'a str) -> Query<'a, ItemRow> {
    let sql = items!("WHERE r.seq = (SELECT a.item FROM alias AS a WHERE a.space = ?1 AND a.key = ?2)");
    Query::new(sql, binds![space, key], item_row)
}

pub(crate) fn aliases(item: i64) -> Query<'static, AliasRow> {
    let sql = Sql::same("SELECT space, key, item, at FROM alias WHERE item = ?1 ORDER BY space, key");
    Query::new(sql, binds![item], |row| {
        Ok(AliasRow { space: row.string(0)?, key: row.string(1)?, item: row.int(2)?, at: Millis(row.int(3)?) })
    })
}

pub(crate) fn relations(item: i64) -> Query<'static, RelationRow> {
    let sql = Sql::same(relations!("WHERE e.item = ?1 ORDER BY e.type, e.target_ref"));
    Query::new(sql, binds![item], relation_row)
}

/// The relations of others to an item.
pub(crate) fn dependents(item: i64) -> Query<'static, RelationRow> {
    let sql = Sql::same(relations!("WHERE e.target = ?1 ORDER BY e.type, i.title_key, i.seq"));
    Query::new(sql, binds![item], relation_row)
}

/// A page of items, one more than its limit.
pub(crate) fn page(query: &ItemQuery, dialect: Dialect) -> Query<'static, ItemRow> {
    let columns = match dialect {
        Dialect::Postgres => item_columns!(postgres),
        Dialect::Sqlite => item_columns!(sqlite),
    };
    let mut compiler = Compiler::new(Scope::items(dialect));
    let mut text = format!("{columns}WHERE {}", conditions(query, &mut compiler));
    if let Some((title, seq)) = &query.after {
        let (title, seq) = (compiler.bind(title.clone()), compiler.bind(*seq));
        let _ = write!(text, " AND (r.title_key, r.seq) > ({title}, {seq})");
    }
    let limit = compiler.limit(i64::from(query.limit).saturating_add(1));
    let _ = write!(text, " ORDER BY r.title_key, r.seq LIMIT {limit}");
    Query::built(text, compiler.into_params(), item_row)
}

/// How many items there are on all pages.
pub(crate) fn count(query: &ItemQuery, dialect: Dialect) -> Query<'static, u64> {
    let mut compiler = Compiler::new(Scope::items(dialect));
    let text = format!("SELECT count(*) FROM item AS r WHERE {}", conditions(query, &mut compiler));
    Query::built(text, compiler.into_params(), |row| row.count(0))
}

fn conditions(query: &ItemQuery, compiler: &mut Compiler<'_>) -> String {
    let dialect = compiler.dialect();
    let mut all = Vec::new();
    if !query.kinds.is_empty() {
        let kinds: Vec<String> = query.kinds.iter().map(|kind| compiler.bind(kind.clone())).collect();
        all.push(format!("r.kind IN ({})", kinds.join(", ")));
    }
    for (column, wanted) in [("owner", query.owner), ("owner_person", query.owner_person), ("parent", query.parent)] {
        if let Some(wanted) = wanted {
            all.push(format!("r.{column} = {}", compiler.bind(wanted)));
        }
    }
    if let Some(source) = &query.source {
        all.push(format!("r.source = {}", compiler.bind(source.clone())));
    }
    if query.unowned {
        all.push("r.owner IS NULL AND r.owner_person IS NULL".to_owned());
    }
    if let Some(search) = &query.search {
        let part = compiler.bind(match_key(search).into_owned());
        let (title, alias) = (dialect.holds("r.title_key", &part), dialect.holds("a.key", &part));
        all.push(format!("({title} OR EXISTS (SELECT 1 FROM alias AS a WHERE a.item = r.seq AND {alias}))"));
    }
    if let Some(filter) = &query.filter {
        all.push(compiler.condition(filter));
    }
    if all.is_empty() { "1 = 1".to_owned() } else { all.join(" AND ") }
}

/// The teams above a team, the nearest first.
pub(crate) fn teams_above(team: i64) -> Query<'static, i64> {
    let sql = Sql::same(concat!(
        "WITH RECURSIVE above (seq, level) AS (
           SELECT parent, 1 FROM item WHERE seq = ?1 AND kind = 'team' AND parent IS NOT NULL
           UNION SELECT i.parent, above.level + 1 FROM above JOIN item AS i ON i.seq = above.seq
           WHERE i.kind = 'team' AND i.parent IS NOT NULL AND above.level < ",
        levels!(),
        ")
         SELECT seq FROM above WHERE seq <> ?1 GROUP BY seq ORDER BY min(level)"
    ));
    Query::new(sql, binds![team], |row| row.int(0))
}

/// The teams below any of these teams. What is said of kinds in this way keeps planners from the index of all teams.
pub(crate) fn teams_below(teams: &[i64]) -> Query<'_, i64> {
    let sql = each!(
        "WITH RECURSIVE below (seq) AS (
           SELECT seq FROM item WHERE (kind = 'team') IS TRUE AND parent " (among 1) "
           UNION SELECT i.seq FROM below JOIN item AS i ON i.parent = below.seq WHERE (i.kind = 'team') IS TRUE)
         SELECT seq FROM below ORDER BY seq"
    );
    Query::new(sql, binds![teams], |row| row.int(0))
}

pub(crate) fn team_children(team: i64) -> Query<'static, ItemRow> {
    let sql = items!("WHERE r.parent = ?1 AND (r.kind = 'team') IS TRUE ORDER BY r.title_key, r.seq");
    Query::new(sql, binds![team], item_row)
}

pub(crate) fn feeds() -> Query<'static, FeedRow> {
    Query::new(Sql::same(feeds!("ORDER BY f.team, f.grp")), [], feed_row)
}

pub(crate) fn feeds_of(team: i64) -> Query<'static, FeedRow> {
    Query::new(Sql::same(feeds!("WHERE f.team = ?1 ORDER BY f.grp")), binds![team], feed_row)
}

fn item_row(row: &dyn Fields) -> Result<ItemRow, Error> {
    Ok(ItemRow {
        seq: row.int(0)?,
        id: row.string(1)?,
        kind: row.string(2)?,
        namespace: row.string(3)?,
        name: row.string(4)?,
        name_key: row.string(5)?,
        title: row.string(6)?,
        title_key: row.string(7)?,
        owner_person: row.maybe_int(8)?,
        owner_ref: row.maybe_string(9)?,
        parent_ref: row.maybe_string(10)?,
        item_type: row.maybe_string(11)?,
        tier: row.maybe_string(12)?,
        lifecycle: row.maybe_string(13)?,
        source: row.maybe_string(14)?,
        version: row.int(15)?,
        created: Millis(row.int(16)?),
        modified: Millis(row.int(17)?),
        doc: row.string(18)?,
        keys: row.string(19)?,
        owner: item_ref(row, 20)?,
        parent: item_ref(row, 26)?,
    })
}

/// An item as others refer to it, whose columns begin at `first`, if there is one.
fn item_ref(row: &dyn Fields, first: usize) -> Result<Option<ItemRef>, Error> {
    let Some(seq) = row.maybe_int(first)? else { return Ok(None) };
    Ok(Some(ItemRef {
        seq,
        id: row.string(first + 1)?,
        kind: row.string(first + 2)?,
        namespace: row.string(first + 3)?,
        name: row.string(first + 4)?,
        title: row.string(first + 5)?,
    }))
}

fn relation_row(row: &dyn Fields) -> Result<RelationRow, Error> {
    Ok(RelationRow {
        relation: row.string(0)?,
        target_ref: row.string(1)?,
        note: row.maybe_string(2)?,
        item: item_ref(row, 3)?.ok_or_else(|| Error::Broken("a relation belongs to no item".to_owned()))?,
        target: item_ref(row, 9)?,
    })
}

fn feed_row(row: &dyn Fields) -> Result<FeedRow, Error> {
    Ok(FeedRow {
        team: row.int(0)?,
        team_id: row.string(1)?,
        group: row.int(2)?,
        group_id: row.string(3)?,
        integration: IntegrationId(row.int(4)?),
        role: row.string(5)?,
    })
}
