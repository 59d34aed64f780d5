//! A store in a place of its own, a clock that is set by hand, and changes in few words.

use crate::schema::Schema;
use bailiwick_domain::event::EventKind;
use bailiwick_domain::ids::{IntegrationId, Kind, Millis};
use bailiwick_domain::mapping::GrantKind;
use bailiwick_domain::person::State;
use bailiwick_scim::text::{match_key, unique_key};
use bailiwick_store::change::{
    CallFacts, Columns, GrantsWrite, IntegrationSettings, ItemColumns, MemberWrite, NewGrant, NewIntegration, NewItem,
    NewPerson, NewRelation, NewResource, PersonFacts, PersonKey, PersonUpdate, ResourceKey,
};
use bailiwick_store::query::EventQuery;
use bailiwick_store::rows::EventRow;
use bailiwick_store::{ChangeSet, Committed, DatabaseUrl, Error, Location, NewEvent, OpenOptions, Role, Store, Write};
use serde_json::json;
use std::path::Path;
use std::sync::Arc;
use std::sync::atomic::{AtomicI64, AtomicU64, Ordering};

pub(crate) const START: i64 = 1_800_000_000_000;

/// Where a store is kept: in a folder, or in a schema of the database that the environment names. It goes with this.
#[derive(Debug)]
pub(crate) enum Place {
    Folder(tempfile::TempDir),
    Schema(Schema),
}

impl Place {
    /// An empty one on the engine that the tests run on.
    pub(crate) fn new() -> Self {
        Schema::of_environment().map_or_else(Self::folder, Self::Schema)
    }

    /// An empty folder.
    pub(crate) fn folder() -> Self {
        Self::Folder(tempfile::tempdir().unwrap())
    }

    /// An empty schema. What needs one runs with the tests on PostgreSQL alone.
    pub(crate) fn schema() -> Self {
        Self::Schema(Schema::of_environment().unwrap_or_else(|| panic!("BAILIWICK_TEST_POSTGRES names no database")))
    }

    pub(crate) fn location(&self) -> Location {
        match self {
            Self::Folder(dir) => Location::Folder(dir.path().to_owned()),
            Self::Schema(schema) => Location::Postgres(DatabaseUrl::parse(&schema.url()).unwrap()),
        }
    }

    /// Runs statements behind the store's back.
    pub(crate) fn sql(&self, text: &str) {
        match self {
            Self::Folder(dir) => connect(dir.path()).execute_batch(text).unwrap(),
            Self::Schema(schema) => schema.execute(text),
        }
    }

    /// The rows of a query behind the store's back, every value as text; NULL is the empty text.
    pub(crate) fn rows(&self, text: &str) -> Vec<Vec<String>> {
        match self {
            Self::Folder(dir) => rows(&connect(dir.path()), text),
            Self::Schema(schema) => schema.rows(text),
        }
    }
}

/// A connection to the database of a folder.
pub(crate) fn connect(dir: &Path) -> rusqlite::Connection {
    rusqlite::Connection::open(dir.join("bailiwick.db")).unwrap()
}

pub(crate) fn rows(connection: &rusqlite::Connection, text: &str) -> Vec<Vec<String>> {
    let shown = |value: rusqlite::types::Value| match value {
        rusqlite::types::Value::Integer(int) => int.to_string(),
        rusqlite::types::Value::Null => String::new(),
        rusqlite::types::Value::Text(text) => text,
        other => panic!("{other:?} is not shown as text"),
    };
    let mut statement = connection.prepare(text).unwrap();
    let columns = statement.column_count();
    let rows = statement.query_map([], |row| (0..columns).map(|column| row.get(column).map(shown)).collect()).unwrap();
    rows.collect::<Result<_, _>>().unwrap()
}

/// A store under test.
pub(crate) struct Bench {
    // Fields are dropped in order: the store is closed before its place goes.
    pub(crate) store: Store,
    pub(crate) place: Place,
    pub(crate) clock: Arc<AtomicI64>,
}

/// Runs a test on the engine that the environment chooses.
pub(crate) fn on_each_engine<F>(test: impl Fn(Bench) -> F)
where
    F: Future<Output = ()>,
{
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
    runtime.block_on(async { test(Bench::new(Role::Command).await).await });
}

pub(crate) async fn open(location: Location, role: Role, clock: &Arc<AtomicI64>) -> Result<Store, Error> {
    let seed = AtomicU64::new(7);
    let clock = Arc::clone(clock);
    let options = OpenOptions {
        location,
        role,
        clock: Arc::new(move || Millis(clock.load(Ordering::Relaxed))),
        entropy: Arc::new(move |bytes| {
            bytes.fill(u8::try_from(seed.fetch_add(1, Ordering::Relaxed) & 0xff).unwrap());
        }),
    };
    Store::open(&options).await
}

impl Bench {
    pub(crate) async fn new(role: Role) -> Self {
        Self::at(Place::new(), role).await
    }

    pub(crate) async fn at(place: Place, role: Role) -> Self {
        let clock = Arc::new(AtomicI64::new(START));
        let store = open(place.location(), role, &clock).await.unwrap();
        Self { store, place, clock }
    }

    /// One more handle on the same store.
    pub(crate) async fn beside(&self, role: Role) -> Result<Store, Error> {
        open(self.place.location(), role, &self.clock).await
    }

    /// Runs statements behind the store's back.
    pub(crate) fn sql(&self, text: &str) {
        self.place.sql(text);
    }

    /// One value behind the store's back.
    pub(crate) fn value(&self, text: &str) -> String {
        self.place.rows(text)[0][0].clone()
    }

    pub(crate) async fn reopen(self, role: Role) -> Self {
        let Self { store, place, clock } = self;
        drop(store);
        let store = open(place.location(), role, &clock).await.unwrap();
        Self { store, place, clock }
    }

    pub(crate) fn now(&self) -> Millis {
        Millis(self.clock.load(Ordering::Relaxed))
    }

    pub(crate) fn set(&self, writes: Vec<Write>) -> ChangeSet {
        ChangeSet { at: self.now(), writes, ..ChangeSet::default() }
    }

    pub(crate) async fn commit(&self, writes: Vec<Write>) -> Committed {
        self.store.commit(self.set(writes)).await.unwrap()
    }

    pub(crate) async fn integration(&self, name: &str) -> IntegrationId {
        let new = NewIntegration { name: name.to_owned(), preset: "generic".to_owned(), settings: settings() };
        self.commit(vec![Write::InsertIntegration(new)]).await.integration.unwrap()
    }

    /// A User with a person of its own; their rows are returned.
    pub(crate) async fn user(&self, integration: IntegrationId, name: &str) -> (i64, i64) {
        let done = self.store.commit(new_user(self.now(), integration, name)).await.unwrap();
        let person = self.store.person_by_id(&format!("per_{}", id(integration, name))).await.unwrap().unwrap();
        (done.inserted[0].1, person.seq)
    }

    pub(crate) async fn group(&self, integration: IntegrationId, name: &str) -> i64 {
        self.commit(vec![Write::InsertResource(group(integration, name))]).await.inserted[0].1
    }

    /// An item; its row is returned.
    pub(crate) async fn item(&self, new: NewItem) -> i64 {
        self.commit(vec![Write::InsertItem(new)]).await.inserted[0].1
    }

    /// The person, standing so from now on.
    pub(crate) async fn standing(&self, person: i64, state: State) -> Write {
        let row = self.store.person(person).await.unwrap().unwrap();
        let facts = PersonFacts {
            state,
            display: row.display,
            email_key: row.email.as_deref().map(unique_key),
            email: row.email,
            user_name: row.user_name,
            user_name_key: row.user_name_key,
        };
        Write::UpdatePerson(PersonUpdate { seq: person, facts, authority: None })
    }

    pub(crate) async fn members(&self, group: i64, change: MemberWrite) -> Committed {
        self.commit(vec![Write::Members { group: ResourceKey::Seq(group), change, wide: false }]).await
    }

    pub(crate) async fn epoch(&self, person: i64) -> i64 {
        self.store.person(person).await.unwrap().unwrap().epoch
    }

    pub(crate) async fn feed(&self) -> Vec<EventRow> {
        let query = EventQuery { after: Some(0), limit: 10_000, payloads: true, ..EventQuery::default() };
        self.store.events(query).await.unwrap()
    }
}

pub(crate) fn settings() -> IntegrationSettings {
    IntegrationSettings { quirks: 7, ..IntegrationSettings::default() }
}

pub(crate) fn id(integration: IntegrationId, name: &str) -> String {
    format!("{}-{name}", integration.0)
}

pub(crate) fn seqs(seqs: &[i64]) -> Vec<ResourceKey> {
    seqs.iter().copied().map(ResourceKey::Seq).collect()
}

pub(crate) fn new_user(at: Millis, integration: IntegrationId, name: &str) -> ChangeSet {
    let id = id(integration, name);
    let person = format!("per_{id}");
    let facts = PersonFacts {
        state: State::Active,
        display: name.to_owned(),
        email: Some(format!("{name}@example.com")),
        email_key: Some(unique_key(&format!("{name}@example.com"))),
        user_name: Some(name.to_owned()),
        user_name_key: Some(unique_key(name)),
    };
    let mut resource = user(integration, name);
    resource.person = Some(PersonKey::New(person.clone()));
    resource.authority = true;
    ChangeSet {
        at,
        guards: Vec::new(),
        writes: vec![
            Write::InsertPerson(NewPerson {
                id: person.clone(),
                facts,
                local: false,
                admin: false,
                doc: "{}".to_owned(),
            }),
            Write::InsertResource(resource),
        ],
        events: vec![call(EventKind::Create, integration, Some(&id), "POST", 201), event(EventKind::ConflictOpen)],
    }
}

/// A User without person.
pub(crate) fn user(integration: IntegrationId, name: &str) -> NewResource {
    NewResource {
        id: id(integration, name),
        integration,
        kind: Kind::User,
        columns: user_columns(name, true),
        person: None,
        authority: false,
    }
}

pub(crate) fn user_columns(name: &str, active: bool) -> Columns {
    let email = format!("{name}@example.com");
    Columns {
        name_unique: Some(unique_key(name)),
        name_match: match_key(name).into_owned(),
        display: name.to_owned(),
        external_id: None,
        active,
        manager: None,
        email_keys: vec![unique_key(&email)],
        doc: json!({ "userName": name, "active": active, "emails": [{ "value": email }] }).to_string(),
        keys: json!({ "userName": match_key(name), "emails": [{ "value": match_key(&email) }] }).to_string(),
    }
}

pub(crate) fn group(integration: IntegrationId, name: &str) -> NewResource {
    NewResource {
        id: id(integration, name),
        integration,
        kind: Kind::Group,
        columns: Columns {
            name_unique: None,
            name_match: match_key(name).into_owned(),
            display: name.to_owned(),
            external_id: None,
            active: true,
            manager: None,
            email_keys: Vec::new(),
            doc: json!({ "displayName": name }).to_string(),
            keys: json!({ "displayName": match_key(name) }).to_string(),
        },
        person: None,
        authority: false,
    }
}

pub(crate) fn event(kind: EventKind) -> NewEvent {
    NewEvent {
        kind,
        integration: None,
        request: "req_1".to_owned(),
        resource: None,
        person: None,
        actor: "host".to_owned(),
        call: None,
        payload: json!({ "said": "something" }),
        salt: [9; 16],
    }
}

pub(crate) fn call(
    kind: EventKind,
    integration: IntegrationId,
    resource: Option<&str>,
    method: &str,
    status: u16,
) -> NewEvent {
    let code = (status >= 400).then(|| "uniqueness".to_owned());
    NewEvent {
        integration: Some(integration),
        resource: resource.map(str::to_owned),
        call: Some(CallFacts { method: method.to_owned(), status, code, duration_us: 1_200 }),
        ..event(kind)
    }
}

/// An item of the namespace `default` with no more than a name.
pub(crate) fn item(kind: &str, name: &str) -> NewItem {
    NewItem {
        id: format!("{kind}-{name}"),
        columns: ItemColumns {
            kind: kind.to_owned(),
            namespace: "default".to_owned(),
            name: name.to_owned(),
            name_key: match_key(name).into_owned(),
            title: name.to_owned(),
            title_key: match_key(name).into_owned(),
            doc: json!({ "kind": kind, "name": name }).to_string(),
            keys: json!({ "kind": kind, "name": match_key(name) }).to_string(),
            ..ItemColumns::default()
        },
    }
}

/// A relation that is known by its reference alone.
pub(crate) fn reference(relation: &str, target_ref: &str) -> NewRelation {
    NewRelation { relation: relation.to_owned(), target_ref: target_ref.to_owned(), target: None, note: None }
}

/// A membership of a team.
pub(crate) fn grant(object: &str, origin: &str) -> NewGrant {
    NewGrant {
        kind: GrantKind::Team,
        object: object.to_owned(),
        value: "contributor".to_owned(),
        origin: origin.to_owned(),
        path: "[]".to_owned(),
    }
}

/// What a person is now given, with nothing evaluated.
pub(crate) fn give(person: i64, open: Vec<NewGrant>) -> Write {
    Write::Grants(GrantsWrite { person: PersonKey::Seq(person), open, close: Vec::new(), settled: None })
}
