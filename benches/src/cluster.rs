//! The PostgreSQL servers under load: a cluster of their own, thrown away at the end, or one that is there already.

use crate::process::Stat;
use std::io::{BufRead as _, BufReader};
use std::path::PathBuf;
use std::process::{Child, Command, Stdio};
use std::time::Duration;
use tokio_postgres::{Client, NoTls};

/// Where the cluster comes from.
#[derive(Clone, Debug)]
pub(crate) enum Source {
    /// `throwaway-postgres`: it prints `url postgres://...` and runs until its standard input ends.
    Program(PathBuf),
    /// One that is there: the URL of a role that may make databases.
    Url(String),
}

/// A cluster and a connection to it.
#[derive(Debug)]
pub(crate) struct Cluster {
    url: String,
    admin: Client,
    /// Known when it runs on this machine and we may see it.
    postmaster: Option<u32>,
    _process: Option<Process>,
}

/// Ends with the end of its input.
#[derive(Debug)]
struct Process(Child);

impl Drop for Process {
    fn drop(&mut self) {
        drop(self.0.stdin.take());
        let _ = self.0.wait();
    }
}

impl Cluster {
    pub(crate) async fn start(source: &Source) -> Result<Self, String> {
        let (url, process) = match source {
            Source::Program(program) => {
                let (url, process) = throw_away(program)?;
                (url, Some(process))
            }
            Source::Url(url) => (url.clone(), None),
        };
        let admin = connect(&url).await?;
        let told = admin.query_one("SELECT split_part(pg_read_file('postmaster.pid'), E'\n', 1)", &[]).await;
        let postmaster = told.ok().and_then(|row| row.get::<_, String>(0).trim().parse().ok());
        let postmaster = postmaster.filter(|process| {
            std::fs::read_to_string(format!("/proc/{process}/comm")).is_ok_and(|name| name.trim() == "postgres")
        });
        Ok(Self { url, admin, postmaster, _process: process })
    }

    /// Makes an empty database and gives its URL. One left by an earlier run is dropped.
    pub(crate) async fn database(&self, name: &str) -> Result<String, String> {
        self.drop_database(name).await?;
        self.run(&format!("CREATE DATABASE {name} TEMPLATE template0 ENCODING 'UTF8'")).await?;
        with_database(&self.url, name)
    }

    pub(crate) async fn drop_database(&self, name: &str) -> Result<(), String> {
        self.run(&format!("DROP DATABASE IF EXISTS {name} WITH (FORCE)")).await
    }

    /// Writes all pages, so that every load begins with the same chores behind it.
    pub(crate) async fn checkpoint(&self) -> Result<(), String> {
        self.run("CHECKPOINT").await
    }

    async fn run(&self, sql: &str) -> Result<(), String> {
        self.admin.batch_execute(sql).await.map_err(|error| format!("{sql}: {}", told(&error)))
    }

    /// CPU time that its processes have spent so far, in microseconds.
    pub(crate) fn cpu_us(&self) -> f64 {
        let Some(postmaster) = self.postmaster else { return 0.0 };
        let Some(first) = Stat::of(postmaster) else { return 0.0 };
        let entries = std::fs::read_dir("/proc").into_iter().flatten().flatten();
        let processes = entries.filter_map(|entry| entry.file_name().to_str()?.parse().ok());
        let children = processes.filter_map(Stat::of).filter(|stat| stat.parent == postmaster);
        first.own_us + first.ended_us + children.map(|stat| stat.own_us).sum::<f64>()
    }

    /// What was measured on: version and the settings that matter.
    pub(crate) async fn description(&self) -> Result<String, String> {
        let settings = "SELECT string_agg(name || ' ' || current_setting(name), ', ' ORDER BY name) FROM pg_settings
             WHERE name IN ('fsync', 'full_page_writes', 'max_wal_size', 'server_version', 'shared_buffers',
             'synchronous_commit')";
        let row = self.admin.query_one(settings, &[]).await.map_err(|error| told(&error))?;
        Ok(row.get(0))
    }
}

/// A connection without TLS.
pub(crate) async fn connect(url: &str) -> Result<Client, String> {
    let (client, connection) = tokio_postgres::connect(url, NoTls)
        .await
        .map_err(|error| format!("connect to PostgreSQL: {}", told(&error)))?;
    tokio::spawn(connection);
    Ok(client)
}

/// An error with what the server said about it.
pub(crate) fn told(error: &tokio_postgres::Error) -> String {
    match error.as_db_error() {
        Some(said) => format!("{} ({})", said.message(), said.code().code()),
        None => error.to_string(),
    }
}

fn throw_away(program: &PathBuf) -> Result<(String, Process), String> {
    let mut command = Command::new(program);
    command.arg("--fsync").stdin(Stdio::piped()).stdout(Stdio::piped());
    let mut child = command.spawn().map_err(|error| format!("cannot start {command:?}: {error}"))?;
    let stdout = child.stdout.take().ok_or("no output")?;
    let process = Process(child);
    for line in BufReader::new(stdout).lines() {
        if let Some(url) = line.map_err(|error| error.to_string())?.strip_prefix("url ") {
            return Ok((url.trim().to_owned(), process));
        }
    }
    Err(format!("{command:?} ended before the cluster was up"))
}

/// The same URL for another database.
fn with_database(url: &str, name: &str) -> Result<String, String> {
    let start = url.find("://").ok_or("the URL of the cluster has to begin with postgres://")? + 3;
    let (address, query) = url.split_once('?').map_or((url, None), |(address, query)| (address, Some(query)));
    let end = address[start..].find('/').map_or(address.len(), |slash| start + slash);
    let query = query.map(|query| format!("?{query}")).unwrap_or_default();
    Ok(format!("{}/{name}{query}", &address[..end]))
}

/// Waits until a database has been sealed and vacuumed, so that no chore of the load before runs into the next one.
pub(crate) async fn settle(url: &str) -> Result<(), String> {
    const PATIENCE: u32 = 3_000;
    let client = connect(url).await?;
    let behind = "SELECT coalesce((SELECT max(seq) FROM event), 0) > coalesce((SELECT max(last) FROM block), 0)";
    for waited in 0..=PATIENCE {
        let row = client.query_one(behind, &[]).await.map_err(|error| told(&error))?;
        if !row.get::<_, bool>(0) {
            break;
        }
        if waited == PATIENCE {
            return Err("the seal does not catch up".to_owned());
        }
        tokio::time::sleep(Duration::from_millis(200)).await;
    }
    client.batch_execute("VACUUM ANALYZE").await.map_err(|error| told(&error))?;
    client.batch_execute("CHECKPOINT").await.map_err(|error| told(&error))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_url_is_pointed_at_another_database() {
        let check = |url: &str, expect: &str| assert_eq!(with_database(url, "x").as_deref(), Ok(expect), "{url}");
        check("postgres://postgres@127.0.0.1:5432/postgres", "postgres://postgres@127.0.0.1:5432/x");
        check("postgres://me:secret@db?sslmode=disable", "postgres://me:secret@db/x?sslmode=disable");
        assert!(with_database("db", "x").is_err());
    }
}
