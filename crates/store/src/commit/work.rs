//! One set at work.
//!
//! Statements whose answer no later write needs are queued as [`Step`]s. Whatever is asked goes out together with what
//! is queued, behind it, so that every statement sees what came before it in the set.

use super::common::{BUMP_EPOCH, MARK_DIRTY, SETTLE};
use super::credentials::{self, Revoked};
use super::integrations::INTEGRATION;
use super::members::{self, MemberDelta};
use super::resources::Row;
use super::tally::Tally;
use super::{Known, Place, grants, guards, integrations, items, keep, persons, removal, resources};
use crate::change::{Committed, Guard, ItemKey, NewEvent, NewResource, PersonKey, ResourceKey, ResourceUpdate, Write};
use crate::error::{Constraint, Error};
use crate::sql::words::each;
use crate::sql::{Exec, Param, Query, Sql, binds};
use bailiwick_domain::ids::Millis;
use futures_util::future::{try_join, try_join_all};
use std::collections::{BTreeMap, BTreeSet, HashMap};

/// Most persons that a commit names as marked.
const DIRTY_TOLD: usize = 256;

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
    /// Product data changed if a row did, and with it the epoch of this person.
    Granted(i64),
    /// This resource was inserted, unless its userName or its id was taken or its integration is gone.
    Inserted(&'a NewResource),
    /// The persons that were concerned are marked if a row changed: nobody is where there is nothing to evaluate.
    Marked,
    /// Persons were marked if rows changed, and nobody knows which.
    MarkedMore,
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
    /// The integration whose call this is.
    cause: Option<i64>,
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
    new_items: HashMap<&'a str, i64>,
    /// Persons whose epoch must be bumped, and those for whom that is done or queued.
    stale_persons: BTreeSet<i64>,
    bumped: BTreeSet<i64>,
    whom: Whom,
    /// Credentials that went with the access of their persons.
    pub(super) revoked: Vec<Revoked>,
    /// Groups that were put into others or taken out: whoever is below them must be bumped.
    pub(super) stale_groups: BTreeSet<i64>,
    pub(super) members: Vec<MemberDelta>,
    /// Whether a write could have changed product data.
    pub(super) product: bool,
    pub(super) committed: Committed,
    pub(super) tally: Tally,
}

/// Persons that a set concerns beyond their epochs.
#[derive(Debug, Default)]
struct Whom {
    /// What their grants follow from changed.
    concerned: BTreeSet<i64>,
    /// They are to be evaluated again by the word of the set.
    marked: BTreeSet<i64>,
    /// Their grants were evaluated with everything that the set does.
    settled: BTreeMap<i64, i64>,
    /// There is nothing to evaluate any more.
    closed: BTreeSet<i64>,
    /// They may have lost their access.
    ended: BTreeSet<i64>,
}

impl<'a, E: Exec> Work<'a, E> {
    pub(super) fn new(exec: &'a E, place: Place, known: &'a Known, writes: &[Write]) -> Self {
        let Place { base, at } = place;
        let rows = writes.iter().map(|write| match write {
            Write::InsertItem(_) | Write::InsertPerson(_) | Write::InsertResource(_) => 1,
            Write::Grants(write) => write.open.len(),
            _ => 0,
        });
        let version = base + i64::try_from(rows.sum::<usize>()).unwrap_or(0) + 1;
        Self {
            exec,
            at,
            base,
            last_row: base,
            cause: None,
            version,
            queue: Vec::new(),
            unsettled: false,
            known: Some(known),
            rows: Known::new(),
            new_resources: HashMap::new(),
            new_persons: HashMap::new(),
            new_items: HashMap::new(),
            stale_persons: BTreeSet::new(),
            bumped: BTreeSet::new(),
            whom: Whom::default(),
            revoked: Vec::new(),
            stale_groups: BTreeSet::new(),
            members: Vec::new(),
            product: false,
            committed: Committed { seq: version, at: Millis(at), ..Committed::default() },
            tally: Tally::default(),
        }
    }

    /// Remembers whose call this is: the integration of the event that is the record of a call.
    pub(super) fn caused_by(&mut self, events: &[NewEvent]) {
        let call = events.iter().find(|event| event.call.is_some());
        self.cause = call.and_then(|event| event.integration).map(|integration| integration.0);
    }

    pub(super) async fn write(&mut self, write: &'a Write) -> Result<(), Error> {
        self.product |= !matches!(
            write,
            Write::Bump { .. }
                | Write::CountCalls(_)
                | Write::MarkDirty(_)
                | Write::NoteRemovals { .. }
                | Write::PutAnswer(_)
                | Write::SetPosition { .. }
                | Write::Settle { .. }
                | Write::TouchCredentials(_)
                | Write::TouchTokens(_)
        );
        match write {
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
            Write::AdoptResource { seq, person, authority } => {
                resources::adopt(self, *seq, person, *authority).await?;
            }
            Write::SetResourcePerson { seq, person } => resources::set_person(self, *seq, *person).await?,
            Write::SetSetting { key, value } => integrations::set_setting(self, key, value),
            Write::TouchTokens(tokens) => integrations::touch_tokens(self, tokens),
            Write::UpdatePerson(update) => persons::update(self, update),
            Write::UpdateResource(update) => resources::update(self, update).await?,
            _ => self.write_catalog(write).await?,
        }
        Ok(())
    }

    /// What concerns the catalog and access.
    async fn write_catalog(&mut self, write: &'a Write) -> Result<(), Error> {
        match write {
            Write::Bump { key } => guards::bump_key(self, key),
            Write::CloseGrants { kind, object } => grants::close_object(self, *kind, object).await?,
            Write::DeleteEntry { collection, id } => keep::delete_entry(self, collection, id),
            Write::DeleteItem { seq } => items::delete(self, *seq).await?,
            Write::EndCredential { id, expires } => credentials::end(self, id, *expires).await?,
            Write::Grants(write) => grants::write(self, write)?,
            Write::Hold { persons, hold, state } => grants::hold(self, persons, hold, *state),
            Write::InsertCredential(new) => credentials::insert(self, new)?,
            Write::InsertItem(new) => items::insert(self, new).await?,
            Write::MarkDirty(whom) => grants::mark(self, whom).await?,
            Write::NoteRemovals { integration, persons } => grants::note_removals(self, *integration, persons),
            Write::PutAnswer(answer) => keep::put_answer(self, answer),
            Write::PutEntry(entry) => keep::put_entry(self, entry),
            Write::Release { persons } => grants::release(self, persons),
            Write::RevokeCredential { id } => credentials::revoke(self, id).await?,
            Write::SetAttributes { person, doc } => persons::set_attributes(self, *person, doc),
            Write::SetFeed { team, group, role } => items::set_feed(self, *team, *group, role).await?,
            Write::SetPerson { person, local, admin } => persons::set(self, *person, *local, *admin),
            Write::SetPosition { consumer, position } => keep::set_position(self, consumer, *position),
            Write::Settle { persons, mark } => grants::settle(self, persons, *mark),
            Write::TouchCredentials(credentials) => credentials::touch(self, credentials),
            Write::UpdateItem(update) => items::update(self, update).await?,
            Write::UseRecoveryCode { digest, person } => credentials::use_recovery_code(self, digest, *person),
            other => return Err(Error::Unavailable(format!("a write is not known: {other:?}"))),
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
                Then::Changed
                | Then::Granted(_)
                | Then::Marked
                | Then::MarkedMore
                | Then::Touched
                | Then::Updated(_)
                    if *count == 0 => {}
                Then::Changed => self.changed(),
                Then::Granted(person) => {
                    self.changed();
                    self.bump(person);
                }
                Then::Marked => {
                    let concerned = std::mem::take(&mut self.whom.concerned);
                    self.tell_dirty(concerned);
                }
                Then::MarkedMore => {
                    self.committed.dirty.clear();
                    self.committed.dirty_more = true;
                }
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

    pub(super) fn item(&self, key: &ItemKey) -> Result<i64, Error> {
        match key {
            ItemKey::Seq(seq) => Ok(*seq),
            ItemKey::New(id) => self.new_items.get(id.as_str()).copied().ok_or_else(|| unknown("item", id)),
        }
    }

    /// Remembers the row of an item that this set inserts.
    pub(super) fn new_item(&mut self, id: &'a str, seq: i64) {
        self.new_items.insert(id, seq);
        self.committed.inserted.push((id.to_owned(), seq));
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

    /// The same for what the person's grants follow from: they are to be evaluated again, if the set does not hold the
    /// outcome itself.
    pub(super) fn concern(&mut self, person: i64) {
        self.bump(person);
        self.whom.concerned.insert(person);
    }

    /// Has persons evaluated again, whatever else the set does to them.
    pub(super) fn mark(&mut self, persons: &[i64]) {
        self.whom.marked.extend(persons);
    }

    /// The grants of the person were evaluated with everything that the set does, and that had asked for it up to this
    /// mark.
    pub(super) fn settled_person(&mut self, person: i64, mark: i64) {
        self.whom.settled.insert(person, mark);
    }

    /// The person may have lost all access. Closed for good, there is nothing left to evaluate.
    pub(super) fn end_access(&mut self, person: i64, closed: bool) {
        self.whom.ended.insert(person);
        if closed {
            self.whom.closed.insert(person);
        }
    }

    fn tell_dirty(&mut self, persons: BTreeSet<i64>) {
        let dirty = &mut self.committed.dirty;
        dirty.extend(persons);
        dirty.sort_unstable();
        dirty.dedup();
        if self.committed.dirty_more || dirty.len() > DIRTY_TOLD {
            dirty.clear();
            self.committed.dirty_more = true;
        }
    }

    /// Queues the marks of persons to be evaluated again.
    fn queue_marks(&mut self) {
        let Whom { concerned, marked, settled, closed, .. } = &mut self.whom;
        concerned.retain(|person| !settled.contains_key(person) && !closed.contains(person));
        // What the set evaluated without looking at marks (0) leaves those that it asks for itself.
        marked.retain(|person| settled.get(person).is_none_or(|mark| *mark == 0));
        let list = |persons: &BTreeSet<i64>| Param::Ints(persons.iter().copied().collect());
        let (settled, marked) = (std::mem::take(settled), std::mem::take(marked));
        let automatic = Vec::from_iter(concerned.iter().copied());
        for (person, mark) in settled.into_iter().filter(|(_, mark)| *mark > 0) {
            self.later(SETTLE, binds![person, mark], Then::Go);
        }
        let version = self.version;
        if !marked.is_empty() {
            let sql = each!(
                "INSERT INTO dirty (person, mark, cause) SELECT given.value, ?2, CAST(?3 AS bigint) FROM " (given 1) "
                 WHERE true
                 ON CONFLICT (person) DO UPDATE SET mark = excluded.mark, cause = coalesce(excluded.cause, dirty.cause)"
            );
            self.later(sql, [list(&marked), version.into(), self.cause.into()], Then::Go);
            self.tell_dirty(marked);
        }
        match automatic.as_slice() {
            [] => {}
            [one] => self.later(MARK_DIRTY, binds![*one, version, self.cause], Then::Marked),
            _ => {
                let sql = each!(
                    "INSERT INTO dirty (person, mark, cause) SELECT given.value, ?2, CAST(?3 AS bigint) FROM " (given 1) "
                     WHERE EXISTS (SELECT 1 FROM guard WHERE key = 'mapping')
                       AND NOT EXISTS (SELECT 1 FROM person WHERE person.seq = given.value AND person.state = 3)
                     ON CONFLICT (person) DO UPDATE SET mark = excluded.mark, cause = coalesce(excluded.cause, dirty.cause)"
                );
                self.later(sql, [Param::Ints(automatic.into()), version.into(), self.cause.into()], Then::Marked);
            }
        }
    }

    /// Queues what bumps the epochs; whether there was any.
    fn queue_bumps(&mut self) -> bool {
        let stale = std::mem::take(&mut self.stale_persons);
        let persons: Vec<i64> = stale.into_iter().filter(|person| self.bumped.insert(*person)).collect();
        match persons.as_slice() {
            [] => return false,
            [one] => self.later(BUMP_EPOCH, binds![*one], Then::Go),
            _ => {
                let sql = each!("UPDATE person SET epoch = epoch + 1 WHERE seq " (among 1));
                self.later(sql, [Param::Ints(persons.into())], Then::Go);
            }
        }
        true
    }

    /// Bumps what the writes made stale and what the guards ask for, and waits for everything.
    pub(super) async fn finish(&mut self, guards: &'a [Guard]) -> Result<(), Error> {
        self.settled().await?;
        let groups: Vec<i64> = std::mem::take(&mut self.stale_groups).into_iter().collect();
        if !groups.is_empty() {
            members::bump_below(self, &groups).await?;
        }
        self.queue_marks();
        self.queue_bumps();
        for guard in guards {
            guards::bump(self, guard);
        }
        let ended = std::mem::take(&mut self.whom.ended);
        if ended.is_empty() {
            self.flush().await?;
        } else {
            let revoked = self.all(credentials::end_access(ended.into_iter().collect())).await?;
            if !revoked.is_empty() {
                self.touched();
            }
            self.committed.revoked.extend(revoked.iter().map(|revoked| (revoked.id.clone(), revoked.kind)));
            self.revoked = revoked;
        }
        // Whether grants really changed is known only now.
        if self.queue_bumps() { self.flush().await } else { Ok(()) }
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
        _ => exec.run(*sql, params).await?,
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
