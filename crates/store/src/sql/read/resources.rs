//! Reads of Users, Groups and members.
//!
//! The point reads carry the product's hot path: each is one statement, prepared once per connection, and no read
//! transaction of its own.

use bailiwick_domain::ids::{IntegrationId, Kind, Millis};
use rusqlite::{Connection, OptionalExtension, Params, Row};

use crate::error::Error;
use crate::rows::{GroupRef, MemberRef, PersonRef, ResourceRow};
use crate::sqlite::filter::Point;
use crate::sqlite::{Engine, SCAN_BUDGET};

/// More than this is read on a thread of its own.
const INLINE_ROWS: usize = 1_000;

/// The columns of a User, with its person and its groups; what follows is the condition.
macro_rules! users {
    ($groups:expr, $condition:literal) => {
        concat!(
            "SELECT r.seq, r.id, r.integration, json(r.doc), r.name_unique, r.display, r.active, r.manager, r.version, ",
            "r.created, r.modified, p.seq, p.id, p.state, p.epoch, p.authority, p.admin, ",
            $groups,
            " FROM resource r LEFT JOIN person p ON p.seq = r.person WHERE r.kind = 1 AND ",
            $condition
        )
    };
}

/// Direct groups, and those above them where groups hold groups. In the order of their rows.
macro_rules! groups_of_user {
    () => {
        "CASE (SELECT i.nested FROM integration i WHERE i.id = r.integration) WHEN 0 THEN \
         (SELECT json_group_array(json_array(g.id, g.display)) FROM membership m JOIN resource g ON g.seq = m.grp \
         WHERE m.member = r.seq) \
         ELSE (WITH RECURSIVE above(grp, direct) AS (SELECT grp, 1 FROM membership WHERE member = r.seq \
         UNION SELECT m.grp, 0 FROM above JOIN membership m ON m.member = above.grp) \
         SELECT json_group_array(json_array(g.id, g.display, a.direct) ORDER BY g.seq) FROM \
         (SELECT grp, max(direct) AS direct FROM above GROUP BY grp) a JOIN resource g ON g.seq = a.grp) END"
    };
}

/// The columns of a Group. Its version and time are the greater of its row and its last member change.
macro_rules! groups {
    ($condition:literal) => {
        concat!(
            "SELECT r.seq, r.id, r.integration, json(r.doc), r.name_unique, r.display, r.active, r.manager, ",
            "max(r.version, coalesce((SELECT c.seq FROM member_change c WHERE c.grp = r.seq ORDER BY c.seq DESC ",
            "LIMIT 1), 0)), r.created, ",
            "max(r.modified, coalesce((SELECT c.at FROM member_change c WHERE c.grp = r.seq ORDER BY c.seq DESC ",
            "LIMIT 1), 0)), r.version FROM resource r WHERE r.kind = 2 AND ",
            $condition
        )
    };
}

/// One statement for each way to name resources: Users without and with their groups, Groups.
struct Statements {
    user: &'static str,
    user_with_groups: &'static str,
    group: &'static str,
}

macro_rules! statements {
    ($condition:literal) => {
        Statements {
            user: users!("NULL", $condition),
            user_with_groups: users!(groups_of_user!(), $condition),
            group: groups!($condition),
        }
    };
}

const BY_ID: Statements = statements!("r.id = ?1 AND r.integration = ?2");
const BY_SEQ: Statements = statements!("r.seq = ?1");
const BY_NAME: Statements = statements!("r.name_match = ?1 AND r.integration = ?2 ORDER BY r.seq LIMIT ?3");
const BY_EXTERNAL_ID: Statements = statements!("r.external_id = ?1 AND r.integration = ?2 ORDER BY r.seq LIMIT ?3");

impl Statements {
    fn of(&self, kind: Kind, with_groups: bool) -> &'static str {
        match (kind, with_groups) {
            (Kind::Group, _) => self.group,
            (Kind::User, false) => self.user,
            (Kind::User, true) => self.user_with_groups,
        }
    }
}

impl Engine {
    pub(crate) fn resource(
        &self,
        integration: IntegrationId,
        kind: Kind,
        id: &str,
        with_groups: bool,
    ) -> Result<Option<ResourceRow>, Error> {
        by_id(&*self.reader()?, integration, kind, id, with_groups)
    }

    pub(crate) async fn member_refs(
        &self,
        integration: IntegrationId,
        ids: &[String],
    ) -> Result<Vec<Option<MemberRef>>, Error> {
        if ids.len() <= INLINE_ROWS {
            return member_refs(&*self.reader()?, integration, ids);
        }
        let ids = ids.to_vec();
        self.scan(SCAN_BUDGET, move |connection| member_refs(connection, integration, &ids)).await
    }

    pub(crate) async fn members(&self, group: i64, after: Option<i64>, limit: u64) -> Result<Vec<MemberRef>, Error> {
        if limit <= INLINE_ROWS as u64 {
            return members(&*self.reader()?, group, after, limit);
        }
        self.scan(SCAN_BUDGET, move |connection| members(connection, group, after, limit)).await
    }

    pub(crate) fn members_up_to(&self, group: i64, limit: u64) -> Result<u64, Error> {
        let reader = self.reader()?;
        let mut statement =
            reader.prepare_cached("SELECT count(*) FROM (SELECT 1 FROM membership WHERE grp = ?1 LIMIT ?2)")?;
        let count: i64 = statement.query_row((group, signed(limit)), |row| row.get(0))?;
        Ok(count.unsigned_abs())
    }
}

fn by_id(
    connection: &Connection,
    integration: IntegrationId,
    kind: Kind,
    id: &str,
    with_groups: bool,
) -> Result<Option<ResourceRow>, Error> {
    one(connection, BY_ID.of(kind, with_groups), kind, (id, integration.0))
}

/// The resource of a row number that a page found.
pub(crate) fn by_seq(
    connection: &Connection,
    kind: Kind,
    seq: i64,
    with_groups: bool,
) -> Result<Option<ResourceRow>, Error> {
    one(connection, BY_SEQ.of(kind, with_groups), kind, [seq])
}

/// The resources that one equality finds, in the order of their rows, at most `limit`.
pub(crate) fn by_point(
    connection: &Connection,
    integration: IntegrationId,
    kind: Kind,
    point: Point<'_>,
    with_groups: bool,
    limit: i64,
) -> Result<Vec<ResourceRow>, Error> {
    let (statements, key) = match point {
        Point::ExternalId(id) => (BY_EXTERNAL_ID, id),
        Point::Id(id) => return Ok(by_id(connection, integration, kind, id, with_groups)?.into_iter().collect()),
        Point::Name(key) => (BY_NAME, key),
    };
    let mut statement = connection.prepare_cached(statements.of(kind, with_groups))?;
    let mut rows = statement.query((key, integration.0, limit))?;
    let mut found = Vec::new();
    while let Some(row) = rows.next()? {
        found.push(resource_row(row, kind)?);
    }
    Ok(found)
}

fn one(connection: &Connection, sql: &str, kind: Kind, params: impl Params) -> Result<Option<ResourceRow>, Error> {
    let mut statement = connection.prepare_cached(sql)?;
    Ok(statement.query_row(params, |row| resource_row(row, kind)).optional()?)
}

fn resource_row(row: &Row<'_>, kind: Kind) -> rusqlite::Result<ResourceRow> {
    let seq = row.get(0)?;
    let (person, groups, document_version) = match kind {
        Kind::Group => (None, Vec::new(), row.get(11)?),
        Kind::User => (person(row, seq)?, groups(row)?, row.get(8)?),
    };
    Ok(ResourceRow {
        seq,
        id: row.get(1)?,
        kind,
        integration: IntegrationId(row.get(2)?),
        doc: row.get(3)?,
        name_unique: row.get(4)?,
        display: row.get(5)?,
        active: row.get(6)?,
        manager: row.get(7)?,
        version: row.get(8)?,
        document_version,
        created: Millis(row.get(9)?),
        modified: Millis(row.get(10)?),
        person,
        groups,
    })
}

fn person(row: &Row<'_>, user: i64) -> rusqlite::Result<Option<PersonRef>> {
    let Some(seq) = row.get(11)? else {
        return Ok(None);
    };
    let state = super::persons::state(row, 13)?;
    let authority = row.get::<_, Option<i64>>(15)? == Some(user);
    Ok(Some(PersonRef { seq, id: row.get(12)?, state, epoch: row.get(14)?, authority, admin: row.get(16)? }))
}

/// A group as the statement tells it: id, displayName, and whether it is direct where both kinds can occur.
#[derive(serde::Deserialize)]
struct ToldGroup(String, String, #[serde(default = "direct")] u8);

fn direct() -> u8 {
    1
}

fn groups(row: &Row<'_>) -> rusqlite::Result<Vec<GroupRef>> {
    let told = match row.get_ref(17)?.as_str_or_null()? {
        None | Some("[]") => return Ok(Vec::new()),
        Some(told) => told,
    };
    let told: Vec<ToldGroup> = serde_json::from_str(told)
        .map_err(|error| rusqlite::Error::FromSqlConversionFailure(17, rusqlite::types::Type::Text, Box::new(error)))?;
    Ok(told.into_iter().map(|ToldGroup(id, display, direct)| GroupRef { id, display, direct: direct != 0 }).collect())
}

fn member_row(row: &Row<'_>) -> rusqlite::Result<MemberRef> {
    let kind = if row.get::<_, i64>(2)? == Kind::User as i64 { Kind::User } else { Kind::Group };
    Ok(MemberRef { seq: row.get(0)?, id: row.get(1)?, kind, display: row.get(3)? })
}

fn member_refs(
    connection: &Connection,
    integration: IntegrationId,
    ids: &[String],
) -> Result<Vec<Option<MemberRef>>, Error> {
    let mut statement =
        connection.prepare_cached("SELECT seq, id, kind, display FROM resource WHERE id = ?1 AND integration = ?2")?;
    let mut found = Vec::with_capacity(ids.len());
    for id in ids {
        found.push(statement.query_row((id, integration.0), member_row).optional()?);
    }
    Ok(found)
}

fn members(connection: &Connection, group: i64, after: Option<i64>, limit: u64) -> Result<Vec<MemberRef>, Error> {
    let mut statement = connection.prepare_cached(
        "SELECT x.seq, x.id, x.kind, x.display FROM membership m CROSS JOIN resource x ON x.seq = m.member \
         WHERE m.grp = ?1 AND m.member > ?2 ORDER BY m.member LIMIT ?3",
    )?;
    let rows = statement.query_map((group, after.unwrap_or(i64::MIN), signed(limit)), member_row)?;
    Ok(rows.collect::<rusqlite::Result<_>>()?)
}

/// A number of rows as SQLite takes it.
pub(crate) fn signed(count: u64) -> i64 {
    i64::try_from(count).unwrap_or(i64::MAX)
}
