//! Counters and dates of integrations, collected over a batch and written once: they are the rows every set touches.

use crate::error::Error;
use crate::sql::{Exec, Param, Sql, binds};
use futures_util::future::try_join_all;
use std::collections::HashMap;

/// How the counters of an integration moved.
#[derive(Clone, Copy, Debug, Default)]
pub(super) struct Counts {
    pub(super) users: i64,
    pub(super) groups: i64,
    pub(super) nested: i64,
}

/// The latest calls of an integration.
#[derive(Clone, Copy, Debug, Default)]
pub(super) struct Seen {
    pub(super) call: Option<i64>,
    pub(super) success: Option<i64>,
    pub(super) failure: Option<i64>,
}

/// What one set, and then a batch, adds up.
#[derive(Debug, Default)]
pub(crate) struct Tally {
    /// Whether something changed that is kept in memory elsewhere.
    pub(crate) touched: bool,
    /// Groups that got a row of member changes.
    pub(crate) member_groups: Vec<i64>,
    counts: HashMap<i64, Counts>,
    seen: HashMap<i64, Seen>,
    calls: HashMap<Calls, i64>,
}

/// Calls that are counted together.
#[derive(Debug, PartialEq, Eq, Hash)]
struct Calls {
    integration: i64,
    hour: i64,
    method: String,
    status: u16,
}

const HOUR_MS: i64 = 3_600_000;

/// The later of what is stored and what comes, either of which may be NULL.
macro_rules! later {
    ($column:literal) => {
        concat!(
            $column,
            " = CASE WHEN integration_seen.",
            $column,
            " > excluded.",
            $column,
            " OR excluded.",
            $column,
            " IS NULL THEN integration_seen.",
            $column,
            " ELSE excluded.",
            $column,
            " END"
        )
    };
}

const SEEN: Sql = Sql::same(concat!(
    "INSERT INTO integration_seen (integration, last_call, last_success, last_failure)
     SELECT id, ?2, ?3, ?4 FROM integration WHERE id = ?1
     ON CONFLICT (integration) DO UPDATE SET ",
    later!("last_call"),
    ", ",
    later!("last_success"),
    ", ",
    later!("last_failure")
));

impl Tally {
    /// The counters of an integration.
    pub(super) fn counts(&mut self, integration: i64) -> &mut Counts {
        self.counts.entry(integration).or_default()
    }

    /// Notes calls, the latest of them at that time.
    pub(super) fn saw(&mut self, integration: i64, at: i64, method: &str, status: u16, calls: i64) {
        let seen = self.seen.entry(integration).or_default();
        seen.call = seen.call.max(Some(at));
        let which = if status < 400 { &mut seen.success } else { &mut seen.failure };
        *which = (*which).max(Some(at));
        let hour = at - at.rem_euclid(HOUR_MS);
        *self.calls.entry(Calls { integration, hour, method: method.to_owned(), status }).or_default() += calls;
    }

    /// Takes over what a set added up.
    pub(crate) fn absorb(&mut self, other: Self) {
        self.touched |= other.touched;
        self.member_groups.extend(other.member_groups);
        for (integration, more) in other.counts {
            let counts = self.counts(integration);
            counts.users += more.users;
            counts.groups += more.groups;
            counts.nested += more.nested;
        }
        for (integration, more) in other.seen {
            let seen = self.seen.entry(integration).or_default();
            seen.call = seen.call.max(more.call);
            seen.success = seen.success.max(more.success);
            seen.failure = seen.failure.max(more.failure);
        }
        for (calls, more) in other.calls {
            *self.calls.entry(calls).or_default() += more;
        }
    }

    /// Writes it, everything at once. An integration deleted meanwhile gets nothing.
    pub(crate) async fn write(&self, exec: &impl Exec) -> Result<(), Error> {
        let counts = self.counts.iter().map(|(integration, Counts { users, groups, nested })| {
            let sql = Sql::same(
                "UPDATE integration SET users = users + ?2, groups = groups + ?3, nested = nested + ?4 WHERE id = ?1",
            );
            (sql, binds![*integration, *users, *groups, *nested].to_vec())
        });
        let seen = self.seen.iter().map(|(integration, Seen { call, success, failure })| {
            (SEEN, binds![*integration, *call, *success, *failure].to_vec())
        });
        let calls = self.calls.iter().map(|(Calls { integration, hour, method, status }, calls)| {
            let sql = Sql::same(
                "INSERT INTO call_count (integration, hour, method, status, calls)
                 SELECT id, ?2, ?3, ?4, ?5 FROM integration WHERE id = ?1
                 ON CONFLICT (integration, hour, method, status)
                 DO UPDATE SET calls = call_count.calls + excluded.calls",
            );
            (sql, binds![*integration, *hour, method, i64::from(*status), *calls].to_vec())
        });
        let steps: Vec<(Sql, Vec<Param<'_>>)> = counts.chain(seen).chain(calls).collect();
        try_join_all(steps.iter().map(|(sql, params)| exec.run(*sql, params))).await?;
        Ok(())
    }
}
