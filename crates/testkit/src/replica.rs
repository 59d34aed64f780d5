//! A whole server on a store in PostgreSQL that others may serve, too.

use crate::client::Client;
use crate::time::{FakeClock, SeededIds};
use bailiwick_app::manage::{self, NewIntegration};
use bailiwick_app::{App, Clock, Ids, Wiring};
use bailiwick_domain::ids::IntegrationId;
use bailiwick_domain::preset::Preset;
use bailiwick_scim::schema::Registry;
use bailiwick_server::{Running, ServerOptions, bind};
use bailiwick_store::{DatabaseUrl, Location, OpenOptions, Role, Store};
use std::net::{Ipv4Addr, SocketAddr};
use std::sync::Arc;

/// What links show.
const PUBLIC_URL: &str = "https://bailiwick.example.com";

/// One of the servers of a store. Dropping it stops it.
#[derive(Debug)]
pub struct Replica {
    app: App,
    address: SocketAddr,
    running: Option<Running>,
}

impl Replica {
    /// Starts one on the store at that URL. Each needs a seed of its own. Needs a tokio runtime.
    pub async fn start(url: &str, seed: u64) -> Self {
        Self::try_start(url, seed).await.unwrap_or_else(|error| panic!("{error}"))
    }

    /// The same, where it may fail.
    ///
    /// # Errors
    /// What the user of a command would be told.
    pub async fn try_start(url: &str, seed: u64) -> Result<Self, String> {
        // What it complains of is shown when its test fails.
        let log = tracing_subscriber::fmt().with_max_level(tracing_subscriber::filter::LevelFilter::WARN);
        let _ = log.with_test_writer().with_ansi(false).try_init();
        let (clock, ids) = (Arc::new(FakeClock::new()), Arc::new(SeededIds::new(seed)));
        let (time, random) = (Arc::clone(&clock), Arc::clone(&ids));
        let options = OpenOptions {
            location: Location::Postgres(DatabaseUrl::parse(url)?),
            role: Role::Serve,
            clock: Arc::new(move || time.now()),
            entropy: Arc::new(move |bytes| random.fill(bytes)),
        };
        let store = Store::open(&options).await.map_err(|error| error.to_string())?;
        let public_url = PUBLIC_URL.to_owned();
        let app = App::new(Wiring { store, registry: Registry::standard(), clock, ids, public_url });
        let listen = SocketAddr::from((Ipv4Addr::LOCALHOST, 0));
        let running = bind(ServerOptions::new(listen)).await.map_err(|error| error.to_string())?.start(app.clone());
        Ok(Self { app, address: running.address, running: Some(running) })
    }

    /// Its use cases.
    #[must_use]
    pub fn app(&self) -> &App {
        &self.app
    }

    /// Where it listens.
    #[must_use]
    pub fn address(&self) -> SocketAddr {
        self.address
    }

    /// A client with a connection of its own.
    #[must_use]
    pub fn client(&self, token: &str) -> Client {
        Client::new(self.address, token)
    }

    /// A client without a token.
    #[must_use]
    pub fn anonymous(&self) -> Client {
        Client::anonymous(self.address)
    }

    /// An integration without a rate limit, and its token.
    pub async fn integration(&self, name: &str) -> (IntegrationId, String) {
        let new =
            NewIntegration { name: name.to_owned(), preset: Preset::Generic, rate_limit: Some(0), observe: false };
        let made = manage::create_integration(&self.app, new).await.unwrap_or_else(|error| panic!("{name}: {error}"));
        (made.id, made.token.token)
    }

    /// Stops it as SIGTERM does and waits for it.
    pub async fn stop(mut self) {
        if let Some(running) = self.running.take() {
            running.stop().await;
        }
    }
}
