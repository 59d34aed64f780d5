//! Setting a store up in a schema of a database, and bringing it forward. Forward only.
//!
//! Each step is one transaction that begins with an advisory lock, so replicas that start together migrate once: who
//! comes second finds the step taken. Everything looks at the current schema alone, the first of the search path that
//! exists, because that is where tables are made.

use crate::error::Error;
use crate::migration::{self, MIGRATIONS, Migration, Taken};
use crate::postgres::session::Session;
use crate::sql::{Exec as _, Fields, Query, Sql, binds};
use crate::{rekey, ticks};
use bailiwick_scim::text;
use std::time::{Duration, Instant};

/// How long a replica waits for another one that migrates.
const WAIT: Duration = Duration::from_secs(60);
/// Tells the lock of migrations from other advisory locks of the database: "migr".
const LOCK_CLASS: i32 = 0x6d69_6772;

/// Brings the store up to date.
pub(crate) async fn run(session: &Session, now: i64, entropy: &(dyn Fn(&mut [u8]) + Send + Sync)) -> Result<(), Error> {
    let place = Place::read(session).await?;
    let taken = place.check_program(session).await?;
    if !pending(session, taken.as_deref()).await? {
        return Ok(());
    }
    place.check_may_create()?;
    let until = ticks::now() + WAIT;
    for migration in MIGRATIONS {
        apply(session, &place, migration, now, until).await?;
    }
    complete(session, &place, &migration::settings(entropy), until).await?;
    // A newer Bailiwick may have gone on meanwhile.
    place.check_program(session).await.map(drop)
}

/// Where the session works, and as whom.
#[derive(Debug)]
struct Place {
    database: String,
    schema: String,
    role: String,
    may_create: bool,
}

const PLACE: Sql = Sql::same(
    "SELECT current_database()::text, quote_ident(current_schema()), quote_ident(current_user),
       current_setting('server_encoding'), pg_is_in_recovery(), current_setting('transaction_read_only') = 'on',
       coalesce(has_schema_privilege(current_schema(), 'CREATE'), false), current_setting('search_path')",
);

/// Whether the schema holds the table of migrations, and whether it holds any table. What belongs to an extension was
/// made by nobody.
const TABLES: Sql = Sql::same(
    "SELECT count(*) FILTER (WHERE c.relname = 'migration' AND
         (SELECT count(*) FROM pg_attribute a WHERE a.attrelid = c.oid AND NOT a.attisdropped
          AND a.attname IN ('number', 'name', 'checksum', 'oldest', 'applied')) = 5) > 0,
       count(*) > 0
     FROM pg_class c
     WHERE c.relnamespace = current_schema()::regnamespace AND c.relkind IN ('r', 'p', 'f')
       AND NOT EXISTS (SELECT 1 FROM pg_depend d WHERE d.classid = 'pg_class'::regclass AND d.objid = c.oid
         AND d.deptype = 'e')",
);

/// One of our tables that the role may not use, with its owner.
const FORBIDDEN: Sql = Sql::same(
    "SELECT c.relname::text, quote_ident(pg_get_userbyid(c.relowner)) FROM pg_class c
     JOIN pg_class m ON m.relname = 'migration' AND m.relnamespace = c.relnamespace
     WHERE c.relnamespace = current_schema()::regnamespace AND c.relkind = 'r' AND c.relowner = m.relowner
       AND NOT (has_table_privilege(c.oid, 'SELECT') AND has_table_privilege(c.oid, 'INSERT')
         AND has_table_privilege(c.oid, 'UPDATE') AND has_table_privilege(c.oid, 'DELETE'))
     ORDER BY 1 LIMIT 1",
);

/// The first row of a query that always has one.
async fn first<T: Send>(session: &Session, sql: Sql, row: fn(&dyn Fields) -> Result<T, Error>) -> Result<T, Error> {
    let found = session.one(Query::new(sql, binds![], row)).await?;
    found.ok_or_else(|| Error::Unavailable("the database gave no answer".to_owned()))
}

impl Place {
    async fn read(session: &Session) -> Result<Self, Error> {
        let place = first(session, PLACE, |row| {
            let database = row.string(0)?;
            let Some(schema) = row.maybe_string(1)? else {
                return refused(format!(
                    "the database {database} has no schema of the search path ({}) that the role {} may use: \
                     CREATE SCHEMA, or GRANT USAGE ON SCHEMA",
                    row.text(7)?,
                    row.text(2)?
                ));
            };
            if row.text(3)? != "UTF8" {
                let encoding = row.text(3)?;
                return refused(format!("the database {database} has the encoding {encoding}, and UTF8 is needed"));
            }
            if row.flag(4)? {
                return refused(format!("the server of database {database} is a standby: name the primary"));
            }
            let place = Self { database, schema, role: row.string(2)?, may_create: row.flag(6)? };
            match row.flag(5)? {
                true => refused(format!("the database {} is read-only for the role {}", place.database, place.role)),
                false => Ok(place),
            }
        });
        place.await
    }

    /// Refuses a schema with tables of other programs and a store too new for this Bailiwick. Gives the steps that the
    /// store has taken, `None` when there is no store yet.
    async fn check_program(&self, session: &Session) -> Result<Option<Vec<Taken>>, Error> {
        let (ours, any) = first(session, TABLES, |row| Ok((row.flag(0)?, row.flag(1)?))).await?;
        if !ours {
            return match any {
                false => Ok(None),
                true => Err(Error::Broken(format!(
                    "the schema {} of database {} holds tables that bailiwick did not make",
                    self.schema, self.database
                ))),
            };
        }
        self.check_rights(session).await?;
        let steps =
            Query::new(Sql::same("SELECT number, checksum, oldest FROM migration ORDER BY number"), binds![], |row| {
                Ok(Taken { number: row.int(0)?, checksum: row.string(1)?, oldest: row.string(2)? })
            });
        let taken = session.all(steps).await?;
        migration::check(&taken, |sql| sql.postgres)?;
        Ok(Some(taken))
    }

    /// Refuses a role that could not write: better now than with the first request.
    async fn check_rights(&self, session: &Session) -> Result<(), Error> {
        let forbidden = Query::new(FORBIDDEN, binds![], |row| Ok((row.string(0)?, row.string(1)?)));
        let Some((table, owner)) = session.one(forbidden).await? else { return Ok(()) };
        let Self { schema, role, .. } = self;
        refused(format!(
            "the role {role} may not write the table {table} of schema {schema}, which belongs to {owner}: \
             connect as {owner}, or GRANT {owner} TO {role}"
        ))
    }

    fn check_may_create(&self) -> Result<(), Error> {
        let Self { database, schema, role, may_create } = self;
        if *may_create {
            return Ok(());
        }
        refused(format!(
            "the role {role} may not create tables in schema {schema} of database {database}: \
             GRANT CREATE ON SCHEMA {schema} TO {role}"
        ))
    }

    /// Why a step did not go well.
    fn failed(&self, what: &str, error: Error) -> Error {
        let Self { database, schema, .. } = self;
        match error {
            Error::Busy(_) => Error::Busy(format!(
                "another process has been migrating the schema {schema} of database {database} for {} seconds: \
                 try again when it is done",
                WAIT.as_secs()
            )),
            Error::Unavailable(why) => Error::Unavailable(format!("{what} failed: {why}")),
            other => other,
        }
    }
}

fn refused<T>(why: String) -> Result<T, Error> {
    Err(Error::Unavailable(why))
}

/// Whether there is something to do.
async fn pending(session: &Session, taken: Option<&[Taken]>) -> Result<bool, Error> {
    let Some(taken) = taken else { return Ok(true) };
    if migration::lacks_any(taken) {
        return Ok(true);
    }
    let ready = Query::new(
        Sql::same(
            "SELECT count(*) FROM setting WHERE key IN ('store_id', 'etag_key') OR (key = 'unicode' AND value = ?1)",
        ),
        binds![text::UNICODE],
        |row| row.int(0),
    );
    Ok(session.one(ready).await?.unwrap_or(0) < 3)
}

/// Begins a transaction in which nobody else migrates. A step may take long on a large store, so it has no time limit;
/// waiting for other replicas has one.
async fn begin(session: &Session, until: Instant) -> Result<(), Error> {
    let left = until.saturating_duration_since(ticks::now()).as_millis().max(1);
    let text = format!(
        "BEGIN ISOLATION LEVEL READ COMMITTED READ WRITE;
         SET LOCAL statement_timeout = 0; SET LOCAL idle_in_transaction_session_timeout = 0;
         SET LOCAL lock_timeout = {left};
         SELECT pg_advisory_xact_lock({LOCK_CLASS}, hashtext(current_schema()))"
    );
    session.simple(&text).await
}

/// Commits or fails. COMMIT alone does neither in a transaction that has failed: it rolls back and reports no error.
pub(super) const COMMIT: &str = "SELECT 1; COMMIT";

/// Commits what went well and takes back what did not.
async fn ended<T>(session: &Session, work: Result<T, Error>) -> Result<T, Error> {
    let done = match work {
        Ok(done) => session.simple(COMMIT).await.map(|()| done),
        Err(error) => Err(error),
    };
    if done.is_err() {
        // The reason is worth more than a failure to roll back, which the end of the session does as well.
        let _ = session.simple("ROLLBACK").await;
    }
    done
}

async fn apply(session: &Session, place: &Place, migration: &Migration, now: i64, until: Instant) -> Result<(), Error> {
    let taken = take(session, migration, now, until).await;
    let what = || format!("its migration {} ({})", migration.number, migration.name);
    if ended(session, taken.map_err(|error| place.failed(&what(), error))).await? {
        tracing::info!(number = migration.number, name = migration.name, "schema migrated");
    }
    Ok(())
}

/// Takes a step in a transaction that stays open. `false` if another replica took it before.
async fn take(session: &Session, migration: &Migration, now: i64, until: Instant) -> Result<bool, Error> {
    begin(session, until).await?;
    session
        .simple(
            "CREATE TABLE IF NOT EXISTS migration (
               number bigint PRIMARY KEY, name text COLLATE \"C\" NOT NULL, checksum text COLLATE \"C\" NOT NULL,
               oldest text COLLATE \"C\" NOT NULL, applied bigint NOT NULL)",
        )
        .await?;
    let Migration { number, name, sql, oldest } = migration;
    let note = Sql::same(
        "INSERT INTO migration (number, name, checksum, oldest, applied) VALUES (?1, ?2, ?3, ?4, ?5)
         ON CONFLICT DO NOTHING",
    );
    let sum = migration::checksum(sql.postgres);
    let new = session.run(note, &binds![*number, *name, &sum, *oldest, now]).await? > 0;
    if new {
        session.simple(sql.postgres).await?;
    }
    Ok(new)
}

/// Gives the store what it needs besides its tables, and keys of this program's Unicode.
async fn complete(
    session: &Session,
    place: &Place,
    settings: &[(&'static str, String)],
    until: Instant,
) -> Result<(), Error> {
    let given = async {
        begin(session, until).await?;
        let sql = Sql::same("INSERT INTO setting (key, value) VALUES (?1, ?2) ON CONFLICT DO NOTHING");
        for (key, value) in settings {
            session.run(sql, &binds![*key, value]).await?;
        }
        // Whoever else writes waits: no key of the old Unicode comes in between.
        session.simple("LOCK TABLE resource, email, person, conflict IN SHARE ROW EXCLUSIVE MODE").await?;
        rekey::run(session).await
    };
    let done = given.await.map_err(|error| place.failed("its set-up", error));
    ended(session, done).await
}
