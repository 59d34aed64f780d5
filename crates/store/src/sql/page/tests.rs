//! Which indexes pages use. Without statistics the planner decides by the schema alone, so an empty store tells.

use bailiwick_domain::ids::{IntegrationId, Kind};
use bailiwick_scim::filter::{self, Unknown};
use bailiwick_scim::quirks::{Quirks, Repairs};
use bailiwick_scim::schema::Registry;
use bailiwick_scim::sort;
use rusqlite::Connection;

use super::{Walk, order, scope};
use crate::query::{From, PageQuery, Position};
use crate::sql::filter::Compiler;
use crate::sql::filter::tests::twin::Bench;
use crate::sql::read::resources::walked;
use crate::sql::{Dialect, Text};
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

/// PostgreSQL decides by the size of tables and by statistics, so it is asked with many rows, without and with them.
struct Crowd(Bench);

impl Crowd {
    fn new() -> Self {
        let bench = Bench::new().expect("there is no database for tests");
        let text = "
            ALTER TABLE resource SET (autovacuum_enabled = false);
            ALTER TABLE email SET (autovacuum_enabled = false);
            ALTER TABLE membership SET (autovacuum_enabled = false);
            INSERT INTO resource SELECT n, 'id-' || n, n % 2 + 1, CASE WHEN n % 20 < 2 THEN 2 ELSE 1 END,
                CASE WHEN n % 20 < 2 THEN NULL ELSE 'name' || n END, 'name' || n, 'Name ' || n, 'ext' || n, true, NULL,
                'id-' || n / 10,
                jsonb_build_object('userName', 'Name' || n, 'emails', jsonb_build_array(
                    jsonb_build_object('value', 'n' || n || '@x', 'type', 'work'))),
                jsonb_build_object('userName', 'name' || n, 'displayName', 'shown' || n, 'emails', jsonb_build_array(
                    jsonb_build_object('value', 'n' || n || '@x', 'type', 'work'))),
                n, n, n FROM generate_series(1, 40000) n;
            INSERT INTO email SELECT 'n' || n || '@x', n FROM generate_series(1, 40000) n WHERE n % 20 >= 2;
            INSERT INTO membership SELECT g * 20, (g * 20 + m * 2) % 40000 FROM generate_series(1, 2000) g,
                generate_series(1, 20) m;";
        bench.runtime.block_on(bench.client.batch_execute(text)).unwrap();
        Self(bench)
    }

    fn plan(&self, query: &PageQuery) -> String {
        let mut compiler = Compiler::new(scope(query, Dialect::Postgres, false));
        let walk = Walk::compile(query, &order::stretches(query)[0], 10, &mut compiler).unwrap();
        let params = compiler.into_params();
        let query = walked(query.kind, query.with_groups, &walk.text, &walk.order, params);
        let Text::Built(text) = query.text else { panic!("a walk is put together") };
        let rows = self.0.rows(&format!("EXPLAIN ANALYZE {text}"), &query.params);
        rows.iter().map(|row| row.get::<_, String>(0)).collect::<Vec<_>>().join("\n")
    }

    /// Whether a page comes through this index, and next to no row is looked at in vain.
    fn check(&self, kind: Kind, filter: &str, sort_by: &str, from: From, index: &str) {
        let plan = self.plan(&query(kind, filter, sort_by, from));
        let in_vain = plan.lines().filter_map(|line| line.trim().strip_prefix("Rows Removed by Filter: "));
        let in_vain: u64 = in_vain.map(|count| count.parse::<u64>().unwrap()).sum();
        assert!(plan.contains(index) && in_vain < 50, "{filter:?} sorted by {sort_by:?}: {plan}");
    }

    fn analyze(&self) {
        // By name: the tables of other tests in the same database may be on their way out.
        let text = "ANALYZE resource, person, email, membership";
        self.0.runtime.block_on(self.0.client.batch_execute(text)).unwrap();
    }
}

const ENTERPRISE: &str = "urn:ietf:params:scim:schemas:extension:enterprise:2.0:User";

#[test]
#[ignore = "needs PostgreSQL: cargo xtask test"]
fn postgresql_answers_equalities_by_an_index() {
    let crowd = Crowd::new();
    for _ in 0..2 {
        let user = |filter: &str, index| crowd.check(Kind::User, filter, "", START, index);
        user("userName eq \"name22\" and active eq true", "resource_match");
        user("id eq \"id-22\" and active eq true", "resource_id_key");
        user("externalId eq \"ext22\" and active eq true", "resource_external_id");
        user("displayName eq \"shown22\"", "resource_display_name");
        user(&format!("{ENTERPRISE}:employeeNumber eq \"1\""), "resource_employee_number");
        user(&format!("{ENTERPRISE}:manager.value eq \"id-22\""), "resource_managed");
        user("emails.value eq \"n22@x\"", "email_dotted");
        user("emails[type eq \"work\" and value eq \"n22@x\"]", "email_dotted");
        user("groups.value eq \"id-20\"", "membership_pkey");
        let group = |filter, index| crowd.check(Kind::Group, filter, "", START, index);
        group("displayName eq \"name20\" and id pr", "resource_match");
        group("members eq \"id-22\"", "membership_member");
        group("externalId eq \"a\" and id pr", "resource_external_id");
        crowd.analyze();
    }
}

#[test]
#[ignore = "needs PostgreSQL: cargo xtask test"]
fn postgresql_walks_pages_by_an_index() {
    let crowd = Crowd::new();
    for _ in 0..2 {
        let user = |sort_by, from, index| crowd.check(Kind::User, "", sort_by, from, index);
        user("", START, "resource_page");
        user("", after(""), "resource_page");
        user("userName", START, "resource_match");
        user("userName", after("name3"), "resource_match");
        user("-userName", after("name3"), "resource_match");
        user("displayName", START, "resource_display_name");
        user("displayName", after("shown3"), "resource_display_name");
        user("meta.lastModified", START, "resource_modified");
        crowd.analyze();
    }
    // Ranges need statistics.
    let user = |filter, index| crowd.check(Kind::User, filter, "", START, index);
    user("userName sw \"name22\"", "resource_match");
    user("displayName sw \"shown22\"", "resource_display_name");
    user("meta.lastModified gt \"1970-01-01T00:00:39Z\"", "resource_modified");
}

#[test]
fn members_are_found_by_their_ids() {
    let connection = connection();
    let ids = ["a".to_owned(), "b".to_owned()];
    let Text::Fixed(sql) = crate::sql::read::resources::member_refs(IntegrationId(1), &ids).text else {
        panic!("a statement known at compile time")
    };
    let mut statement = connection.prepare(&format!("EXPLAIN QUERY PLAN {}", sql.sqlite)).unwrap();
    let plan: Vec<String> =
        statement.query_map(["[]", "1"], |row| row.get(3)).unwrap().collect::<Result<_, _>>().unwrap();
    assert!(plan.iter().any(|line| line.contains("sqlite_autoindex_resource_1 (id=?)")), "{plan:?}");
}
