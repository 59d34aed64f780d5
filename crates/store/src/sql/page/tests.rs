//! Which indexes pages use. Without statistics the planner decides by the schema alone, so an empty store tells.

use bailiwick_domain::ids::{IntegrationId, Kind};
use bailiwick_scim::filter::{self, Unknown};
use bailiwick_scim::quirks::{Quirks, Repairs};
use bailiwick_scim::schema::Registry;
use bailiwick_scim::sort;
use rusqlite::Connection;

use super::{Walk, order, scope};
use crate::query::{From, PageQuery, Position};
use crate::sql::Dialect;
use crate::sql::filter::Compiler;
use crate::sqlite::functions::register;

fn connection() -> Connection {
    let connection = Connection::open_in_memory().unwrap();
    connection.execute_batch(include_str!("../../../../../migrations/sqlite/0001_base.sql")).unwrap();
    connection.execute_batch(include_str!("../../../../../migrations/sqlite/0002_search.sql")).unwrap();
    register(&connection).unwrap();
    connection
}

fn query(kind: Kind, filter: &str, sort_by: &str, from: From) -> PageQuery {
    let registry = Registry::standard();
    let resource_type = match kind {
        Kind::Group => registry.group(),
        Kind::User => registry.user(),
    };
    let (quirks, mut repairs) = (Quirks::none(), Repairs::default());
    let filter = (!filter.is_empty()).then(|| {
        let parsed = filter::parse(filter, quirks, &mut repairs).unwrap();
        filter::resolve(&registry, resource_type, &parsed, Unknown::Refuse, quirks, &mut repairs).unwrap()
    });
    let (sort_by, descending) = match sort_by.strip_prefix('-') {
        Some(sort_by) => (sort_by, true),
        None => (sort_by, false),
    };
    let sort = (!sort_by.is_empty()).then(|| sort::resolve(&registry, resource_type, sort_by, descending).unwrap());
    PageQuery {
        integration: IntegrationId(1),
        kind,
        filter,
        sort,
        from,
        count: 10,
        with_groups: false,
        total: false,
        base: String::new(),
        etag_key: [0; 32],
    }
}

/// How the planner goes about the first stretch of a page.
fn plan(query: &PageQuery) -> String {
    let mut compiler = Compiler::new(scope(query, Dialect::Sqlite, false));
    let sql = Walk::compile(query, &order::stretches(query)[0], 10, &mut compiler).unwrap().text;
    let connection = connection();
    let mut statement = connection.prepare(&format!("EXPLAIN QUERY PLAN {sql}")).unwrap();
    let params = compiler.into_params();
    for (index, param) in params.iter().take(statement.parameter_count()).enumerate() {
        statement.raw_bind_parameter(index + 1, param).unwrap();
    }
    let mut rows = statement.raw_query();
    let mut lines = Vec::new();
    while let Some(row) = rows.next().unwrap() {
        lines.push(row.get::<_, String>(3).unwrap());
    }
    lines.join("; ")
}

fn check(kind: Kind, filter: &str, sort_by: &str, from: From, expect: &str) {
    let plan = plan(&query(kind, filter, sort_by, from));
    assert!(plan.contains(expect), "{filter:?} sorted by {sort_by:?}: {plan}");
    assert!(sort_by.is_empty() || sort_by.starts_with('-') || !plan.contains("TEMP B-TREE"), "{sort_by:?}: {plan}");
}

const START: From = From::Offset(0);

fn after(key: &str) -> From {
    From::After(Position { seq: 5, key: key.into() })
}

#[test]
fn equalities_are_answered_by_an_index() {
    let user = |filter, expect| check(Kind::User, filter, "", START, expect);
    user("userName eq \"a\" and active eq true", "resource_match (integration=? AND kind=? AND name_match=?)");
    user("userName sw \"a\"", "resource_match (integration=? AND kind=? AND name_match>? AND name_match<?)");
    user("id eq \"a\" and active eq true", "sqlite_autoindex_resource_1 (id=?)");
    user("externalId eq \"a\" and active eq true", "(integration=? AND kind=? AND external_id=?)");
    user("displayName eq \"a\"", "resource_display_name (integration=? AND kind=? AND <expr>=?)");
    user("displayName sw \"a\"", "resource_display_name (integration=? AND kind=? AND <expr>>? AND <expr><?)");
    let number = "urn:ietf:params:scim:schemas:extension:enterprise:2.0:User:employeeNumber eq \"1\"";
    user(number, "resource_employee_number (integration=? AND kind=? AND <expr>=?)");
    let manager = "urn:ietf:params:scim:schemas:extension:enterprise:2.0:User:manager.value eq \"1\"";
    user(manager, "(integration=? AND kind=? AND manager=?)");
    user("emails.value eq \"a@x\"", "r USING INTEGER PRIMARY KEY (rowid=?)");
    user("emails[type eq \"work\" and value eq \"a@x\"]", "r USING INTEGER PRIMARY KEY (rowid=?)");
    user("emails.value eq \"a@x\"", "email_dotted");
    user("groups.value eq \"a\"", "r USING INTEGER PRIMARY KEY (rowid=?)");
    user(
        "meta.lastModified gt \"2026-01-01T00:00:00Z\"",
        "resource_modified (integration=? AND kind=? AND modified>?)",
    );
    let group = |filter, expect| check(Kind::Group, filter, "", START, expect);
    group("displayName eq \"a\" and id pr", "resource_match (integration=? AND kind=? AND name_match=?)");
    group("members eq \"a\"", "r USING INTEGER PRIMARY KEY (rowid=?)");
    group("externalId eq \"a\" and id pr", "(integration=? AND kind=? AND external_id=?)");
}

#[test]
fn pages_go_on_where_an_index_says() {
    let user = |sort_by, from, expect| check(Kind::User, "", sort_by, from, expect);
    user("", START, "resource_page (integration=? AND kind=?)");
    user("", after(""), "resource_page (integration=? AND kind=? AND rowid>?)");
    user("userName", START, "resource_match (integration=? AND kind=?)");
    user("userName", after("a"), "resource_match (integration=? AND kind=? AND name_match>?)");
    user("-userName", after("a"), "resource_match (integration=? AND kind=? AND name_match<?)");
    user("displayName", START, "resource_display_name (integration=? AND kind=?)");
    user("displayName", after("a"), "resource_display_name (integration=? AND kind=? AND <expr>>?)");
    user("meta.lastModified", START, "resource_modified (integration=? AND kind=?)");
}
