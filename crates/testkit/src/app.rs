//! A running Bailiwick: fresh store, fake clock, seeded ids, a real socket.

use crate::client::{Client, raw};
use crate::schema::Schema;
use crate::time::{FakeClock, SeededIds};
use bailiwick_app::access::{self, NewApiToken, Principal, Scope, Scopes};
use bailiwick_app::manage::{self, NewIntegration};
use bailiwick_app::{App, Clock, Ids, Wiring};
use bailiwick_domain::ids::IntegrationId;
use bailiwick_domain::preset::Preset;
use bailiwick_scim::schema::Registry;
use bailiwick_server::{Running, ServerOptions, bind};
use bailiwick_store::{DatabaseUrl, Location, OpenOptions, Role, Store};
use std::net::{Ipv4Addr, SocketAddr};
use std::path::Path;
use std::sync::Arc;
use std::time::Duration;
use tempfile::TempDir;

/// What links show: not the address listened on, so that a test notices a link made from the Host header.
const PUBLIC_URL: &str = "https://bailiwick.example.com";

/// How the app of a test differs from the usual one.
#[derive(Clone, Debug)]
pub struct TestOptions {
    /// Preset of the first integration.
    pub preset: Preset,
    /// Schemas served.
    pub registry: Registry,
    /// Requests a second of the first integration; `Some(0)` off, `None` the default of the product.
    pub rate_limit: Option<u32>,
    /// Seed of the ids.
    pub seed: u64,
}

impl Default for TestOptions {
    fn default() -> Self {
        Self { preset: Preset::Generic, registry: Registry::standard(), rate_limit: Some(0), seed: 1 }
    }
}

impl TestOptions {
    /// The usual one with another preset.
    #[must_use]
    pub fn preset(preset: Preset) -> Self {
        Self { preset, ..Self::default() }
    }
}

/// A running Bailiwick with one integration, `first`, and its token. Dropping it stops the server and removes the
/// store, which is in a folder, or in a schema of the database that BAILIWICK_TEST_POSTGRES names.
#[derive(Debug)]
pub struct TestApp {
    app: App,
    clock: Arc<FakeClock>,
    address: SocketAddr,
    integration: IntegrationId,
    token: String,
    running: Option<Running>,
    // Fields are dropped in order: nothing uses the store any more when its place goes.
    place: Place,
}

/// Where the store is kept.
#[derive(Debug)]
enum Place {
    Folder(TempDir),
    Schema(Schema),
}

impl Place {
    fn new() -> Self {
        let folder = || tempfile::tempdir().unwrap_or_else(|error| panic!("no temporary folder: {error}"));
        Schema::of_environment().map_or_else(|| Self::Folder(folder()), Self::Schema)
    }

    fn location(&self) -> Location {
        match self {
            Self::Folder(dir) => Location::Folder(dir.path().join("data")),
            Self::Schema(schema) => {
                let url = DatabaseUrl::parse(&schema.url());
                Location::Postgres(url.unwrap_or_else(|reason| panic!("{}: {reason}", schema.url())))
            }
        }
    }
}

impl TestApp {
    /// Name of the integration that is there from the start.
    pub const INTEGRATION: &str = "first";

    /// Starts the usual one. Needs a tokio runtime.
    pub async fn start() -> Self {
        Self::with(TestOptions::default()).await
    }

    /// Starts one with options.
    pub async fn with(options: TestOptions) -> Self {
        let place = Place::new();
        let clock = Arc::new(FakeClock::new());
        let ids = Arc::new(SeededIds::new(options.seed));
        let store = open(place.location(), Role::Serve, &clock, &ids).await;
        let (app, running) = serve(store, options.registry, &clock, ids).await;
        let address = running.address;
        let (integration, token) = integration(&app, Self::INTEGRATION, options.preset, options.rate_limit).await;
        Self { app, clock, address, integration, token, running: Some(running), place }
    }

    /// The use cases, for what has no route.
    #[must_use]
    pub fn app(&self) -> &App {
        &self.app
    }

    /// The clock of app and store.
    #[must_use]
    pub fn clock(&self) -> &FakeClock {
        &self.clock
    }

    /// Where the server listens.
    #[must_use]
    pub fn address(&self) -> SocketAddr {
        self.address
    }

    /// The first integration.
    #[must_use]
    pub fn integration_id(&self) -> IntegrationId {
        self.integration
    }

    /// The token of the first integration.
    #[must_use]
    pub fn token(&self) -> &str {
        &self.token
    }

    /// A client of the first integration, with a connection of its own. Paths begin with `/scim/v2`.
    #[must_use]
    pub fn client(&self) -> Client {
        Client::new(self.address, &self.token)
    }

    /// A client without a token.
    #[must_use]
    pub fn anonymous(&self) -> Client {
        Client::anonymous(self.address)
    }

    /// A client of the REST API: a service with this role. Paths begin with `/api/v1`.
    pub async fn service(&self, role: &str) -> Client {
        self.api_client(&self.service_token(role).await)
    }

    /// The token of a service with this role.
    pub async fn service_token(&self, role: &str) -> String {
        let new = NewApiToken { label: format!("test {role}"), scopes: Scopes::of(vec![Scope::Admin]), life: None };
        let made = access::create_service_token(&self.app, &Principal::host(), "tests", role, new).await;
        made.unwrap_or_else(|error| panic!("{role}: {error}")).text
    }

    /// A client of the REST API with this token.
    #[must_use]
    pub fn api_client(&self, token: &str) -> Client {
        let mut client = Client::new(self.address, token);
        client.set_header("content-type", Some("application/json"));
        client
    }

    /// One more integration with its token; no rate limit.
    pub async fn integration(&self, name: &str, preset: Preset) -> (IntegrationId, String) {
        integration(&self.app, name, preset, Some(0)).await
    }

    /// Bytes over a socket of their own, and what came back within ten seconds.
    pub async fn raw(&self, bytes: &[u8]) -> Vec<u8> {
        raw(self.address, bytes, Duration::from_secs(10)).await
    }

    /// A second process beside the server, as a command is: the same store through a handle of its own.
    pub async fn beside(&self, seed: u64) -> App {
        let ids = Arc::new(SeededIds::new(seed));
        App::new(Wiring {
            store: open(self.place.location(), Role::Command, &self.clock, &ids).await,
            registry: self.app.registry().clone(),
            clock: self.clock.clone(),
            ids,
            public_url: PUBLIC_URL.to_owned(),
        })
    }

    /// Stops the server, closes the store, and starts another one on it: at the same time of day, with ids of its own.
    #[must_use]
    pub async fn restarted(mut self) -> Self {
        self.stop().await;
        let Self { app, clock, address, integration, token, place, .. } = self;
        let registry = app.registry().clone();
        app.store().close().await;
        // The last handle closes the store.
        drop(app);
        let ids = Arc::new(SeededIds::new(u64::from(address.port())));
        let store = open(place.location(), Role::Serve, &clock, &ids).await;
        let (app, running) = serve(store, registry, &clock, ids).await;
        Self { app, clock, address: running.address, integration, token, running: Some(running), place }
    }

    /// The files or tables of the store that hold this text: what must not be kept must not be there.
    #[must_use]
    pub fn files_holding(&self, secret: &str) -> Vec<String> {
        let dir = match &self.place {
            Place::Folder(dir) => dir.path().join("data"),
            Place::Schema(schema) => return schema.places_holding(secret),
        };
        let read = |path: &Path| std::fs::read(path).unwrap_or_default();
        let entries = std::fs::read_dir(dir).unwrap_or_else(|error| panic!("the store: {error}"));
        let paths = entries.flatten().map(|entry| entry.path());
        let holds = |path: &std::path::PathBuf| read(path).windows(secret.len()).any(|part| part == secret.as_bytes());
        paths.filter(holds).map(|path| path.display().to_string()).collect()
    }

    /// Stops the server as SIGTERM does and waits for it.
    pub async fn stop(&mut self) {
        if let Some(running) = self.running.take() {
            running.stop().await;
        }
    }
}

async fn open(location: Location, role: Role, clock: &Arc<FakeClock>, ids: &Arc<SeededIds>) -> Store {
    let (clock, ids) = (clock.clone(), ids.clone());
    let options = OpenOptions {
        location,
        role,
        clock: Arc::new(move || clock.now()),
        entropy: Arc::new(move |bytes| ids.fill(bytes)),
    };
    Store::open(&options).await.unwrap_or_else(|error| panic!("the store cannot be opened: {error}"))
}

/// A server on that store.
async fn serve(store: Store, registry: Registry, clock: &Arc<FakeClock>, ids: Arc<SeededIds>) -> (App, Running) {
    let public_url = PUBLIC_URL.to_owned();
    let app = App::new(Wiring { store, registry, clock: clock.clone(), ids, public_url });
    let listen = SocketAddr::from((Ipv4Addr::LOCALHOST, 0));
    let bound = bind(ServerOptions::new(listen)).await.unwrap_or_else(|error| panic!("{listen}: {error}"));
    let running = bound.start(app.clone());
    (app, running)
}

async fn integration(app: &App, name: &str, preset: Preset, rate_limit: Option<u32>) -> (IntegrationId, String) {
    let new = NewIntegration { name: name.to_owned(), preset, rate_limit, observe: false };
    let made = manage::create_integration(app, new).await.unwrap_or_else(|error| panic!("{name}: {error}"));
    (made.id, made.token.token)
}
