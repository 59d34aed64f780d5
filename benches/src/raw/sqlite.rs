//! The limit of the store: grouped SQLite commits of the same rows, written by nothing but SQLite. Same schema, same
//! pragmas, same statements' worth of rows and indexes, one thread, `BATCH` changes a commit.

use crate::rows::{self, Create};
use crate::seed;
use rusqlite::{Connection, params};
use std::path::Path;
use std::time::{Duration, Instant};

/// Changes in one commit: what 64 clients can have waiting at once.
const BATCH: usize = 64;

const SCHEMA: &[&str] = &[
    include_str!("../../../migrations/sqlite/0001_base.sql"),
    include_str!("../../../migrations/sqlite/0002_search.sql"),
];

/// Rates of the bare store, in changes a second.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Raw {
    pub(crate) creates: f64,
    pub(crate) patches: f64,
    pub(crate) members: f64,
}

/// Measures bare creates, `active` changes and member additions, each for that long.
pub(crate) fn measure(folder: &Path, span: Duration) -> Result<Raw, String> {
    let file = folder.join("raw.db");
    let _ = std::fs::remove_file(&file);
    let open = || -> rusqlite::Result<Connection> {
        let connection = Connection::open(&file)?;
        connection.execute_batch("PRAGMA journal_mode=WAL; PRAGMA synchronous=FULL; PRAGMA temp_store=MEMORY;")?;
        connection.set_prepared_statement_cache_capacity(64);
        for schema in SCHEMA {
            connection.execute_batch(schema)?;
        }
        connection
            .execute_batch("INSERT INTO integration (name, preset, quirks, created) VALUES ('bench', 'entra', 0, 0)")?;
        Ok(connection)
    };
    let mut raw = open().map(|connection| Bare { connection, seq: 0, users: 0 }).map_err(|error| error.to_string())?;
    let creates = raw.timed(span, Bare::create)?;
    let patches = raw.timed(span, Bare::switch)?;
    let members = raw.timed(span, Bare::member)?;
    Ok(Raw { creates, patches, members })
}

struct Bare {
    connection: Connection,
    seq: i64,
    users: i64,
}

impl Bare {
    fn timed(&mut self, span: Duration, change: fn(&mut Self, i64) -> rusqlite::Result<()>) -> Result<f64, String> {
        let begin = Instant::now();
        let mut done: i64 = 0;
        let mut run = || -> rusqlite::Result<()> {
            while begin.elapsed() < span {
                self.connection.execute_batch("BEGIN IMMEDIATE")?;
                self.seq = self.connection.query_row("SELECT value FROM sequence", [], |row| row.get(0))?;
                for _ in 0..BATCH {
                    change(self, done)?;
                    done += 1;
                }
                self.connection.execute("UPDATE sequence SET value = ?1, at = ?1", [self.seq])?;
                self.connection.execute_batch("COMMIT")?;
            }
            Ok(())
        };
        run().map_err(|error| error.to_string())?;
        Ok(done as f64 / begin.elapsed().as_secs_f64())
    }

    fn next(&mut self) -> i64 {
        self.seq += 1;
        self.seq
    }

    fn create(&mut self, number: i64) -> rusqlite::Result<()> {
        let row = Create::new(number as usize, self.seq);
        // The event draws its own number.
        self.seq = row.resource;
        self.connection
            .prepare_cached(
                "INSERT INTO person (seq, id, state, display, email, email_key, user_name, user_name_key, authority,
                 local, admin, epoch, created, modified) VALUES (?1, ?2, 1, ?3, ?4, ?4, ?4, ?4, ?5, 0, 0, 1, 0, 0)",
            )?
            .execute(params![row.person, row.person_id, row.display, row.name, row.resource])?;
        self.connection
            .prepare_cached(
                "INSERT INTO resource (seq, id, integration, kind, name_unique, name_match, display, external_id, active,
                 person, doc, keys, version, created, modified)
                 VALUES (?1, ?2, 1, 1, ?3, ?3, ?4, ?5, 1, ?6, jsonb(?7), jsonb(?8), ?9, 0, 0)",
            )?
            .execute(params![
                row.resource,
                row.id,
                row.name,
                row.display,
                row.external_id,
                row.person,
                row.doc,
                row.keys,
                row.event
            ])?;
        self.connection
            .prepare_cached("INSERT INTO email (key, resource) VALUES (?1, ?2)")?
            .execute(params![row.name, row.resource])?;
        self.connection.prepare_cached("UPDATE integration SET users = users + 1 WHERE id = 1")?.execute([])?;
        self.users = row.resource;
        self.event("prov:create:full", &row.id, &row.payload)
    }

    fn switch(&mut self, number: i64) -> rusqlite::Result<()> {
        let user = seed::user(number as usize);
        let id = rows::id(number as usize);
        let version = self.next();
        self.connection
            .prepare_cached(
                "UPDATE resource SET doc = jsonb(?2), keys = jsonb(?3), active = 0, version = ?4, modified = ?4 WHERE id = ?1",
            )?
            .execute(params![id, user.to_string(), rows::keys(&user), version])?;
        self.connection
            .prepare_cached(
                "UPDATE person SET state = 2, epoch = epoch + 1, modified = ?2
                 WHERE seq = (SELECT person FROM resource WHERE id = ?1)",
            )?
            .execute(params![id, version])?;
        self.event("prov:deactivate", &id, &rows::switched(&id, &user))
    }

    fn member(&mut self, number: i64) -> rusqlite::Result<()> {
        let version = self.next();
        let member = number % self.users.max(1);
        self.connection
            .prepare_cached("INSERT OR IGNORE INTO membership (grp, member) VALUES (?1, ?2)")?
            .execute(params![i64::MAX - number / self.users.max(1), member])?;
        self.connection
            .prepare_cached("INSERT INTO member_change (grp, seq, at) VALUES (1, ?1, 0)")?
            .execute([version])?;
        self.connection.prepare_cached("UPDATE person SET epoch = epoch + 1 WHERE seq = ?1")?.execute([member])?;
        self.event("prov:patch:full", "g", &rows::joined(&rows::id(number as usize)))
    }

    fn event(&mut self, kind: &str, resource: &str, payload: &str) -> rusqlite::Result<()> {
        let seq = self.next();
        self.connection
            .prepare_cached(
                "INSERT INTO event (seq, at, kind, integration, request, resource, person, actor, method, status,
                 duration_us, digest) VALUES (?1, 0, ?2, 1, ?3, ?4, ?4, 'tok_0', 'POST', 201, 100, zeroblob(32))",
            )?
            .execute(params![seq, kind, rows::request(seq), resource])?;
        self.connection
            .prepare_cached("INSERT INTO event_payload (seq, salt, body) VALUES (?1, zeroblob(16), ?2)")?
            .execute(params![seq, payload])?;
        self.connection
            .prepare_cached(
                "INSERT INTO integration_seen (integration, last_call, last_success) VALUES (1, ?1, ?1)
                 ON CONFLICT (integration) DO UPDATE SET last_call = ?1, last_success = ?1",
            )?
            .execute([seq])?;
        Ok(())
    }
}
