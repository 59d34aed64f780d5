//! Reads of the feed and the journal, and what is done to them: sealing, erasing, verifying.

use super::{SCAN_BUDGET, Store};
use crate::error::Error;
use crate::query::EventQuery;
use crate::rows::{EventRow, Export, FailureGroup, VerifyReport};
use crate::sql::read::events;
use bailiwick_domain::ids::{IntegrationId, Millis};

impl Store {
    /// Events of the feed.
    pub async fn events(&self, query: EventQuery) -> Result<Vec<EventRow>, Error> {
        let matching = events::matching(&query, self.engine.dialect()).into_owned();
        self.engine.scan(SCAN_BUDGET, matching).await
    }

    /// How many events there are of those that a query asks for, whatever its limit.
    pub async fn count_events(&self, query: EventQuery) -> Result<u64, Error> {
        let count = events::count(&query, self.engine.dialect()).into_owned();
        Ok(self.engine.scan(SCAN_BUDGET, count).await?.into_iter().next().unwrap_or(0))
    }

    /// An event with its payload.
    pub async fn event(&self, seq: i64) -> Result<Option<EventRow>, Error> {
        self.engine.one(events::by_seq(seq)).await
    }

    /// The events of one call or command with their payloads.
    pub async fn events_of_request(&self, request: &str) -> Result<Vec<EventRow>, Error> {
        self.engine.all(events::of_request(request)).await
    }

    /// Failures by integration and code, the latest first. Who a refused call was about is taken from `name` or
    /// `target` of its payload when no resource was stored.
    pub async fn failure_groups(
        &self,
        integration: Option<IntegrationId>,
        since: Option<Millis>,
    ) -> Result<Vec<FailureGroup>, Error> {
        self.engine.scan(SCAN_BUDGET, events::failure_groups(integration, since)).await
    }

    /// Sequence of the newest event; 0 when there is none.
    pub async fn last_seq(&self) -> Result<i64, Error> {
        Ok(self.engine.one(events::last_seq()).await?.unwrap_or(0))
    }

    /// Checks the whole seal.
    pub async fn verify(&self) -> Result<VerifyReport, Error> {
        self.engine.verify().await
    }

    /// Events after a sequence with what is needed to check them elsewhere.
    pub async fn export(&self, after: i64, limit: u32) -> Result<Export, Error> {
        self.engine.export(after, limit).await
    }

    /// Seals every event there is; tells how many.
    pub async fn seal(&self) -> Result<u64, Error> {
        self.engine.seal().await
    }

    /// Erases the payloads of events; tells how many there were.
    pub async fn erase(&self, seqs: Vec<i64>) -> Result<u64, Error> {
        self.engine.erase(seqs).await
    }
}
