//! A schema of its own in the database that tests run on. This file stands alone: the contract tests of the store use
//! it as a module of theirs.

use std::hash::{BuildHasher as _, Hasher as _, RandomState};
use std::time::Duration;
use tokio_postgres::{Config, NoTls};

/// Names the database on which tests run, as a role that may create schemas; unset, they run on SQLite.
const VARIABLE: &str = "BAILIWICK_TEST_POSTGRES";

/// How long a statement of the set-up may take.
const LIMIT: Duration = Duration::from_secs(20);

/// A fresh schema. Dropping it removes it with everything in it.
#[derive(Debug)]
pub struct Schema {
    admin_url: String,
    name: String,
}

impl Schema {
    /// The URL of the database for tests, if the environment names one.
    #[must_use]
    #[expect(clippy::disallowed_methods, reason = "how tests are told where their database is")]
    pub fn database() -> Option<String> {
        std::env::var(VARIABLE).ok().filter(|url| !url.is_empty())
    }

    /// One in the database for tests, if the environment names one.
    #[must_use]
    pub fn of_environment() -> Option<Self> {
        Self::database().map(|url| Self::fresh(&url))
    }

    /// Creates one.
    #[must_use]
    pub fn fresh(admin_url: &str) -> Self {
        let name = format!("t_{:016x}", RandomState::new().build_hasher().finish());
        let schema = Self { admin_url: admin_url.to_owned(), name };
        schema.admin(&format!("CREATE SCHEMA {}", schema.name));
        schema
    }

    /// Its name.
    #[must_use]
    pub fn name(&self) -> &str {
        &self.name
    }

    /// The URL under which tables are made and found in this schema.
    #[must_use]
    pub fn url(&self) -> String {
        let joint = if self.admin_url.contains('?') { '&' } else { '?' };
        format!("{}{joint}options=-csearch_path%3D{}", self.admin_url, self.name)
    }

    /// Runs statements behind the store's back.
    pub fn execute(&self, sql: &str) {
        run(&self.url(), sql).unwrap_or_else(|error| panic!("{error}: {sql}"));
    }

    /// The rows of a query, every value as text; NULL is the empty text.
    #[must_use]
    pub fn rows(&self, sql: &str) -> Vec<Vec<String>> {
        run(&self.url(), sql).unwrap_or_else(|error| panic!("{error}: {sql}"))
    }

    /// Where a text occurs in a row of any table.
    #[must_use]
    pub fn places_holding(&self, secret: &str) -> Vec<String> {
        let tables = self.rows("SELECT tablename FROM pg_tables WHERE schemaname = current_schema() ORDER BY 1");
        // Bytes are shown in hexadecimal digits.
        let digits: String = secret.bytes().map(|byte| format!("{byte:02x}")).collect();
        let found = tables.into_iter().flatten().filter(|table| {
            let quoted = secret.replace('\'', "''");
            let sql = format!(
                "SELECT count(*) FROM {table} t
                 WHERE strpos(t::text, '{quoted}') > 0 OR strpos(t::text, '{digits}') > 0"
            );
            self.rows(&sql)[0][0] != "0"
        });
        found.map(|table| format!("{}.{table}", self.name)).collect()
    }

    fn admin(&self, sql: &str) {
        run(&self.admin_url, sql).unwrap_or_else(|error| panic!("{error}: {sql}"));
    }
}

impl Drop for Schema {
    fn drop(&mut self) {
        // The runtime that would end a reader's transaction may stand still by now, so that it is ended from here. What
        // stays behind all the same is removed with the cluster.
        let name = &self.name;
        let sql = format!(
            "SET lock_timeout = '5s';
             SELECT pg_terminate_backend(l.pid) FROM pg_locks l JOIN pg_class c ON c.oid = l.relation
             WHERE c.relnamespace = '{name}'::regnamespace AND l.pid <> pg_backend_pid();
             DROP SCHEMA {name} CASCADE"
        );
        let _ = run(&self.admin_url, &sql);
    }
}

/// Runs statements on a connection and a thread of their own, so that it works inside and outside of a runtime.
fn run(url: &str, sql: &str) -> Result<Vec<Vec<String>>, String> {
    let (url, sql) = (url.to_owned(), sql.to_owned());
    let work = std::thread::spawn(move || {
        let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build();
        let runtime = runtime.map_err(|error| error.to_string())?;
        let done = runtime.block_on(async { tokio::time::timeout(LIMIT, rows(&url, &sql)).await });
        done.map_err(|_| "took too long".to_owned())?.map_err(|error| told(&error))
    });
    work.join().unwrap_or_else(|_| Err("the thread of the statement panicked".to_owned()))
}

async fn rows(url: &str, sql: &str) -> Result<Vec<Vec<String>>, tokio_postgres::Error> {
    let mut config: Config = url.parse()?;
    config.application_name("bailiwick-test");
    let (client, connection) = config.connect(NoTls).await?;
    let connection = tokio::spawn(connection);
    let messages = client.simple_query(sql).await?;
    drop(client);
    let _ = connection.await;
    let text = |row: &tokio_postgres::SimpleQueryRow| -> Vec<String> {
        (0..row.len()).map(|column| row.get(column).unwrap_or_default().to_owned()).collect()
    };
    Ok(messages
        .iter()
        .filter_map(|message| match message {
            tokio_postgres::SimpleQueryMessage::Row(row) => Some(text(row)),
            _ => None,
        })
        .collect())
}

fn told(error: &tokio_postgres::Error) -> String {
    error.as_db_error().map_or_else(|| error.to_string(), |told| told.message().to_owned())
}
