//! One set at work.
//!
//! Statements whose answer no later write needs are queued as [`Step`]s. Whatever is asked goes out together with what
//! is queued, behind it, so that every statement sees what came before it in the set.

use super::common::BUMP_EPOCH;
use super::integrations::INTEGRATION;
use super::members::{self, MemberDelta};
use super::resources::Row;
use super::tally::Tally;
use super::{Known, Place, guards, integrations, persons, removal, resources};
use crate::change::{Committed, Guard, NewResource, PersonKey, ResourceKey, ResourceUpdate, Write};
use crate::error::{Constraint, Error};
use crate::sql::words::each;
use crate::sql::{Exec, Param, Query, Sql, binds};
use bailiwick_domain::ids::Millis;
use futures_util::future::{try_join, try_join_all};
use std::collections::{BTreeSet, HashMap};

/// A statement that waits to be sent, and what its answer means.
#[derive(Debug)]
struct Step<'a> {
    sql: Sql,
    params: Vec<Param<'a>>,
    then: Then<'a>,
}

/// What the number of rows means that a statement changed.
#[derive(Clone, Copy, Debug)]
pub(super) enum Then<'a> {
    /// Nothing.
    Go,
    /// Product data changed if a row did.
    Changed,
    /// The decision is out of date if there was no row.
    Found,
    /// This resource was inserted, unless its userName or its id was taken or its integration is gone.
    Inserted(&'a NewResource),
    /// The same as `Changed`, of data that is kept in memory elsewhere.
    Touched,
    /// The document of a resource changed if the row did, unless its userName was taken.
    Updated(&'a ResourceUpdate),
}

pub(super) struct Work<'a, E> {
    exec: &'a E,
    /// Committed time.
    pub(super) at: i64,
    /// The last number given out before this set.
    pub(super) base: i64,
    /// The last number given to a row of this set.
    pub(super) last_row: i64,
    /// The version of everything this set changes: the sequence of its first event.
    pub(super) version: i64,
    queue: Vec<Step<'a>>,
    /// Whether what is queued holds an update of a resource, which has consequences.
    unsettled: bool,
    /// What is known of resources from before this set; nothing when too much has changed since.
    known: Option<&'a Known>,
    /// What this set found out or made of them.
    rows: Known,
    new_resources: HashMap<&'a str, i64>,
    new_persons: HashMap<&'a str, i64>,
    /// Persons whose epoch must be bumped.
    stale_persons: BTreeSet<i64>,
    /// Groups that were put into others or taken out: whoever is below them must be bumped.
    pub(super) stale_groups: BTreeSet<i64>,
    pub(super) members: Vec<MemberDelta>,
    /// Whether a write could have changed product data.
    pub(super) product: bool,
    pub(super) committed: Committed,
    pub(super) tally: Tally,
}

impl<'a, E: Exec> Work<'a, E> {
    pub(super) fn new(exec: &'a E, place: Place, known: &'a Known, writes: &[Write]) -> Self {
        let Place { base, at } = place;
        let rows = writes.iter().filter(|write| matches!(write, Write::InsertPerson(_) | Write::InsertResource(_)));
        let version = base + i64::try_from(rows.count()).unwrap_or(0) + 1;
        Self {
            exec,
            at,
            base,
            last_row: base,
            version,
            queue: Vec::new(),
            unsettled: false,
            known: Some(known),
            rows: Known::new(),
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

    pub(super) async fn write(&mut self, write: &'a Write) -> Result<(), Error> {
        self.product |= !matches!(write, Write::CountCalls(_) | Write::TouchTokens(_));
        match write {
            Write::CloseGrants { .. }
            | Write::DeleteEntry { .. }
            | Write::EndCredential { .. }
            | Write::DeleteItem { .. }
            | Write::Grants(_)
            | Write::Hold { .. }
            | Write::InsertCredential(_)
            | Write::InsertItem(_)
            | Write::MarkDirty(_)
            | Write::NoteRemovals { .. }
            | Write::PutAnswer(_)
            | Write::PutEntry(_)
            | Write::Release { .. }
            | Write::RevokeCredential { .. }
            | Write::SetAttributes { .. }
            | Write::SetFeed { .. }
            | Write::SetPerson { .. }
            | Write::SetPosition { .. }
            | Write::Settle { .. }
            | Write::TouchCredentials(_)
            | Write::UpdateItem(_)
            | Write::UseRecoveryCode { .. } => return Err(Error::Unavailable("not yet".to_owned())),
            Write::ClaimDomain { name, integration, method } => {
                integrations::claim_domain(self, name, *integration, method).await?;
            }
            Write::CountCalls(counts) => integrations::count_calls(self, counts),
            Write::InsertConflict(new) => persons::insert_conflict(self, new),
            Write::InsertIntegration(new) => integrations::insert(self, new).await?,
            Write::InsertLocalAccount { person, password_hash, recovery_digests } => {
                persons::insert_account(self, person, password_hash, recovery_digests).await?;
            }
            Write::InsertPerson(new) => persons::insert(self, new),
            Write::InsertResource(new) => resources::insert(self, new)?,
            Write::InsertToken(new) => integrations::insert_token(self, new)?,
            Write::Members { group, change, .. } => members::change(self, group, change).await?,
            Write::DeleteIntegration(id) => removal::delete_integration(self, *id).await?,
            Write::DeleteResource { seq, .. } => resources::delete(self, *seq).await?,
            Write::RecoverLocalAccount { person, password_hash, recovery_digests } => {
                persons::recover_account(self, *person, password_hash, recovery_digests);
            }
            Write::ReleaseDomain { name } => integrations::release_domain(self, name),
            Write::EndToken { id, expires } => integrations::end_token(self, id, *expires).await?,
            Write::RevokeToken { id } => integrations::revoke_token(self, id).await?,
            Write::SetConflict { id, state } => persons::set_conflict(self, id, state).await?,
            Write::UpdateIntegration { id, settings } => integrations::update(self, *id, settings).await?,
            Write::SetResourcePerson { seq, person } => resources::set_person(self, *seq, *person).await?,
            Write::SetSetting { key, value } => integrations::set_setting(self, key, value),
            Write::TouchTokens(tokens) => integrations::touch_tokens(self, tokens),
            Write::UpdatePerson(update) => persons::update(self, update),
            Write::UpdateResource(update) => resources::update(self, update).await?,
        }
        Ok(())
    }

    /// Queues a statement.
    pub(super) fn later(&mut self, sql: Sql, params: impl Into<Vec<Param<'a>>>, then: Then<'a>) {
        self.unsettled |= matches!(then, Then::Updated(_));
        self.queue.push(Step { sql, params: params.into(), then });
    }

    /// Runs what is queued and then a statement, and tells how many rows that changed.
    pub(super) async fn run(&mut self, sql: Sql, params: &[Param<'_>]) -> Result<u64, Error> {
        if self.queue.is_empty() {
            return self.exec.run(sql, params).await;
        }
        let exec = self.exec;
        let steps = self.take();
        // Made when it is polled, which is after the steps were sent.
        let last = async { exec.run(sql, params).await };
        let (counts, changed) = try_join(send(exec, &steps), last).await?;
        self.settle(&steps, &counts);
        Ok(changed)
    }

    /// Runs what is queued and then a query.
    pub(super) async fn all<T: Send>(&mut self, query: Query<'_, T>) -> Result<Vec<T>, Error> {
        if self.queue.is_empty() {
            return self.exec.all(query).await;
        }
        let exec = self.exec;
        let steps = self.take();
        let last = async { exec.all(query).await };
        let (counts, rows) = try_join(send(exec, &steps), last).await?;
        self.settle(&steps, &counts);
        Ok(rows)
    }

    /// The same; its first row.
    pub(super) async fn one<T: Send>(&mut self, query: Query<'_, T>) -> Result<Option<T>, Error> {
        Ok(self.all(query).await?.into_iter().next())
    }

    /// Whether a row exists.
    pub(super) async fn exists(&mut self, sql: Sql, params: impl Into<Vec<Param<'_>>>) -> Result<bool, Error> {
        Ok(self.one(Query::new(sql, params, |_| Ok(()))).await?.is_some())
    }

    /// Runs what is queued.
    async fn flush(&mut self) -> Result<(), Error> {
        if !self.queue.is_empty() {
            let steps = self.take();
            let counts = send(self.exec, &steps).await?;
            self.settle(&steps, &counts);
        }
        Ok(())
    }

    /// Runs what is queued if it holds an update of a resource: for who needs to know what became of it.
    pub(super) async fn settled(&mut self) -> Result<(), Error> {
        if self.unsettled { self.flush().await } else { Ok(()) }
    }

    fn take(&mut self) -> Vec<Step<'a>> {
        self.unsettled = false;
        std::mem::take(&mut self.queue)
    }

    /// Draws the consequences of what was run.
    fn settle(&mut self, steps: &[Step<'a>], counts: &[u64]) {
        for (step, count) in steps.iter().zip(counts) {
            match step.then {
                Then::Changed | Then::Touched | Then::Updated(_) if *count == 0 => {}
                Then::Changed => self.changed(),
                Then::Touched => self.touched(),
                Then::Updated(update) => resources::updated(self, update),
                Then::Go | Then::Found | Then::Inserted(_) => {}
            }
        }
    }

    /// What a resource is; `None` when there is none. Its version and name are those from before an update that is
    /// queued, see [`Self::settled`].
    pub(super) async fn row(&mut self, seq: i64) -> Result<Option<Row>, Error> {
        self.look_up(&[seq]).await?;
        Ok(self.seen(seq).cloned())
    }

    /// Looks up those of the resources that are not known yet.
    pub(super) async fn look_up(&mut self, seqs: &[i64]) -> Result<(), Error> {
        let is_known =
            |seq: &i64| self.rows.contains_key(seq) || self.known.is_some_and(|known| known.contains_key(seq));
        let missing: Vec<i64> = seqs.iter().copied().filter(|seq| !is_known(seq)).collect();
        if missing.is_empty() {
            return Ok(());
        }
        let found = self.all(resources::rows(&missing)).await?;
        self.rows.extend(missing.into_iter().map(|seq| (seq, None)));
        self.rows.extend(found.into_iter().map(|(seq, row)| (seq, Some(row))));
        Ok(())
    }

    /// A resource that was looked up.
    pub(super) fn seen(&self, seq: i64) -> Option<&Row> {
        self.rows.get(&seq).or_else(|| self.known?.get(&seq))?.as_ref()
    }

    /// Notes what a resource has become.
    pub(super) fn note(&mut self, seq: i64, row: Option<Row>) {
        self.rows.insert(seq, row);
    }

    /// Nothing that is known of resources holds any more.
    pub(super) fn forget(&mut self) {
        self.known = None;
        self.rows.clear();
    }

    pub(super) fn draw_row(&mut self) -> i64 {
        self.last_row += 1;
        self.last_row
    }

    pub(super) fn changed(&mut self) {
        self.committed.changed = true;
    }

    /// The same, of data that is kept in memory elsewhere.
    pub(super) fn touched(&mut self) {
        self.tally.touched = true;
        self.changed();
    }

    pub(super) fn resource(&self, key: &ResourceKey) -> Result<i64, Error> {
        match key {
            ResourceKey::Seq(seq) => Ok(*seq),
            ResourceKey::New(id) => self.new_resources.get(id.as_str()).copied().ok_or_else(|| unknown("resource", id)),
        }
    }

    pub(super) fn person(&self, key: &PersonKey) -> Result<i64, Error> {
        match key {
            PersonKey::Seq(seq) => Ok(*seq),
            PersonKey::New(id) => self.new_persons.get(id.as_str()).copied().ok_or_else(|| unknown("person", id)),
        }
    }

    /// Remembers the row of a resource that this set inserts.
    pub(super) fn new_resource(&mut self, id: &'a str, seq: i64, row: Row) {
        self.new_resources.insert(id, seq);
        self.rows.insert(seq, Some(row));
        self.committed.inserted.push((id.to_owned(), seq));
    }

    /// Remembers the row of a person that this set inserts.
    pub(super) fn new_person(&mut self, id: &'a str, seq: i64) {
        self.new_persons.insert(id, seq);
    }

    /// Has the person's epoch bumped at the end of the set. Rows made by this set are known to nobody yet.
    pub(super) fn bump(&mut self, person: i64) {
        if person <= self.base {
            self.stale_persons.insert(person);
        }
    }

    /// Bumps what the writes made stale and what the guards ask for, and waits for everything.
    pub(super) async fn finish(&mut self, guards: &'a [Guard]) -> Result<(), Error> {
        self.settled().await?;
        let groups: Vec<i64> = std::mem::take(&mut self.stale_groups).into_iter().collect();
        if !groups.is_empty() {
            members::bump_below(self, &groups).await?;
        }
        let persons: Vec<i64> = std::mem::take(&mut self.stale_persons).into_iter().collect();
        match persons.as_slice() {
            [] => {}
            [one] => self.later(BUMP_EPOCH, binds![*one], Then::Go),
            _ => {
                let sql = each!("UPDATE person SET epoch = epoch + 1 WHERE seq " (among 1));
                self.later(sql, [Param::Ints(persons.into())], Then::Go);
            }
        }
        for guard in guards {
            guards::bump(self, guard);
        }
        self.flush().await
    }
}

/// Sends steps without waiting for one another and answers how many rows each changed. The first that fails, in their
/// order, is what the set fails with.
async fn send<E: Exec>(exec: &E, steps: &[Step<'_>]) -> Result<Vec<u64>, Error> {
    if let [step] = steps {
        return Ok(vec![run(exec, step).await?]);
    }
    try_join_all(steps.iter().map(|step| run(exec, step))).await
}

async fn run<E: Exec>(exec: &E, step: &Step<'_>) -> Result<u64, Error> {
    let Step { sql, params, then } = step;
    let changed = match then {
        Then::Inserted(_) | Then::Updated(_) => {
            exec.run_unique(*sql, params).await?.ok_or(Error::Conflict(Constraint::UserName))?
        }
        Then::Changed | Then::Found | Then::Go | Then::Touched => exec.run(*sql, params).await?,
    };
    match then {
        Then::Found if changed == 0 => Err(Error::Stale),
        Then::Inserted(new) if changed == 0 => {
            let integration = Query::new(INTEGRATION, binds![new.integration.0], |_| Ok(()));
            Err(match exec.one(integration).await? {
                Some(()) => Error::Unavailable(format!("the id {} is taken", new.id)),
                None => Error::Stale,
            })
        }
        _ => Ok(changed),
    }
}

fn unknown(what: &str, id: &str) -> Error {
    Error::Unavailable(format!("the set names a {what} {id} that it does not insert before"))
}
