//! The limit of the database: the same rows, written through connections of the same driver by nothing but their
//! inserts, and the same look-up through one connection. Same schema, same documents, keys and payloads; the sequence,
//! the counters and every check are left out.

use crate::cluster::{Cluster, connect, told};
use crate::rows::{Create, NUMBERS};
use crate::seed;
use futures_util::future::{try_join_all, try_join3, try_join5};
use std::sync::Arc;
use std::sync::atomic::{AtomicI64, AtomicU64, Ordering};
use std::time::{Duration, Instant};
use tokio_postgres::types::ToSql;
use tokio_postgres::{Client, Error, Statement};

/// Connections of the bare inserts, and tasks of the bare look-up.
pub(crate) const CONNECTIONS: usize = 16;

const DATABASE: &str = "bailiwick_bench_raw";

const SCHEMA: &[&str] = &[
    include_str!("../../../migrations/postgres/0001_base.sql"),
    include_str!("../../../migrations/postgres/0002_search.sql"),
];

pub(crate) const DIGEST: &[u8] = &[0; 32];
pub(crate) const SALT: &[u8] = &[0; 16];

/// The five inserts of a create. `$open` and `$close` stand around the values, so that they come as parameters or as the
/// columns of a list of rows.
macro_rules! person {
    ($open:literal, $close:literal, $seq:literal, $id:literal, $display:literal, $name:literal, $user:literal, $at:literal) => {
        concat!(
            "INSERT INTO person (seq, id, state, display, email, email_key, user_name, user_name_key, authority, epoch,
               created, modified) ",
            $open,
            $seq,
            ", ",
            $id,
            ", 1, ",
            $display,
            ", ",
            $name,
            ", ",
            $name,
            ", ",
            $name,
            ", ",
            $name,
            ", ",
            $user,
            ", 1, ",
            $at,
            ", ",
            $at,
            $close
        )
    };
}
macro_rules! resource {
    ($open:literal, $close:literal, $seq:literal, $id:literal, $name:literal, $display:literal, $external:literal,
     $person:literal, $doc:literal, $keys:literal, $version:literal, $at:literal) => {
        concat!(
            "INSERT INTO resource (seq, id, integration, kind, name_unique, name_match, display, external_id, active,
               person, doc, keys, version, created, modified) ",
            $open,
            $seq,
            ", ",
            $id,
            ", 1, 1, ",
            $name,
            ", ",
            $name,
            ", ",
            $display,
            ", ",
            $external,
            ", true, ",
            $person,
            ", CAST(CAST(",
            $doc,
            " AS text) AS jsonb), CAST(CAST(",
            $keys,
            " AS text) AS jsonb), ",
            $version,
            ", ",
            $at,
            ", ",
            $at,
            $close
        )
    };
}
macro_rules! email {
    ($open:literal, $close:literal, $name:literal, $user:literal) => {
        concat!("INSERT INTO email (key, resource) ", $open, $name, ", ", $user, $close)
    };
}
macro_rules! event {
    ($open:literal, $close:literal, $seq:literal, $at:literal, $request:literal, $id:literal, $person:literal,
     $digest:literal) => {
        concat!(
            "INSERT INTO event (seq, at, kind, integration, request, resource, person, actor, method, status,
               duration_us, digest) ",
            $open,
            $seq,
            ", ",
            $at,
            ", 'prov:create:full', 1, ",
            $request,
            ", ",
            $id,
            ", ",
            $person,
            ", 'tok_8dda9a2bc665893d288b3ecb', 'POST', 201, 464, ",
            $digest,
            $close
        )
    };
}
macro_rules! payload {
    ($open:literal, $close:literal, $seq:literal, $salt:literal, $body:literal) => {
        concat!("INSERT INTO event_payload (seq, salt, body) ", $open, $seq, ", ", $salt, ", ", $body, $close)
    };
}

/// All rows of one create in one statement.
const WHOLE: &str = concat!(
    "WITH p AS (",
    person!("VALUES (", ")", "$1", "$2", "$3", "$4", "$5", "$6"),
    "), r AS (",
    resource!("VALUES (", ")", "$5", "$7", "$4", "$3", "$8", "$1", "$9", "$10", "$11", "$6"),
    "), m AS (",
    email!("VALUES (", ")", "$4", "$5"),
    "), e AS (",
    event!("VALUES (", ")", "$11", "$6", "$12", "$7", "$2", "$13"),
    ") ",
    payload!("VALUES (", ")", "$11", "$14", "$15"),
);

/// All rows of many creates in one statement.
pub(crate) const MANY: &str = concat!(
    "WITH n AS MATERIALIZED (SELECT * FROM unnest(CAST($1 AS bigint[]), CAST($2 AS text[]), CAST($3 AS text[]),
       CAST($4 AS text[]), CAST($5 AS bigint[]), CAST($6 AS text[]), CAST($7 AS text[]), CAST($8 AS text[]),
       CAST($9 AS text[]), CAST($10 AS bigint[]), CAST($11 AS text[]), CAST($12 AS text[]))
     AS n (person, person_id, display, name, resource, id, external_id, doc, keys, event, request, payload)), p AS (",
    person!("SELECT ", " FROM n", "person", "person_id", "display", "name", "resource", "CAST($13 AS bigint)"),
    "), r AS (",
    resource!(
        "SELECT ",
        " FROM n",
        "resource",
        "id",
        "name",
        "display",
        "external_id",
        "person",
        "doc",
        "keys",
        "event",
        "CAST($13 AS bigint)"
    ),
    "), m AS (",
    email!("SELECT ", " FROM n", "name", "resource"),
    "), e AS (",
    event!("SELECT ", " FROM n", "event", "CAST($13 AS bigint)", "request", "id", "person_id", "CAST($14 AS bytea)"),
    ") ",
    payload!("SELECT ", " FROM n", "event", "CAST($15 AS bytea)", "payload"),
);

/// The statement by which the store answers `userName eq`, as [`same_look_up`] checks.
const LOOK_UP: &str = "SELECT r.seq, r.id, r.integration, r.doc::text, r.name_unique, r.display, r.active, r.manager, \
    r.version, r.created, r.modified, p.seq, p.id, p.state, p.epoch, p.authority, p.admin, \
    CASE (SELECT i.nested FROM integration i WHERE i.id = r.integration) WHEN 0 THEN \
    (SELECT json_agg(json_build_array(g.id, g.display) ORDER BY g.seq)::text \
    FROM membership m JOIN resource g ON g.seq = m.grp WHERE m.member = r.seq) ELSE \
    (WITH RECURSIVE above(grp, direct) AS (SELECT grp, 1 FROM membership WHERE member = r.seq \
    UNION SELECT m.grp, 0 FROM above JOIN membership m ON m.member = above.grp) \
    SELECT json_agg(json_build_array(g.id, g.display, a.direct) ORDER BY g.seq)::text \
    FROM (SELECT grp, max(direct) AS direct FROM above GROUP BY grp) a JOIN resource g ON g.seq = a.grp) END \
    FROM resource r LEFT JOIN person p ON p.seq = r.person WHERE r.kind = 1 AND r.name_match = $1 AND r.integration = $2 \
    ORDER BY r.seq LIMIT $3";

/// How the rows of one create are sent.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Form {
    /// BEGIN, five inserts and COMMIT, all sent before the first answer is read.
    Pipelined,
    /// One statement that is its own transaction.
    Whole,
}

/// The inserts of a create, prepared on one connection.
pub(crate) struct Inserts {
    person: Statement,
    resource: Statement,
    email: Statement,
    event: Statement,
    payload: Statement,
    whole: Statement,
}

impl Inserts {
    pub(crate) async fn prepare(client: &Client) -> Result<Self, Error> {
        Ok(Self {
            person: client.prepare(person!("VALUES (", ")", "$1", "$2", "$3", "$4", "$5", "$6")).await?,
            resource: client
                .prepare(resource!("VALUES (", ")", "$1", "$2", "$3", "$4", "$5", "$6", "$7", "$8", "$9", "$10"))
                .await?,
            email: client.prepare(email!("VALUES (", ")", "$1", "$2")).await?,
            event: client.prepare(event!("VALUES (", ")", "$1", "$2", "$3", "$4", "$5", "$6")).await?,
            payload: client.prepare(payload!("VALUES (", ")", "$1", "$2", "$3")).await?,
            whole: client.prepare(WHOLE).await?,
        })
    }

    /// Sends the five inserts at once.
    pub(crate) async fn rows(&self, client: &Client, row: &Create, at: i64) -> Result<(), Error> {
        let person: [&(dyn ToSql + Sync); 6] =
            [&row.person, &row.person_id, &row.display, &row.name, &row.resource, &at];
        let resource: [&(dyn ToSql + Sync); 10] = [
            &row.resource,
            &row.id,
            &row.name,
            &row.display,
            &row.external_id,
            &row.person,
            &row.doc,
            &row.keys,
            &row.event,
            &at,
        ];
        let event: [&(dyn ToSql + Sync); 6] = [&row.event, &at, &row.request, &row.id, &row.person_id, &DIGEST];
        try_join5(
            client.execute(&self.person, &person),
            client.execute(&self.resource, &resource),
            client.execute(&self.email, &[&row.name, &row.resource]),
            client.execute(&self.event, &event),
            client.execute(&self.payload, &[&row.event, &SALT, &row.payload]),
        )
        .await
        .map(|_| ())
    }

    async fn create(&self, client: &Client, row: &Create, form: Form) -> Result<(), Error> {
        let at = 0_i64;
        if form == Form::Pipelined {
            // The driver sends in the order in which the futures are asked first.
            let rows = self.rows(client, row, at);
            return try_join3(client.batch_execute("BEGIN"), rows, client.batch_execute("COMMIT")).await.map(|_| ());
        }
        let all: [&(dyn ToSql + Sync); 15] = [
            &row.person,
            &row.person_id,
            &row.display,
            &row.name,
            &row.resource,
            &at,
            &row.id,
            &row.external_id,
            &row.doc,
            &row.keys,
            &row.event,
            &row.request,
            &DIGEST,
            &SALT,
            &row.payload,
        ];
        client.execute(&self.whole, &all).await.map(|_| ())
    }
}

/// A database with the schema of the store and nothing else.
#[derive(Debug)]
pub(crate) struct Bare {
    pub(crate) url: String,
    /// The next user.
    next: AtomicI64,
}

impl Bare {
    pub(crate) async fn new(cluster: &Cluster) -> Result<Self, String> {
        let url = cluster.database(DATABASE).await?;
        let client = connect(&url).await?;
        let integration = "INSERT INTO integration (name, preset, quirks, created) VALUES ('bench', 'entra', 0, 0)";
        // Those who draw their numbers from the sequence stay clear of those who count by themselves.
        let sequence = "UPDATE sequence SET value = 1::bigint << 40 WHERE name = 'change'";
        for sql in SCHEMA.iter().chain(&[integration, sequence]) {
            client.batch_execute(sql).await.map_err(|error| format!("schema: {}", told(&error)))?;
        }
        Ok(Self { url, next: AtomicI64::new(0) })
    }

    pub(crate) async fn end(self, cluster: &Cluster) -> Result<(), String> {
        cluster.drop_database(DATABASE).await
    }

    /// The rows of the next create.
    pub(crate) fn draw(&self) -> Create {
        let number = self.next.fetch_add(1, Ordering::Relaxed);
        Create::new(usize::try_from(number).unwrap_or_default(), number * NUMBERS)
    }

    /// Bare creates a second, one transaction each.
    pub(crate) async fn creates(self: &Arc<Self>, form: Form, span: Duration) -> Result<f64, String> {
        let mut clients = Vec::new();
        for _ in 0..CONNECTIONS {
            let client = connect(&self.url).await?;
            let inserts = Inserts::prepare(&client).await.map_err(|error| told(&error))?;
            clients.push((client, inserts));
        }
        let begin = Instant::now();
        let tasks = clients.into_iter().map(|(client, inserts)| {
            let bare = self.clone();
            tokio::spawn(async move {
                let mut done = 0_u64;
                while begin.elapsed() < span {
                    inserts.create(&client, &bare.draw(), form).await.map_err(|error| told(&error))?;
                    done += 1;
                }
                Ok::<_, String>(done)
            })
        });
        let mut done = 0;
        for task in try_join_all(tasks).await.map_err(|error| error.to_string())? {
            done += task?;
        }
        Ok(done as f64 / begin.elapsed().as_secs_f64())
    }
}

/// Bare look-ups a second by userName: one connection, used by several tasks at once.
pub(crate) async fn look_ups(url: &str, users: usize, span: Duration) -> Result<f64, String> {
    let client = Arc::new(connect(url).await?);
    let statement = client.prepare(LOOK_UP).await.map_err(|error| format!("look-up: {}", told(&error)))?;
    let (next, done) = (Arc::new(AtomicU64::new(0)), Arc::new(AtomicU64::new(0)));
    let begin = Instant::now();
    let tasks = (0..CONNECTIONS).map(|_| {
        let (client, statement, next, done) = (client.clone(), statement.clone(), next.clone(), done.clone());
        tokio::spawn(async move {
            while begin.elapsed() < span {
                let number = next.fetch_add(1, Ordering::Relaxed) as usize;
                let name = seed::user_name(number.wrapping_mul(7_919) % users.max(1));
                let rows = client.query(&statement, &[&name, &1_i64, &33_i64]).await.map_err(|error| told(&error))?;
                if !rows.first().is_some_and(|row| row.get::<_, &str>(3).contains(&name)) {
                    return Err(format!("the bare look-up does not find {name}"));
                }
                done.fetch_add(1, Ordering::Relaxed);
            }
            Ok(())
        })
    });
    for task in try_join_all(tasks).await.map_err(|error| error.to_string())? {
        task?;
    }
    Ok(done.load(Ordering::Relaxed) as f64 / begin.elapsed().as_secs_f64())
}

/// Fails when the store keeps another document or other keys for a user than the yardstick.
pub(crate) async fn same_document(url: &str, number: usize) -> Result<(), String> {
    let row = Create::new(number, 0);
    let sql = "SELECT r.doc::text, r.keys::text, r.doc = CAST(CAST($2 AS text) AS jsonb)
                 AND r.keys = CAST(CAST($3 AS text) AS jsonb)
               FROM resource r WHERE r.name_match = $1";
    same(url, sql, &[&row.name, &row.doc, &row.keys]).await
}

/// Fails when the store writes another payload for a user than the yardstick, or one of another length.
pub(crate) async fn same_payload(url: &str, number: usize) -> Result<(), String> {
    let row = Create::new(number, 0);
    let sql = "SELECT p.body, r.id, length(p.body) = length(CAST($2 AS text))
               FROM resource r JOIN event_payload p ON p.seq = r.version WHERE r.name_match = $1";
    same(url, sql, &[&row.name, &row.payload]).await
}

async fn same(url: &str, sql: &str, wanted: &[&(dyn ToSql + Sync)]) -> Result<(), String> {
    let client = connect(url).await?;
    let row = client.query_one(sql, wanted).await.map_err(|error| format!("a row of the store: {}", told(&error)))?;
    let (first, second): (&str, &str) = (row.get(0), row.get(1));
    if row.get(2) { Ok(()) } else { Err(format!("{first} {second} is what the store wrote in place of {wanted:?}")) }
}

/// Fails when the store has not just looked users up by the statement that is measured bare.
pub(crate) async fn same_look_up(url: &str) -> Result<(), String> {
    let words = |text: &str| text.split_whitespace().collect::<Vec<_>>().join(" ");
    let client = connect(url).await?;
    let sql = "SELECT query FROM pg_stat_activity
               WHERE datname = current_database() AND pid <> pg_backend_pid() AND query LIKE '%FROM resource%'";
    let rows = client.query(sql, &[]).await.map_err(|error| told(&error))?;
    let seen: Vec<String> = rows.iter().map(|row| words(row.get(0))).collect();
    // The server shows the first 1,023 bytes of a statement.
    if seen.iter().any(|query| query.len() > 100 && words(LOOK_UP).starts_with(query.as_str())) {
        return Ok(());
    }
    Err(format!("the store looks up by another statement than the yardstick: {}", seen.join("\n")))
}

#[cfg(test)]
mod tests {
    use super::super::commits;
    use super::*;
    use crate::cluster::Source;

    #[tokio::test]
    #[ignore = "needs PostgreSQL: cargo xtask test"]
    async fn every_yardstick_writes() {
        let url = std::env::var("BAILIWICK_TEST_POSTGRES").expect("BAILIWICK_TEST_POSTGRES");
        let cluster = Cluster::start(&Source::Url(url)).await.expect("cluster");
        let bare = Arc::new(Bare::new(&cluster).await.expect("schema"));
        let span = Duration::from_millis(300);
        for form in [Form::Pipelined, Form::Whole] {
            assert!(bare.creates(form, span).await.expect("creates") > 1.0);
        }
        assert!(commits::one_each(&bare, span).await.expect("one each") > 1.0);
        assert!(commits::batches(&bare, span).await.expect("batches") > 1.0);
        let client = connect(&bare.url).await.expect("connect");
        let drawn = bare.next.load(Ordering::Relaxed);
        for table in ["person", "resource", "email", "event", "event_payload"] {
            let count = client.query_one(&format!("SELECT count(*) FROM {table}"), &[]).await.expect("count");
            assert_eq!(count.get::<_, i64>(0), drawn, "{table}");
        }
        crate::filler::users(&bare.url, usize::try_from(drawn).expect("count"), 20_000).await.expect("fill");
        let users = crate::filler::ids(&bare.url).await.expect("ids").len();
        assert_eq!(users, 20_000);
        assert!(look_ups(&bare.url, users, span).await.expect("look-ups") > 1.0);
    }
}
