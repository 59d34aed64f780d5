//! How many waves of statements a set costs where each wave is a trip to another machine, and what it draws.

use super::*;
use crate::change::{
    CallFacts, Columns, CredentialKind, GrantsWrite, Guard, NewCredential, NewEvent, NewGrant, NewPerson, NewResource,
    PersonFacts, PersonKey, PersonUpdate, ResourceUpdate,
};
use crate::error::Constraint;
use crate::migration::MIGRATIONS;
use crate::sql::{Param, Query, Sql};
use crate::sqlite::exec::done;
use bailiwick_domain::event::EventKind;
use bailiwick_domain::ids::{IntegrationId, Kind, Millis};
use bailiwick_domain::mapping::GrantKind;
use bailiwick_domain::person::State;
use rusqlite::Connection;
use std::future::poll_fn;
use std::pin::pin;
use std::sync::{Mutex, MutexGuard, PoisonError};
use std::task::{Context, Poll, Waker};

/// An engine that answers a statement only when nobody has another one to send.
struct Distant {
    connection: Mutex<Connection>,
    waiting: Mutex<Vec<Waker>>,
}

fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}

impl Distant {
    /// A store with one integration.
    fn new() -> Self {
        let connection = Connection::open_in_memory().unwrap();
        for migration in MIGRATIONS {
            connection.execute_batch(migration.sql.sqlite).unwrap();
        }
        connection
            .execute("INSERT INTO integration (name, preset, quirks, created) VALUES ('okta', 'okta', 0, 1)", [])
            .unwrap();
        Self { connection: Mutex::new(connection), waiting: Mutex::default() }
    }

    async fn answer<T>(&self, answer: T) -> T {
        let mut sent = false;
        poll_fn(|context| {
            if std::mem::replace(&mut sent, true) {
                return Poll::Ready(());
            }
            lock(&self.waiting).push(context.waker().clone());
            Poll::Pending
        })
        .await;
        answer
    }

    /// Runs something to its end; tells in how many waves.
    fn waves<T>(&self, work: impl Future<Output = Result<T, Error>> + Send) -> Result<(T, u32), Error> {
        let mut work = pin!(work);
        let mut waves = 0;
        loop {
            if let Poll::Ready(result) = work.as_mut().poll(&mut Context::from_waker(Waker::noop())) {
                return result.map(|value| (value, waves));
            }
            waves += 1;
            lock(&self.waiting).drain(..).for_each(Waker::wake);
        }
    }

    /// Commits a set and tells the waves of its guards and those of its writes.
    fn commit(&self, set: &ChangeSet) -> Result<(Applied, (u32, u32)), Error> {
        let base = lock(&self.connection).query_row("SELECT value FROM sequence", [], |row| row.get(0))?;
        let ((), checked) = self.waves(check(self, set))?;
        let (known, _) = self.waves(load(self, &mentioned(set)))?;
        let (applied, written) = self.waves(apply(self, set, Place { base, at: 7 }, &known))?;
        assert!(applied.last - base <= numbers(set), "{} numbers from {base}: {set:?}", applied.last - base);
        lock(&self.connection).execute("UPDATE sequence SET value = ?1", [applied.last])?;
        Ok((applied, (checked, written)))
    }

    /// Commits a set and answers the rows it inserted.
    fn rows(&self, set: &ChangeSet) -> Vec<i64> {
        let (applied, _) = self.commit(set).unwrap();
        applied.committed.inserted.into_iter().map(|(_, seq)| seq).collect()
    }
}

impl Exec for Distant {
    async fn run(&self, sql: Sql, params: &[Param<'_>]) -> Result<u64, Error> {
        let answer = done((&*lock(&self.connection)).run(sql, params));
        self.answer(answer).await
    }

    async fn run_unique(&self, sql: Sql, params: &[Param<'_>]) -> Result<Option<u64>, Error> {
        let answer = done((&*lock(&self.connection)).run_unique(sql, params));
        self.answer(answer).await
    }

    async fn all<T: Send>(&self, query: Query<'_, T>) -> Result<Vec<T>, Error> {
        let answer = done((&*lock(&self.connection)).all(query));
        self.answer(answer).await
    }

    async fn one<T: Send>(&self, query: Query<'_, T>) -> Result<Option<T>, Error> {
        let answer = done((&*lock(&self.connection)).one(query));
        self.answer(answer).await
    }

    async fn append(&self, _lines: &[EventLine]) -> Result<(), Error> {
        Ok(())
    }
}

fn facts(name: &str) -> PersonFacts {
    PersonFacts {
        state: State::Active,
        display: name.to_owned(),
        email: None,
        email_key: None,
        user_name: Some(name.to_owned()),
        user_name_key: Some(name.to_owned()),
    }
}

fn columns(kind: Kind, name: &str, title: &str) -> Columns {
    Columns {
        name_unique: (kind == Kind::User).then(|| name.to_owned()),
        name_match: name.to_owned(),
        display: name.to_owned(),
        external_id: None,
        active: true,
        manager: None,
        email_keys: vec![format!("{name}@one"), format!("{name}@two")],
        doc: format!(r#"{{"title":"{title}"}}"#),
        keys: "{}".to_owned(),
    }
}

fn resource(kind: Kind, name: &str) -> NewResource {
    NewResource {
        id: name.to_owned(),
        integration: IntegrationId(1),
        kind,
        columns: columns(kind, name, ""),
        person: (kind == Kind::User).then(|| PersonKey::New(format!("per_{name}"))),
        authority: kind == Kind::User,
    }
}

fn set(writes: Vec<Write>, guards: Vec<Guard>, resource: &str) -> ChangeSet {
    let event = NewEvent {
        kind: EventKind::Patch,
        integration: Some(IntegrationId(1)),
        request: "req_1".to_owned(),
        resource: Some(resource.to_owned()),
        person: None,
        actor: "host".to_owned(),
        call: Some(CallFacts { method: "POST".to_owned(), status: 200, code: None, duration_us: 1 }),
        payload: serde_json::json!({}),
        salt: [0; 16],
    };
    ChangeSet { at: Millis(7), guards, writes, events: vec![event] }
}

fn create(name: &str) -> ChangeSet {
    let person =
        NewPerson { id: format!("per_{name}"), facts: facts(name), local: false, admin: false, doc: "{}".to_owned() };
    let writes = vec![Write::InsertPerson(person), Write::InsertResource(resource(Kind::User, name))];
    let key = Guard::Key { key: format!("key/{name}"), version: 0, bump: true };
    let email_keys = vec![format!("{name}@one"), format!("{name}@two")];
    let nobody = Guard::Candidates { user_name_key: name.to_owned(), email_keys, persons: Vec::new() };
    set(writes, vec![nobody, key], name)
}

fn members(group: ResourceKey, change: MemberWrite) -> Write {
    Write::Members { group, change, wide: false }
}

fn keys(seqs: &[i64]) -> Vec<ResourceKey> {
    seqs.iter().copied().map(ResourceKey::Seq).collect()
}

/// A store with many users, and their rows.
fn crowded() -> (Distant, Vec<i64>) {
    let store = Distant::new();
    let users = (0..40).flat_map(|number| store.rows(&create(&format!("user{number}")))).collect();
    (store, users)
}

#[test]
fn a_user_is_created_in_two_waves() {
    let store = Distant::new();
    assert_eq!(store.commit(&create("ann")).unwrap().1, (1, 1));
    assert!(matches!(store.commit(&create("ann")), Err(Error::Stale)));
    let mut again = create("ann");
    again.guards.clear();
    again.writes.remove(0);
    let Write::InsertResource(new) = &mut again.writes[0] else { unreachable!() };
    new.person = None;
    assert!(matches!(store.commit(&again), Err(Error::Unavailable(_))), "the id is taken");
    let Write::InsertResource(new) = &mut again.writes[0] else { unreachable!() };
    new.id = "other".to_owned();
    assert!(matches!(store.commit(&again), Err(Error::Conflict(Constraint::UserName))));
}

#[test]
fn a_user_and_its_person_change_in_two_waves() {
    let store = Distant::new();
    let user = store.rows(&create("ann"))[0];
    let update = |title| {
        let resource = ResourceUpdate { seq: user, columns: columns(Kind::User, "ann", title) };
        let person = PersonUpdate { seq: user - 1, facts: facts("ann"), authority: None };
        set(vec![Write::UpdateResource(resource), Write::UpdatePerson(person)], Vec::new(), "ann")
    };
    let (applied, waves) = store.commit(&update("chief")).unwrap();
    assert_eq!((waves, applied.committed.changed), ((0, 2), true));
    let (applied, waves) = store.commit(&set(vec![update("chief").writes.remove(0)], Vec::new(), "ann")).unwrap();
    assert_eq!((waves, applied.committed.changed), ((0, 1), false), "an equal document is no change");
}

#[test]
fn members_come_and_go_in_two_waves_however_many() {
    let (store, users) = crowded();
    let group = store.rows(&set(vec![Write::InsertResource(resource(Kind::Group, "all"))], Vec::new(), "all"))[0];
    let commit = |change| {
        let (applied, waves) = store.commit(&set(vec![members(ResourceKey::Seq(group), change)], Vec::new(), "all"))?;
        let body: serde_json::Value = serde_json::from_str(&applied.events[0].body).unwrap();
        let told = |which: &str| body["members"][which].as_array().map_or(0, Vec::len);
        Ok::<_, Error>((waves, told("added"), told("removed")))
    };
    assert_eq!(commit(MemberWrite::Add(keys(&users))).unwrap(), ((0, 2), 40, 0));
    assert_eq!(commit(MemberWrite::Add(keys(&users))).unwrap(), ((0, 1), 0, 0));
    assert_eq!(commit(MemberWrite::Remove(keys(&users[..1]))).unwrap(), ((0, 2), 0, 1));
    assert_eq!(commit(MemberWrite::Set(keys(&users[..30]))).unwrap(), ((0, 3), 1, 10));
    assert_eq!(commit(MemberWrite::Clear).unwrap(), ((0, 3), 0, 30));
    assert!(matches!(commit(MemberWrite::Add(keys(&[users[0], 9_999]))), Err(Error::Stale)));
}

#[test]
fn a_group_is_created_with_its_members_in_two_waves() {
    let (store, users) = crowded();
    let group = Write::InsertResource(resource(Kind::Group, "all"));
    let add = members(ResourceKey::New("all".to_owned()), MemberWrite::Add(keys(&users)));
    let (applied, waves) = store.commit(&set(vec![group, add], Vec::new(), "all")).unwrap();
    assert_eq!(waves, (0, 2));
    assert!(applied.tally.member_groups.is_empty(), "a new group has its version already");
}

#[test]
fn a_new_group_reserves_numbers_for_the_members_it_is_given() {
    let (store, users) = crowded();
    let group = || Write::InsertResource(resource(Kind::Group, "all"));
    let change = |change| members(ResourceKey::New("all".to_owned()), change);
    let replaced = vec![group(), change(MemberWrite::Add(keys(&users))), change(MemberWrite::Set(keys(&users[..1])))];
    let replaced = set(replaced, Vec::new(), "all");
    assert_eq!(numbers(&replaced), 5);
    store.commit(&replaced).unwrap();
    let many: Vec<i64> = (0..2_500).collect();
    let with = |change| set(vec![group(), change], Vec::new(), "all");
    assert_eq!(numbers(&with(change(MemberWrite::Set(keys(&many))))), 6);
    assert_eq!(numbers(&with(change(MemberWrite::Clear))), 3);
    let known = members(ResourceKey::Seq(1), MemberWrite::Set(keys(&many)));
    assert!(numbers(&with(known)) > 100_000, "who leaves is not known");
}

#[test]
fn a_user_is_deleted_in_two_waves() {
    let (store, users) = crowded();
    let delete = set(vec![Write::DeleteResource { seq: users[0], kind: Kind::User }], Vec::new(), "user0");
    assert_eq!(store.commit(&delete).unwrap().1, (0, 2));
    assert!(matches!(store.commit(&delete), Err(Error::Stale)));
}

fn grants(person: i64, object: &str, close: Vec<i64>) -> Write {
    let open = NewGrant {
        kind: GrantKind::Team,
        object: object.to_owned(),
        value: String::new(),
        origin: "hand".to_owned(),
        path: "[]".to_owned(),
    };
    Write::Grants(GrantsWrite { person: PersonKey::Seq(person), open: vec![open], close, settled: Some(i64::MAX) })
}

#[test]
fn a_membership_takes_no_more_waves_with_its_grants() {
    let (store, users) = crowded();
    let group = store.rows(&set(vec![Write::InsertResource(resource(Kind::Group, "all"))], Vec::new(), "all"))[0];
    let person = users[0] - 1;
    let member = || members(ResourceKey::Seq(group), MemberWrite::Add(keys(&users[..1])));
    let joined = set(vec![member(), grants(person, "a", Vec::new())], Vec::new(), "all");
    let (applied, waves) = store.commit(&joined).unwrap();
    assert_eq!((waves, applied.committed.dirty), ((0, 2), Vec::new()));
    // By themselves they take one more: whether they change anything is known only when they are written.
    let alone = |object, close| set(vec![grants(person, object, close)], Vec::new(), "all");
    assert_eq!(store.commit(&alone("b", vec![joined_grant(&store)])).unwrap().1, (0, 2));
    let (applied, waves) = store.commit(&alone("b", Vec::new())).unwrap();
    assert_eq!((waves, applied.committed.changed), ((0, 1), false));
}

fn joined_grant(store: &Distant) -> i64 {
    lock(&store.connection).query_row("SELECT seq FROM access_grant", [], |row| row.get(0)).unwrap()
}

#[test]
fn access_ends_in_no_wave_of_its_own() {
    let store = Distant::new();
    let user = store.rows(&create("ann"))[0];
    let session = NewCredential {
        id: "ses_1".to_owned(),
        kind: CredentialKind::Session,
        person: Some(PersonKey::Seq(user - 1)),
        service: None,
        label: String::new(),
        digest: [1; 32],
        scopes: "[]".to_owned(),
        expires: None,
    };
    assert_eq!(store.commit(&set(vec![Write::InsertCredential(session)], Vec::new(), "ann")).unwrap().1, (0, 1));
    let resource = ResourceUpdate { seq: user, columns: columns(Kind::User, "ann", "off") };
    let facts = PersonFacts { state: State::Inactive, ..facts("ann") };
    let person = PersonUpdate { seq: user - 1, facts, authority: None };
    let off = set(vec![Write::UpdateResource(resource), Write::UpdatePerson(person)], Vec::new(), "ann");
    let (applied, waves) = store.commit(&off).unwrap();
    assert_eq!((waves, applied.committed.revoked.len()), ((0, 2), 1));
    assert!(applied.tally.touched);
}
