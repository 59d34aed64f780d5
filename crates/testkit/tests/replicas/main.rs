//! Two servers on one store in PostgreSQL: what one of them does, the other knows, and races between them end as races
//! within one do. These tests need the database that `cargo xtask test` starts.
#![expect(clippy::unwrap_used, reason = "a test fails by panicking")]

mod access;
mod bodies;
mod feed;
mod leases;
mod mixed;
mod races;

use bailiwick_domain::ids::IntegrationId;
use bailiwick_testkit::Client;
use bailiwick_testkit::postgres::Schema;
use bailiwick_testkit::replica::Replica;
use std::time::Duration;
use tokio::time::Instant;

/// Two replicas of a fresh store, with an integration.
struct Two {
    a: Replica,
    b: Replica,
    integration: IntegrationId,
    token: String,
    // Dropped last.
    _schema: Schema,
}

impl Two {
    async fn start() -> Self {
        let schema = schema();
        // The empty schema is set up by whoever comes first; the other waits for it.
        let url = schema.url();
        let (a, b) = tokio::join!(Replica::start(&url, 1), Replica::start(&url, 2));
        let (integration, token) = a.integration("first").await;
        Self { a, b, integration, token, _schema: schema }
    }

    /// The first replica for even numbers, the second for odd ones.
    fn side(&self, number: usize) -> &Replica {
        if number.is_multiple_of(2) { &self.a } else { &self.b }
    }

    fn client(&self, number: usize) -> Client {
        self.side(number).client(&self.token)
    }
}

/// A schema in the database for tests.
fn schema() -> Schema {
    let Some(schema) = Schema::of_environment() else {
        panic!("these tests need BAILIWICK_TEST_POSTGRES: cargo xtask test starts a database")
    };
    schema
}

/// Waits for something that must come about in time; tells how long it took.
async fn within(limit: Duration, what: &str, mut holds: impl AsyncFnMut() -> bool) -> Duration {
    let begun = Instant::now();
    while !holds().await {
        assert!(begun.elapsed() < limit, "{what}: not within {limit:?}");
        tokio::time::sleep(Duration::from_millis(5)).await;
    }
    begun.elapsed()
}

/// Everything is sealed soon, and the seal is sound.
async fn sound(replica: &Replica) {
    let store = replica.app().store();
    within(Duration::from_secs(12), "everything is sealed", async || store.verify().await.unwrap().unsealed == 0).await;
    let report = store.verify().await.unwrap();
    assert_eq!(report.first_bad, None);
    assert!(report.blocks > 0 && report.events > 0, "{report:?}");
}
