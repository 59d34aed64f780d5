//! Moves a store, whole, to where there is none yet: from a folder to a database, back, or to another of its kind.
//!
//! The source is read as it is at one moment, and nobody can write to it meanwhile; the target is written in one
//! transaction, which is committed only after it was found to hold as many rows in every table and to bear the same
//! seal. The identity of the store goes along: its id, the key of its ETags, its sequence. Whoever knew the store finds
//! it again at its new place.

pub(crate) mod tables;

#[cfg(test)]
mod tests;

use crate::error::Error;
use crate::migration::{self, MIGRATIONS, Taken};
use crate::rows::VerifyReport;
use crate::sql::{Sql, Value};
use crate::store::{Entropy, Location, OpenOptions, Role, Store};
use crate::{postgres, sqlite};
use bailiwick_scim::text;
use tables::{TABLES, Table};

/// Most rows, and bytes, that are held in memory at a time.
pub(crate) const CHUNK_ROWS: usize = 1_000;
pub(crate) const CHUNK_BYTES: usize = 4 << 20;

/// How far a copy is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Progress {
    /// The table that is being copied.
    pub table: &'static str,
    /// Rows of it that were copied.
    pub rows: u64,
    /// Rows that it has.
    pub total: u64,
}

/// What was copied.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Copied {
    /// The id of the store.
    pub store_id: String,
    /// How many rows each table has, in the order in which they were copied.
    pub tables: Vec<(&'static str, u64)>,
    /// What verifying the seal found on both sides.
    pub seal: VerifyReport,
}

impl Copied {
    /// How many rows a table has.
    #[must_use]
    pub fn rows(&self, table: &str) -> u64 {
        self.tables.iter().find(|(name, _)| *name == table).map_or(0, |(_, rows)| *rows)
    }
}

/// Why a store was not copied. Neither side changed, except that an empty store may have been set up at the target.
#[derive(Clone, Debug, thiserror::Error)]
pub enum CopyError {
    /// Not with these stores as they are; the text says what to do.
    #[error("{0}")]
    Refused(String),
    /// One of the stores failed.
    #[error(transparent)]
    Store(#[from] Error),
}

pub(crate) fn refused<T>(why: impl Into<String>) -> Result<T, CopyError> {
    Err(CopyError::Refused(why.into()))
}

/// A row: the values of the columns in their order.
pub(crate) type Row = Vec<Value>;

/// Copies the store at `from` to where `to` says, which is set up first if there is nothing. Its role does not matter.
///
/// Both stores must be out of use for as long as it takes: a server that runs is a reason to refuse. Needs a tokio
/// runtime; blocks while it reads and writes a folder.
///
/// # Errors
/// When the source cannot be moved as it is, when the target is not empty, and when what was written is not what was
/// read.
pub async fn copy(from: &Location, to: &OpenOptions, progress: &mut dyn FnMut(Progress)) -> Result<Copied, CopyError> {
    let source = Source::open(from, &to.entropy).await?;
    let identity = source.setting("store_id").await?.unwrap_or_default();
    let made = look(to, &identity).await?;
    let seal = source.verify().await?;
    if let Some(bad) = seal.first_bad {
        return refused(format!("the seal of the store to be moved is broken: {bad}"));
    }
    let copied = fill(&source, &seal, to, progress).await;
    if let (Err(_), Some(made)) = (&copied, made) {
        made.undo();
    }
    Ok(Copied { store_id: identity, tables: copied?, seal })
}

/// The number of the newest step that the schema of a store has taken, 0 when there is no store.
///
/// # Errors
/// When the store cannot be opened, or what is there is none.
pub async fn schema(options: &OpenOptions) -> Result<i64, Error> {
    let taken = match &options.location {
        Location::Folder(dir) => sqlite::copy::taken(dir)?,
        Location::Postgres(url) => postgres::copy::taken(url, &options.entropy).await?,
    };
    Ok(newest(&taken))
}

fn newest(taken: &[Taken]) -> i64 {
    taken.iter().map(|step| step.number).max().unwrap_or(0)
}

async fn fill(
    source: &Source,
    seal: &VerifyReport,
    to: &OpenOptions,
    progress: &mut dyn FnMut(Progress),
) -> Result<Vec<(&'static str, u64)>, CopyError> {
    drop(Store::open(&OpenOptions { role: Role::Command, ..to.clone() }).await?);
    let target = Target::open(&to.location, &to.entropy).await?;
    let mut tables = Vec::with_capacity(TABLES.len());
    for table in TABLES {
        tables.push((table.name, copy_table(source, &target, table, progress).await?));
    }
    target.set_last_integration(source.last_integration().await?).await?;
    let found = target.verify().await?;
    if found != *seal {
        return refused(format!(
            "nothing was moved: the seal of the copy ({}) is not that of the store ({})",
            verdict(&found),
            verdict(seal)
        ));
    }
    source.check_unused().await?;
    target.check_unused().await?;
    target.commit().await?;
    Ok(tables)
}

fn verdict(report: &VerifyReport) -> &str {
    report.first_bad.as_deref().or(report.head.as_deref()).unwrap_or("no block")
}

async fn copy_table(
    source: &Source,
    target: &Target,
    table: &'static Table,
    progress: &mut dyn FnMut(Progress),
) -> Result<u64, CopyError> {
    let total = source.count(table).await?;
    let mut rows = 0;
    let mut last: Option<Row> = None;
    loop {
        let mut chunk = source.chunk(table, last.as_ref()).await?;
        target.write(table, &chunk).await?;
        rows += chunk.len() as u64;
        let Some(row) = chunk.pop() else { break };
        last = Some(row);
        progress(Progress { table: table.name, rows, total });
    }
    if total == 0 {
        progress(Progress { table: table.name, rows, total });
    }
    let written = target.count(table).await?;
    if rows != total || written != total {
        let name = table.name;
        return refused(format!(
            "nothing was moved: of {total} rows of {name}, {rows} were read and {written} written"
        ));
    }
    Ok(total)
}

/// The store to be copied, locked.
enum Source {
    Folder(sqlite::copy::Source),
    Postgres(Box<postgres::copy::Source>),
}

impl Source {
    async fn open(location: &Location, entropy: &Entropy) -> Result<Self, CopyError> {
        Ok(match location {
            Location::Folder(dir) => Self::Folder(sqlite::copy::Source::open(dir)?),
            Location::Postgres(url) => Self::Postgres(Box::new(postgres::copy::Source::open(url, entropy).await?)),
        })
    }

    async fn setting(&self, key: &str) -> Result<Option<String>, Error> {
        match self {
            Self::Folder(source) => source.setting(key),
            Self::Postgres(source) => source.setting(key).await,
        }
    }

    /// Refuses what a server has begun to use meanwhile. In a folder none can.
    async fn check_unused(&self) -> Result<(), CopyError> {
        match self {
            Self::Folder(_) => Ok(()),
            Self::Postgres(source) => source.check_unused().await,
        }
    }

    /// The highest id that an integration ever had.
    async fn last_integration(&self) -> Result<i64, Error> {
        match self {
            Self::Folder(source) => source.last_integration(),
            Self::Postgres(source) => source.last_integration().await,
        }
    }

    async fn verify(&self) -> Result<VerifyReport, Error> {
        match self {
            Self::Folder(source) => source.verify(),
            Self::Postgres(source) => source.verify().await,
        }
    }

    async fn count(&self, table: &Table) -> Result<u64, Error> {
        match self {
            Self::Folder(source) => source.count(table),
            Self::Postgres(source) => source.count(table).await,
        }
    }

    /// The rows after `last`, as many as are held at a time; none at the end.
    async fn chunk(&self, table: &Table, last: Option<&Row>) -> Result<Vec<Row>, Error> {
        let after = last.map(|row| key_of(table, row));
        match self {
            Self::Folder(source) => source.chunk(table, after.as_deref()),
            Self::Postgres(source) => source.chunk(table, after.as_deref()).await,
        }
    }
}

/// The values of a row's key.
fn key_of<'a>(table: &Table, row: &'a Row) -> Vec<&'a Value> {
    table.key.iter().filter_map(|name| row.get(table.position(name)?)).collect()
}

/// The empty store to be filled, locked, in one transaction.
enum Target {
    Folder(sqlite::copy::Target),
    Postgres(Box<postgres::copy::Target>),
}

impl Target {
    async fn open(location: &Location, entropy: &Entropy) -> Result<Self, CopyError> {
        Ok(match location {
            Location::Folder(dir) => Self::Folder(sqlite::copy::Target::open(dir)?),
            Location::Postgres(url) => Self::Postgres(Box::new(postgres::copy::Target::open(url, entropy).await?)),
        })
    }

    async fn write(&self, table: &Table, rows: &[Row]) -> Result<(), Error> {
        match self {
            Self::Folder(target) => target.write(table, rows),
            Self::Postgres(target) => target.write(table, rows).await,
        }
    }

    async fn count(&self, table: &Table) -> Result<u64, Error> {
        match self {
            Self::Folder(target) => target.count(table),
            Self::Postgres(target) => target.count(table).await,
        }
    }

    async fn set_last_integration(&self, id: i64) -> Result<(), Error> {
        match self {
            Self::Folder(target) => target.set_last_integration(id),
            Self::Postgres(target) => target.set_last_integration(id).await,
        }
    }

    async fn verify(&self) -> Result<VerifyReport, Error> {
        match self {
            Self::Folder(target) => target.verify(),
            Self::Postgres(target) => target.verify().await,
        }
    }

    /// Refuses what a server has begun to use meanwhile. In a folder none can.
    async fn check_unused(&self) -> Result<(), CopyError> {
        match self {
            Self::Folder(_) => Ok(()),
            Self::Postgres(target) => target.check_unused().await,
        }
    }

    async fn commit(self) -> Result<(), Error> {
        match self {
            Self::Folder(target) => target.commit(),
            Self::Postgres(target) => target.commit().await,
        }
    }
}

/// Looks at the target without changing it: refuses one that is the source or holds something, and gives what is to be
/// removed again if the copy fails.
async fn look(to: &OpenOptions, store_id: &str) -> Result<Option<sqlite::copy::Made>, CopyError> {
    match &to.location {
        Location::Folder(dir) => sqlite::copy::look(dir, store_id).map(Some),
        Location::Postgres(url) => postgres::copy::look(url, &to.entropy, store_id).await.map(|()| None),
    }
}

/// Refuses a source whose schema is not that of this program. `text` chooses the engine.
pub(crate) fn check_schema(
    taken: &[Taken],
    unicode: Option<&str>,
    text: fn(&Sql) -> &'static str,
    first: &str,
) -> Result<(), CopyError> {
    migration::check(taken, text)?;
    let (newest, known) = (newest(taken), MIGRATIONS.len() as i64);
    if newest > known {
        return refused(format!(
            "the store to be moved has schema {newest}, this bailiwick knows {known}: use the newer bailiwick"
        ));
    }
    if migration::lacks_any(taken) || unicode != Some(text::UNICODE) {
        return refused(format!("the store to be moved has an older schema: run {first} first"));
    }
    Ok(())
}

/// Refuses a target that holds anything. `shown` names it.
pub(crate) fn refuse_full<T>(shown: &str) -> Result<T, CopyError> {
    refused(format!("{shown} holds a store with data already: give an empty one"))
}

pub(crate) fn refuse_same<T>(shown: &str) -> Result<T, CopyError> {
    refused(format!("{shown} is the store to be moved itself, or a copy of it"))
}

/// Bytes of a row, roughly.
pub(crate) fn weight(row: &Row) -> usize {
    let one = |value: &Value| match value {
        Value::Bytes(bytes) => bytes.len(),
        Value::Text(text) => text.len(),
        Value::Flag(_) | Value::Int(_) | Value::Null | Value::Real(_) => 0,
    };
    row.iter().map(|value| one(value) + size_of::<Value>()).sum()
}
