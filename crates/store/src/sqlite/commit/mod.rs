//! What a set of changes does to the rows: guards first, then its writes in order, then its events.

mod events;
mod guards;
mod integrations;
mod members;
mod persons;
mod removal;
mod resources;
mod tally;

use crate::change::{ChangeSet, Committed, PersonKey, ResourceKey, Write};
use crate::error::Error;
use bailiwick_domain::ids::Millis;
use members::MemberDelta;
use rusqlite::{Connection, params};
use std::collections::{BTreeSet, HashMap};
use tally::Tally;

/// A transaction that takes several sets.
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
    pub(super) fn apply(&mut self, connection: &Connection, set: ChangeSet) -> Result<Committed, Error> {
        if let Some(error) = &self.lost {
            return Err(error.clone());
        }
        connection.prepare_cached("SAVEPOINT change_set")?.execute([])?;
        let result = self.work(connection, set);
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
        result.map(|(committed, last, tally)| {
            self.moved |= last != self.value;
            self.value = last;
            self.at = self.at.max(committed.at.0);
            self.tally.absorb(tally);
            committed
        })
    }

    fn work(&self, connection: &Connection, set: ChangeSet) -> Result<(Committed, i64, Tally), Error> {
        for guard in &set.guards {
            guards::check(connection, guard)?;
        }
        let mut work = Work::new(connection, self.value, self.at.max(set.at.0), &set.writes);
        for write in set.writes {
            work.write(write)?;
        }
        work.flush_epochs()?;
        guards::bump(connection, &set.guards)?;
        let last = events::append(&mut work, set.events)?;
        Ok((work.committed, last, work.tally))
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
        self.tally.write(connection)?;
        if self.moved {
            connection
                .prepare_cached("UPDATE sequence SET value = ?1, at = ?2 WHERE name = 'change'")?
                .execute([self.value, self.at])?;
        }
        Ok(())
    }
}

fn roll_back(connection: &Connection) {
    if !connection.is_autocommit()
        && let Err(error) = connection.execute_batch("ROLLBACK")
    {
        tracing::error!(%error, "a transaction could not be rolled back");
    }
}

/// One set at work.
struct Work<'a> {
    connection: &'a Connection,
    /// Committed time.
    at: i64,
    /// The last number given out before this set.
    base: i64,
    /// The last number given to a row of this set.
    last_row: i64,
    /// The version of everything this set changes: the sequence of its first event.
    version: i64,
    new_resources: HashMap<String, i64>,
    new_persons: HashMap<String, i64>,
    /// Persons whose epoch must be bumped.
    stale_persons: BTreeSet<i64>,
    /// Groups that were put into others or taken out: whoever is below them must be bumped.
    stale_groups: BTreeSet<i64>,
    members: Vec<MemberDelta>,
    /// Whether a write could have changed product data.
    product: bool,
    committed: Committed,
    tally: Tally,
}

impl<'a> Work<'a> {
    fn new(connection: &'a Connection, base: i64, at: i64, writes: &[Write]) -> Self {
        let rows = writes.iter().filter(|write| matches!(write, Write::InsertPerson(_) | Write::InsertResource(_)));
        let version = base + i64::try_from(rows.count()).unwrap_or(0) + 1;
        Self {
            connection,
            at,
            base,
            last_row: base,
            version,
            new_resources: HashMap::new(),
            new_persons: HashMap::new(),
            stale_persons: BTreeSet::new(),
            stale_groups: BTreeSet::new(),
            members: Vec::new(),
            product: false,
            committed: Committed { seq: version, at: Millis(at), ..Committed::default() },
            tally: Tally::default(),
        }
    }

    fn write(&mut self, write: Write) -> Result<(), Error> {
        self.product |= !matches!(write, Write::CountCalls(_) | Write::TouchTokens(_));
        match write {
            Write::ClaimDomain { name, integration, method } => {
                integrations::claim_domain(self, &name, integration, &method)
            }
            Write::CountCalls(counts) => integrations::count_calls(self, &counts),
            Write::InsertConflict(new) => persons::insert_conflict(self, &new),
            Write::InsertIntegration(new) => integrations::insert(self, &new),
            Write::InsertLocalAccount { person, password_hash, recovery_digests } => {
                persons::insert_account(self, &person, &password_hash, &recovery_digests)
            }
            Write::InsertPerson(new) => persons::insert(self, new),
            Write::InsertResource(new) => resources::insert(self, new),
            Write::InsertToken(new) => integrations::insert_token(self, &new),
            Write::Members { group, change } => members::change(self, &group, change),
            Write::DeleteIntegration(id) => removal::delete_integration(self, id),
            Write::DeleteResource { seq } => resources::delete(self, seq),
            Write::RecoverLocalAccount { person, password_hash, recovery_digests } => {
                persons::recover_account(self, person, &password_hash, &recovery_digests)
            }
            Write::ReleaseDomain { name } => integrations::release_domain(self, &name),
            Write::EndToken { id, expires } => integrations::end_token(self, &id, expires),
            Write::RevokeToken { id } => integrations::revoke_token(self, &id),
            Write::SetConflict { id, state } => persons::set_conflict(self, &id, &state),
            Write::UpdateIntegration { id, settings } => integrations::update(self, id, &settings),
            Write::SetResourcePerson { seq, person } => resources::set_person(self, seq, person),
            Write::SetSetting { key, value } => integrations::set_setting(self, &key, &value),
            Write::TouchTokens(tokens) => integrations::touch_tokens(self, &tokens),
            Write::UpdatePerson(update) => persons::update(self, &update),
            Write::UpdateResource(update) => resources::update(self, &update),
        }
    }

    /// Runs a statement of the cache and returns how many rows it changed.
    fn run(&self, sql: &str, params: impl rusqlite::Params) -> Result<usize, Error> {
        Ok(self.connection.prepare_cached(sql)?.execute(params)?)
    }

    /// Whether a row exists.
    fn exists(&self, sql: &str, params: impl rusqlite::Params) -> Result<bool, Error> {
        Ok(self.connection.prepare_cached(sql)?.exists(params)?)
    }

    fn draw_row(&mut self) -> i64 {
        self.last_row += 1;
        self.last_row
    }

    fn changed(&mut self) {
        self.committed.changed = true;
    }

    fn resource(&self, key: &ResourceKey) -> Result<i64, Error> {
        match key {
            ResourceKey::Seq(seq) => Ok(*seq),
            ResourceKey::New(id) => self.new_resources.get(id).copied().ok_or_else(|| no_such_key("resource", id)),
        }
    }

    fn person(&self, key: &PersonKey) -> Result<i64, Error> {
        match key {
            PersonKey::Seq(seq) => Ok(*seq),
            PersonKey::New(id) => self.new_persons.get(id).copied().ok_or_else(|| no_such_key("person", id)),
        }
    }

    /// Has the person's epoch bumped at the end of the set. Rows made by this set are known to nobody yet.
    fn bump(&mut self, person: i64) {
        if person <= self.base {
            self.stale_persons.insert(person);
        }
    }

    fn flush_epochs(&mut self) -> Result<(), Error> {
        let groups = std::mem::take(&mut self.stale_groups);
        if !groups.is_empty() {
            members::bump_below(self, &groups)?;
        }
        let mut statement = self.connection.prepare_cached("UPDATE person SET epoch = epoch + 1 WHERE seq = ?1")?;
        for person in &self.stale_persons {
            statement.execute(params![person])?;
        }
        Ok(())
    }
}

fn no_such_key(what: &str, id: &str) -> Error {
    Error::Unavailable(format!("the set names a {what} {id} that it does not insert before"))
}
