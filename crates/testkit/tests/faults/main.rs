//! The database is away, slow, cut off in the middle of a commit or restarted: every call ends in time, nobody is told
//! of a success that is none, and all is well soon after the database is. These tests need the database that
//! `cargo xtask test` starts, and make clusters of their own where they stop one.
#![expect(clippy::unwrap_used, reason = "a test fails by panicking")]

mod away;
#[path = "../replicas/bodies.rs"]
mod bodies;
mod commits;
mod heavy;
mod load;
mod restarts;

use bailiwick_testkit::Client;
use bailiwick_testkit::postgres::{Cluster, Schema};
use bailiwick_testkit::proxy::Proxy;
use bailiwick_testkit::replica::Replica;
use std::time::Duration;
use tokio::time::Instant;

/// Every request ends within this time, whatever happens to the database.
const PATIENCE: Duration = Duration::from_secs(5);
/// How soon the server is back after the database is.
const BACK: Duration = Duration::from_secs(3);

/// A server whose way to the database leads through a proxy.
struct World {
    replica: Replica,
    token: String,
    proxy: Proxy,
    /// The URL past the proxy.
    url: String,
    // Dropped last.
    place: Place,
}

/// Where the store is kept.
enum Place {
    /// In the database for tests, which goes on running.
    Shared(Schema),
    /// In one of its own.
    Own(Cluster),
}

impl World {
    /// On the database for tests.
    async fn start() -> Self {
        let Some(schema) = Schema::of_environment() else {
            panic!("these tests need BAILIWICK_TEST_POSTGRES: cargo xtask test starts a database")
        };
        Self::at(schema.url(), Place::Shared(schema)).await
    }

    /// On a cluster of its own.
    async fn apart() -> Self {
        let cluster = Cluster::start();
        Self::at(cluster.url(), Place::Own(cluster)).await
    }

    async fn at(url: String, place: Place) -> Self {
        let proxy = Proxy::before(&url).await;
        let replica = Replica::start(&proxy.url(&url), 1).await;
        let (_, token) = replica.integration("first").await;
        Self { replica, token, proxy, url, place }
    }

    fn cluster(&self) -> &Cluster {
        match &self.place {
            Place::Own(cluster) => cluster,
            Place::Shared(schema) => panic!("{} is not to be stopped", schema.name()),
        }
    }

    fn client(&self) -> Client {
        self.replica.client(&self.token)
    }

    /// Whether `/readyz` says ready; if not, why.
    async fn ready(&self) -> Result<(), String> {
        let begun = Instant::now();
        let answer = self.replica.anonymous().get("/readyz").await;
        let taken = begun.elapsed();
        assert!(taken < Duration::from_secs(1), "/readyz took {taken:?}");
        match answer.status {
            200 => Ok(()),
            503 => Err(answer.at("/reason").as_str().unwrap().to_owned()),
            other => panic!("/readyz: {other}"),
        }
    }

    /// The process answers, whatever becomes of the database.
    async fn alive(&self) {
        let begun = Instant::now();
        self.replica.anonymous().get("/healthz").await.expect(200);
        let taken = begun.elapsed();
        assert!(taken < Duration::from_secs(1), "/healthz took {taken:?}");
    }

    /// Everything is sealed soon, and the seal is sound.
    async fn sound(&self) {
        let store = self.replica.app().store();
        within(Duration::from_secs(12), "sealed", async || store.verify().await.is_ok_and(|told| told.unsealed == 0))
            .await;
        let report = store.verify().await.unwrap();
        assert_eq!(report.first_bad, None);
        assert!(report.blocks > 0, "{report:?}");
    }
}

/// Waits for something that must come about in time; tells how long it took.
async fn within(limit: Duration, what: &str, mut holds: impl AsyncFnMut() -> bool) -> Duration {
    let begun = Instant::now();
    loop {
        let holds = holds().await;
        let taken = begun.elapsed();
        assert!(taken <= limit, "{what}: not within {limit:?}");
        if holds {
            return taken;
        }
        tokio::time::sleep(Duration::from_millis(10)).await;
    }
}
