//! A transaction that takes several sets, each in a savepoint of its own.

use crate::change::{ChangeSet, Committed};
use crate::commit::{self, Applied, Place, Tally};
use crate::error::Error;
use crate::sql::Exec as _;
use crate::sqlite::exec::done;
use rusqlite::Connection;

pub(super) struct Batch {
    /// The last number given out, and the latest time.
    value: i64,
    at: i64,
    moved: bool,
    tally: Tally,
    lost: Option<Error>,
}

/// What a batch did beyond its rows.
pub(super) struct Done {
    /// Whether something changed that is kept in memory elsewhere.
    pub(super) touched: bool,
    /// Groups that got a row of member changes, once per row.
    pub(super) member_groups: Vec<i64>,
}

impl Batch {
    /// Begins the transaction. The sequence is read inside it: another process may have drawn from it.
    pub(super) fn begin(connection: &Connection) -> Result<Self, Error> {
        connection.prepare_cached("BEGIN IMMEDIATE")?.execute([])?;
        let read = connection
            .prepare_cached("SELECT value, at FROM sequence WHERE name = 'change'")
            .and_then(|mut statement| statement.query_row([], |row| Ok((row.get(0)?, row.get(1)?))));
        match read {
            Ok((value, at)) => Ok(Self { value, at, moved: false, tally: Tally::default(), lost: None }),
            Err(error) => {
                roll_back(connection);
                Err(error.into())
            }
        }
    }

    /// Whether the transaction itself is gone, with everything in it.
    pub(super) fn is_lost(&self) -> bool {
        self.lost.is_some()
    }

    /// Applies a set in a savepoint of its own, so that its failure leaves its neighbours alone.
    pub(super) fn apply(&mut self, connection: &Connection, set: &ChangeSet) -> Result<Committed, Error> {
        if let Some(error) = &self.lost {
            return Err(error.clone());
        }
        connection.prepare_cached("SAVEPOINT change_set")?.execute([])?;
        let place = Place { base: self.value, at: self.at.max(set.at.0) };
        let result = done(work(connection, set, place));
        let closed = match &result {
            Ok(_) => connection.prepare_cached("RELEASE change_set").and_then(|mut statement| statement.execute([])),
            Err(_) if connection.is_autocommit() => Ok(0),
            Err(_) => connection
                .prepare_cached("ROLLBACK TO change_set")
                .and_then(|mut statement| statement.execute([]))
                .and_then(|_| connection.prepare_cached("RELEASE change_set")?.execute([])),
        };
        if connection.is_autocommit() || closed.is_err() {
            // The engine ended the whole transaction: what neighbours were told to expect is gone as well.
            let error = match (&result, closed) {
                (Err(Error::Full), _) => Error::Full,
                (_, Err(error)) => error.into(),
                _ => Error::Unavailable("the transaction was ended by the engine".to_owned()),
            };
            self.lost = Some(error.clone());
            return Err(error);
        }
        result.map(|Applied { committed, last, tally, .. }| {
            self.moved |= last != self.value;
            self.value = last;
            self.at = self.at.max(committed.at.0);
            self.tally.absorb(tally);
            committed
        })
    }

    /// Writes what was collected and commits.
    pub(super) fn finish(self, connection: &Connection) -> Result<Done, Error> {
        if let Some(error) = self.lost {
            roll_back(connection);
            return Err(error);
        }
        let result = self.write_back(connection).and_then(|()| {
            connection.prepare_cached("COMMIT")?.execute([])?;
            Ok(())
        });
        if let Err(error) = result {
            roll_back(connection);
            return Err(error);
        }
        Ok(Done { touched: self.tally.touched, member_groups: self.tally.member_groups })
    }

    fn write_back(&self, connection: &Connection) -> Result<(), Error> {
        done(self.tally.write(&connection))?;
        if self.moved {
            connection
                .prepare_cached("UPDATE sequence SET value = ?1, at = ?2 WHERE name = 'change'")?
                .execute([self.value, self.at])?;
        }
        Ok(())
    }
}

async fn work(connection: &Connection, set: &ChangeSet, place: Place) -> Result<Applied, Error> {
    commit::check(&connection, set).await?;
    let known = commit::load(&connection, &commit::mentioned(set)).await?;
    let applied = commit::apply(&connection, set, place, &known).await?;
    connection.append(&applied.events).await?;
    Ok(applied)
}

fn roll_back(connection: &Connection) {
    if !connection.is_autocommit()
        && let Err(error) = connection.execute_batch("ROLLBACK")
    {
        tracing::error!(%error, "a transaction could not be rolled back");
    }
}
