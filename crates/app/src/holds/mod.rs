//! The removal guard at work: removals beyond the threshold of an integration are held until somebody decides.
//!
//! What the identity provider says is stored and answered at once, always. What waits is the consequence on persons,
//! what they have and what they own. A person who is held stays as they are: later changes of their Users and groups are
//! only looked at when they are released, so that nothing is lost and nothing is out of order. [`leaver`] asks for one
//! User that is switched off or deleted, [`groups`] for everybody who loses something because of members, groups or
//! documents; [`put`] puts people into the open hold of the integration, [`decide`] takes them out again, [`carry`]
//! derives anew what becomes of them. An integration in observe mode has all its people held: see [`observe`].

mod carry;
mod decide;
mod evaluate;
mod foresee;
mod groups;
mod leaver;
mod observe;
mod put;
mod show;

pub use decide::{Decided, approve_hold, reject_hold};
pub(crate) use foresee::Foreseen;
pub(crate) use groups::weigh;
pub(crate) use leaver::{Held, consequence, held, wait};
pub(crate) use observe::adopt_user;
pub use observe::{
    Applied, Observed, ObservedUser, apply_integration, observe_integration, observed_persons, observed_users,
};
pub use show::{HeldPerson, HeldThing, HoldQuery, HoldShown, HoldSummary, count_holds, list_holds, show_hold};

use crate::Refusal;
use crate::app::App;
use crate::error::of_store;
use bailiwick_domain::guard::{SEASON_MS, WINDOW_MS, Window};
use bailiwick_domain::ids::{IntegrationId, Millis};
use bailiwick_domain::person::State;
use bailiwick_store::change::EntryWrite;
use bailiwick_store::{Guard, Write};
use serde_json::json;
use std::collections::BTreeSet;

/// Where holds are kept.
const HOLDS: &str = "hold";
/// Where is kept how a held person would stand.
const STANDINGS: &str = "held-person";
/// The state of a hold in which people wait.
const OPEN: &str = "open";

/// The key of the guard that whatever changes the holds of an integration compares and bumps.
fn holds_key(integration: IntegrationId) -> String {
    format!("holds/{}", integration.0)
}

/// How the holds of integrations in observe mode begin.
const OBSERVED: &str = "observe/";

/// The hold of everybody whom an integration in observe mode concerns. It is no entry: applying ends it.
pub(crate) fn observed(integration: IntegrationId) -> String {
    format!("{OBSERVED}{}", integration.0)
}

/// The integration in observe mode whose hold this is; none if it is another hold.
fn integration_observed(hold: &str) -> Option<IntegrationId> {
    hold.strip_prefix(OBSERVED)?.parse().ok().map(IntegrationId)
}

/// The guard that removals of an integration compare and bump: two at once do not both stay below the threshold.
pub(crate) async fn removals_guard(app: &App, integration: IntegrationId) -> Result<Guard, Refusal> {
    let key = format!("removals/{}", integration.0);
    let version = app.store().guard(&key).await.map_err(of_store)?;
    Ok(Guard::Key { key, version, bump: true })
}

/// The guard that whoever loses a team through its groups or documents bumps, and that rules compare which would take
/// members from it, too: two changes that each leave somebody do not empty it together.
pub(crate) async fn leaving_guard(app: &App, team: &str, bump: bool) -> Result<Guard, Refusal> {
    let key = format!("leaving/{team}");
    let version = app.store().guard(&key).await.map_err(of_store)?;
    Ok(Guard::Key { key, version, bump })
}

/// What the last hour has seen of an integration. How many people it has is counted only if `at_least` so many would be
/// gone with these: fewer are never too many.
async fn window(
    app: &App,
    integration: IntegrationId,
    more: &[i64],
    foreseen: BTreeSet<i64>,
    at_least: u32,
) -> Result<Window, Refusal> {
    let now = app.clock().now().0;
    let since = Millis(now.saturating_sub(WINDOW_MS));
    let mut window = Window { foreseen, ..Window::default() };
    window.removed.extend(app.store().removals(integration, since).await.map_err(of_store)?);
    let all: BTreeSet<i64> = window.removed.iter().chain(&window.foreseen).chain(more).copied().collect();
    if all.len() as u64 >= u64::from(at_least) {
        let season = Millis(now.saturating_sub(SEASON_MS));
        window.active = app.store().users_older_than(integration, season).await.map_err(of_store)?;
    } else {
        // Not known and not asked for: whatever it is, so few are not too many.
        window.active = u64::MAX / 1_000;
    }
    Ok(window)
}

/// Whether somebody was provisioned long enough ago to count.
fn seasoned(app: &App, since: Millis) -> bool {
    since.0 <= app.clock().now().0.saturating_sub(SEASON_MS)
}

/// Notes how a held person would stand if nothing were held.
fn note_standing(person: &str, hold: &str, state: State) -> Write {
    Write::PutEntry(EntryWrite {
        collection: STANDINGS.to_owned(),
        id: person.to_owned(),
        parent: Some(hold.to_owned()),
        state: None,
        due: None,
        doc: json!({ "state": state }).to_string(),
    })
}

/// How a held person would stand, if a change of that was held.
async fn standing(app: &App, person: &str) -> Result<Option<State>, Refusal> {
    let entry = app.store().entry(STANDINGS, person).await.map_err(of_store)?;
    Ok(entry.and_then(|entry| {
        let doc: serde_json::Value = serde_json::from_str(&entry.doc).ok()?;
        serde_json::from_value(doc.get("state")?.clone()).ok()
    }))
}

/// Takes the note of a person's standing away.
fn forget_standing(person: &str) -> Write {
    Write::DeleteEntry { collection: STANDINGS.to_owned(), id: person.to_owned() }
}
