//! Reads of Users, Groups and members.
//!
//! The point reads carry the product's hot path: each is one statement and needs no transaction.

use std::collections::HashMap;

use bailiwick_domain::ids::{IntegrationId, Kind, Millis};

use super::persons;
use crate::error::Error;
use crate::rows::{GroupRef, MemberRef, PersonRef, ResourceRow};
use crate::sql::filter::Point;
use crate::sql::{Decode, Fields, Param, Query, Sql, Value, binds};

/// The columns of a User, with its person and its groups.
macro_rules! user_columns {
    ($doc:literal, $groups:expr) => {
        concat!(
            "r.seq, r.id, r.integration, ",
            $doc,
            ", r.name_unique, r.display, r.active, r.manager, r.version, r.created, r.modified, p.seq, p.id, p.state, ",
            "p.epoch, p.authority, p.admin, ",
            $groups
        )
    };
}

/// The groups of a User: direct ones, and those above them where groups hold groups. In the order of their rows, as JSON.
macro_rules! groups_of_user {
    ($direct:literal, $nested:literal) => {
        concat!(
            "CASE (SELECT i.nested FROM integration i WHERE i.id = r.integration) WHEN 0 THEN (SELECT ",
            $direct,
            " FROM membership m JOIN resource g ON g.seq = m.grp WHERE m.member = r.seq) ELSE ",
            "(WITH RECURSIVE above(grp, direct) AS (SELECT grp, 1 FROM membership WHERE member = r.seq ",
            "UNION SELECT m.grp, 0 FROM above JOIN membership m ON m.member = above.grp) SELECT ",
            $nested,
            " FROM (SELECT grp, max(direct) AS direct FROM above GROUP BY grp) a JOIN resource g ON g.seq = a.grp) END"
        )
    };
}

/// The columns of a Group. Its version and time are the greater of its row and its last member change.
macro_rules! group_columns {
    ($doc:literal, $greater:literal) => {
        concat!(
            "r.seq, r.id, r.integration, ",
            $doc,
            ", r.name_unique, r.display, r.active, r.manager, ",
            $greater,
            "(r.version, coalesce((SELECT c.seq FROM member_change c WHERE c.grp = r.seq ORDER BY c.seq DESC LIMIT 1), ",
            "0)), r.created, ",
            $greater,
            "(r.modified, coalesce((SELECT c.at FROM member_change c WHERE c.grp = r.seq ORDER BY c.seq DESC LIMIT 1), ",
            "0)), r.version"
        )
    };
}

/// The columns on each engine, under one name each, so that statements can be put together of them.
macro_rules! columns {
    (sqlite user) => {
        user_columns!("json(r.doc)", "NULL")
    };
    (sqlite user_with_groups) => {
        user_columns!(
            "json(r.doc)",
            groups_of_user!(
                "json_group_array(json_array(g.id, g.display))",
                "json_group_array(json_array(g.id, g.display, a.direct) ORDER BY g.seq)"
            )
        )
    };
    (sqlite group) => {
        group_columns!("json(r.doc)", "max")
    };
    (postgres user) => {
        user_columns!("r.doc::text", "NULL")
    };
    (postgres user_with_groups) => {
        user_columns!(
            "r.doc::text",
            groups_of_user!(
                "json_agg(json_build_array(g.id, g.display) ORDER BY g.seq)::text",
                "json_agg(json_build_array(g.id, g.display, a.direct) ORDER BY g.seq)::text"
            )
        )
    };
    (postgres group) => {
        group_columns!("r.doc::text", "greatest")
    };
}

macro_rules! users {
    ($columns:expr, $condition:literal) => {
        concat!(
            "SELECT ",
            $columns,
            " FROM resource r LEFT JOIN person p ON p.seq = r.person WHERE r.kind = 1 AND ",
            $condition
        )
    };
}

macro_rules! groups {
    ($columns:expr, $condition:literal) => {
        concat!("SELECT ", $columns, " FROM resource r WHERE r.kind = 2 AND ", $condition)
    };
}

/// One statement for each way to name resources: Users without and with their groups, Groups.
struct Statements {
    user: Sql,
    user_with_groups: Sql,
    group: Sql,
}

macro_rules! statements {
    ($condition:literal) => {
        Statements {
            user: Sql::each(users!(columns!(sqlite user), $condition), users!(columns!(postgres user), $condition)),
            user_with_groups: Sql::each(
                users!(columns!(sqlite user_with_groups), $condition),
                users!(columns!(postgres user_with_groups), $condition),
            ),
            group: Sql::each(groups!(columns!(sqlite group), $condition), groups!(columns!(postgres group), $condition)),
        }
    };
}

// The plus keeps planners from an index that leads to everything of the integration.
const BY_ID: Statements = statements!("r.id = ?1 AND +r.integration = ?2");
const BY_SEQ: Statements = statements!("r.seq = ?1");
const BY_NAME: Statements = statements!("r.name_match = ?1 AND r.integration = ?2 ORDER BY r.seq LIMIT ?3");
const BY_EXTERNAL_ID: Statements = statements!("r.external_id = ?1 AND r.integration = ?2 ORDER BY r.seq LIMIT ?3");

impl Statements {
    fn of(&self, kind: Kind, with_groups: bool) -> Sql {
        match (kind, with_groups) {
            (Kind::Group, _) => self.group,
            (Kind::User, false) => self.user,
            (Kind::User, true) => self.user_with_groups,
        }
    }

    fn query<'a>(&self, kind: Kind, with_groups: bool, params: impl Into<Vec<Param<'a>>>) -> Query<'a, ResourceRow> {
        let row: Decode<ResourceRow> = match kind {
            Kind::Group => group_row,
            Kind::User => user_row,
        };
        Query::new(self.of(kind, with_groups), params, row)
    }
}

/// The User or Group of this id.
pub(crate) fn by_id(integration: IntegrationId, kind: Kind, id: &str, with_groups: bool) -> Query<'_, ResourceRow> {
    BY_ID.query(kind, with_groups, binds![id, integration.0])
}

/// The resource of a row number that a page found.
pub(crate) fn by_seq(kind: Kind, seq: i64, with_groups: bool) -> Query<'static, ResourceRow> {
    BY_SEQ.query(kind, with_groups, binds![seq])
}

/// The resources that one equality finds, in the order of their rows, at most `limit`.
pub(crate) fn by_point(
    integration: IntegrationId,
    kind: Kind,
    point: Point<'_>,
    with_groups: bool,
    limit: u64,
) -> Query<'_, ResourceRow> {
    let (statements, key) = match point {
        Point::ExternalId(id) => (BY_EXTERNAL_ID, id),
        Point::Id(id) => return by_id(integration, kind, id, with_groups),
        Point::Name(key) => (BY_NAME, key),
    };
    statements.query(kind, with_groups, binds![key, integration.0, signed(limit)])
}

/// The rows of a walk in one statement. `walk` gives their `seq` and their sort key `k`, by which `order` puts them.
/// PostgreSQL alone: there a statement less is a round trip less.
pub(crate) fn walked(
    kind: Kind,
    with_groups: bool,
    walk: &str,
    order: &str,
    params: Vec<Param<'static>>,
) -> Query<'static, (ResourceRow, Value)> {
    let (columns, person, row): (_, _, Decode<_>) = match (kind, with_groups) {
        (Kind::Group, _) => (columns!(postgres group), "", |row| Ok((group_row(row)?, row.value(12)?))),
        (Kind::User, false) => (columns!(postgres user), PERSON, |row| Ok((user_row(row)?, row.value(18)?))),
        (Kind::User, true) => (columns!(postgres user_with_groups), PERSON, |row| Ok((user_row(row)?, row.value(18)?))),
    };
    let text =
        format!("SELECT {columns}, w.k FROM ({walk}) w JOIN resource r ON r.seq = w.seq{person} ORDER BY {order}");
    Query::built(text, params, row)
}

const PERSON: &str = " LEFT JOIN person p ON p.seq = r.person";

fn user_row(row: &dyn Fields) -> Result<ResourceRow, Error> {
    let mut user = resource_row(row, Kind::User)?;
    user.person = person(row, user.seq)?;
    user.groups = groups(row)?;
    Ok(user)
}

fn group_row(row: &dyn Fields) -> Result<ResourceRow, Error> {
    let mut group = resource_row(row, Kind::Group)?;
    group.document_version = row.int(11)?;
    Ok(group)
}

fn resource_row(row: &dyn Fields, kind: Kind) -> Result<ResourceRow, Error> {
    let version = row.int(8)?;
    Ok(ResourceRow {
        seq: row.int(0)?,
        id: row.string(1)?,
        kind,
        integration: IntegrationId(row.int(2)?),
        doc: row.string(3)?,
        name_unique: row.maybe_string(4)?,
        display: row.string(5)?,
        active: row.flag(6)?,
        manager: row.maybe_string(7)?,
        version,
        document_version: version,
        created: Millis(row.int(9)?),
        modified: Millis(row.int(10)?),
        person: None,
        groups: Vec::new(),
    })
}

fn person(row: &dyn Fields, user: i64) -> Result<Option<PersonRef>, Error> {
    let Some(seq) = row.maybe_int(11)? else {
        return Ok(None);
    };
    let authority = row.maybe_int(15)? == Some(user);
    let (state, epoch, admin) = (persons::state(row, 13)?, row.int(14)?, row.flag(16)?);
    Ok(Some(PersonRef { seq, id: row.string(12)?, state, epoch, authority, admin }))
}

/// A group as the statement tells it: id, displayName, and whether it is direct where both kinds can occur.
#[derive(serde::Deserialize)]
struct ToldGroup(String, String, #[serde(default = "direct")] u8);

fn direct() -> u8 {
    1
}

fn groups(row: &dyn Fields) -> Result<Vec<GroupRef>, Error> {
    let told = match row.maybe_text(17)? {
        None | Some("[]") => return Ok(Vec::new()),
        Some(told) => told,
    };
    let told: Vec<ToldGroup> = serde_json::from_str(told)
        .map_err(|error| Error::Broken(format!("the groups of a user do not parse: {error}")))?;
    Ok(told.into_iter().map(|ToldGroup(id, display, direct)| GroupRef { id, display, direct: direct != 0 }).collect())
}

fn member_row(row: &dyn Fields) -> Result<MemberRef, Error> {
    let kind = if row.int(2)? == Kind::User as i64 { Kind::User } else { Kind::Group };
    Ok(MemberRef { seq: row.int(0)?, id: row.string(1)?, kind, display: row.string(3)? })
}

const MEMBER_REFS: Sql = Sql::each(
    // The plus keeps the planner from an index that leads to everything of the integration.
    "SELECT seq, id, kind, display FROM resource WHERE id IN (SELECT value FROM json_each(?1)) AND +integration = ?2",
    "SELECT seq, id, kind, display FROM resource WHERE id = ANY(?1) AND +integration = ?2",
);

/// What these ids stand for within an integration, in any order; see [`in_order`].
pub(crate) fn member_refs(integration: IntegrationId, ids: &[String]) -> Query<'_, MemberRef> {
    Query::new(MEMBER_REFS, binds![ids, integration.0], member_row)
}

/// What was found for each of the ids.
pub(crate) fn in_order(ids: &[String], found: Vec<MemberRef>) -> Vec<Option<MemberRef>> {
    let found: HashMap<String, MemberRef> = found.into_iter().map(|member| (member.id.clone(), member)).collect();
    ids.iter().map(|id| found.get(id).cloned()).collect()
}

const MEMBERS: Sql = Sql::each(
    "SELECT x.seq, x.id, x.kind, x.display FROM membership m CROSS JOIN resource x ON x.seq = m.member \
     WHERE m.grp = ?1 AND m.member > ?2 ORDER BY m.member LIMIT ?3",
    "SELECT x.seq, x.id, x.kind, x.display FROM membership m JOIN resource x ON x.seq = m.member \
     WHERE m.grp = ?1 AND m.member > ?2 ORDER BY m.member LIMIT ?3",
);

/// Members of a group in the order of their rows, behind the row `after`.
pub(crate) fn members(group: i64, after: Option<i64>, limit: u64) -> Query<'static, MemberRef> {
    Query::new(MEMBERS, binds![group, after.unwrap_or(i64::MIN), signed(limit)], member_row)
}

const MEMBERS_UP_TO: Sql =
    Sql::same("SELECT count(*) FROM (SELECT 1 FROM membership WHERE grp = ?1 LIMIT ?2) AS counted");

/// How many members a group has; counting stops at `limit`.
pub(crate) fn members_up_to(group: i64, limit: u64) -> Query<'static, u64> {
    Query::new(MEMBERS_UP_TO, binds![group, signed(limit)], |row| row.count(0))
}

/// A number of rows as the engines take it.
pub(crate) fn signed(count: u64) -> i64 {
    i64::try_from(count).unwrap_or(i64::MAX)
}
