//! Looking ahead: a change that concerns more people than are evaluated at once is weighed as a whole, so that its first
//! part does not happen while the rest is held.

use super::decide::waiting;
use super::groups::{goes_on, lost};
use super::{put, seasoned};
use crate::Refusal;
use crate::app::App;
use crate::error::of_store;
use crate::mapping::{CHUNK, outcomes, subject};
use bailiwick_domain::guard::WINDOW_MS;
use bailiwick_domain::ids::IntegrationId;
use bailiwick_domain::mapping::{Compiled, GroupMatches};
use bailiwick_store::rows::SubjectRow;
use std::collections::{BTreeMap, BTreeSet};

/// What is about to be taken from people who are marked, over one pass.
#[derive(Debug, Default)]
pub(crate) struct Foreseen {
    begun: bool,
    /// The latest mark that was looked at.
    mark: i64,
    losers: BTreeMap<IntegrationId, BTreeSet<i64>>,
}

impl Foreseen {
    /// Seasoned people who would lose something by what this integration said.
    pub(super) fn losers(&self, integration: IntegrationId) -> BTreeSet<i64> {
        self.losers.get(&integration).cloned().unwrap_or_default()
    }

    /// Looks at everybody who was marked since the last look, if there are others than these.
    pub(crate) async fn look(
        &mut self,
        app: &App,
        rules: &Compiled,
        memo: &mut GroupMatches,
        rows: &[SubjectRow],
    ) -> Result<(), Refusal> {
        // One part of less than the full size is all there is.
        let whole = !self.begun && rows.len() < CHUNK;
        self.begun = true;
        let newer = |row: &SubjectRow| row.cause.is_some() && row.dirty.is_some_and(|mark| mark > self.mark);
        if whole || !rows.iter().any(newer) {
            return Ok(());
        }
        let (since, mut after) = (self.mark, 0);
        let limit = u32::try_from(CHUNK).unwrap_or(u32::MAX);
        loop {
            let persons = app.store().dirty_caused(since, after, limit).await.map_err(of_store)?;
            let Some(last) = persons.last() else { break };
            after = *last;
            let subjects = subject::read(app, rules, &persons).await?;
            for mut outcome in outcomes(rules, memo, &subjects) {
                self.mark = self.mark.max(outcome.row.dirty.unwrap_or(0));
                if !seasoned(app, outcome.row.person.created) || lost(&outcome).is_empty() {
                    continue;
                }
                let Some(integration) = outcome.row.cause else { continue };
                // Who waits loses nothing now.
                if goes_on(app, true, &mut outcome).await? {
                    self.losers.entry(integration).or_default().insert(outcome.row.person.seq);
                }
            }
            tokio::task::yield_now().await;
        }
        self.wait_already(app).await
    }

    /// Counts whoever waits since less than an hour: a part of the change may have been held, and then interrupted.
    async fn wait_already(&mut self, app: &App) -> Result<(), Refusal> {
        let since = app.clock().now().0.saturating_sub(WINDOW_MS);
        for (integration, losers) in &mut self.losers {
            if let Some(hold) = put::open(app, *integration).await?.filter(|hold| hold.opened.0 >= since) {
                losers.extend(waiting(app, &hold.id).await?);
            }
        }
        Ok(())
    }
}
