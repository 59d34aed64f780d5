//! The report of leavers.

use super::answer::Answer;
use super::handovers::Handover;
use super::request::{CURSOR_CHARS, Request};
use super::table::{Access::May, Endpoint, Form, Param, get, handler, param};
use super::wire::Moment;
use crate::intake::Failure;
use bailiwick_app::leaver::{self, Leaving};
use bailiwick_domain::handover::percentiles;
use bailiwick_domain::ids::Millis;
use bailiwick_domain::mapping::GrantKind;
use bailiwick_domain::person::State;
use bailiwick_domain::policy::Action::HandoverRead;
use http::header::LINK;
use schemars::JsonSchema;
use serde::Serialize;

/// Most leavers of an answer.
const LIMIT_MAX: i64 = 1_000;
/// How far back it is looked when nothing is said.
const SINCE_MS: i64 = 30 * 24 * 60 * 60 * 1_000;

pub(super) const ROUTES: &[Endpoint] = &[
    get(May(HandoverRead), "/leavers", "listLeavers", handler!(list))
        .says("Lists who left, the latest first, and how long it took until they had no access.")
        .query(LIST)
        .gives::<Leavers>(),
    get(May(HandoverRead), "/people/{id}/leaver", "readLeaver", handler!(read))
        .says("Shows how a person left: when the word came, when access ended, what ended, and what is left to do.")
        .gives::<LeaverReport>(),
];

const LIST: &[Param] = &[
    param("since", Form::Instant, "Who left since then; in the last 30 days if nothing is said."),
    param("limit", Form::Number(1, LIMIT_MAX), "Most leavers; 100 if nothing is said."),
    param("cursor", Form::Text(CURSOR_CHARS), "Where to go on: `next_cursor` of the page before."),
];

/// Who left, and how long it took.
#[derive(Debug, Serialize, JsonSchema)]
struct Leavers {
    /// Since when.
    since: Moment,
    /// The leavers, the latest first.
    leavers: Vec<Leaver>,
    /// How the spans of these are spread; null when there is none.
    percentiles: Option<LeaverSpans>,
    /// Where to go on; null on the last page.
    next_cursor: Option<String>,
}

/// Milliseconds from the word of the identity provider to no access.
#[derive(Debug, Serialize, JsonSchema)]
struct LeaverSpans {
    /// How many.
    count: u64,
    /// Half took no longer.
    p50_ms: u64,
    /// Nine of ten.
    p90_ms: u64,
    /// Ninety-nine of a hundred.
    p99_ms: u64,
    /// The longest.
    max_ms: u64,
}

/// How somebody left.
#[derive(Debug, Serialize, JsonSchema)]
struct Leaver {
    /// Who.
    person: LeaverPerson,
    /// Where it left them; active while it waits.
    left_as: LeaverState,
    /// When the first byte of the word came, as far as it is known.
    arrived_at: Option<Moment>,
    /// When access ended; null while it waits.
    ended_at: Option<Moment>,
    /// The span between the two.
    milliseconds: Option<u64>,
    /// The integration that said so.
    integration: Option<String>,
    /// Who said so: a token, a person, `host`, `server`.
    actor: Option<String>,
    /// Number of the event that tells it.
    event: Option<i64>,
    /// Sessions, tokens and invites that ended with it.
    revoked: Vec<LeaverCredential>,
    /// The hold that keeps it waiting.
    hold: Option<String>,
    /// When the person came back.
    returned_at: Option<Moment>,
    /// Hand-overs that are open.
    open_handovers: u64,
}

/// A person, as they are now.
#[derive(Debug, Serialize, JsonSchema)]
struct LeaverPerson {
    /// Id.
    id: String,
    /// Name shown.
    display: String,
    /// State.
    state: LeaverState,
}

/// Where a person stands.
#[derive(Debug, Serialize, JsonSchema)]
#[serde(rename_all = "lowercase")]
enum LeaverState {
    Active,
    Inactive,
    Closed,
}

/// Something that ended.
#[derive(Debug, Serialize, JsonSchema)]
struct LeaverCredential {
    /// Id.
    id: String,
    /// `session`, `personal`, `invite`.
    kind: String,
    /// Label.
    label: Option<String>,
}

/// Everything about one leaver.
#[derive(Debug, Serialize, JsonSchema)]
struct LeaverReport {
    #[serde(flatten)]
    leaver: Leaver,
    /// Teams, roles, properties and ownership by rules without effect since.
    without_effect: Vec<LeaverGrant>,
    /// What was theirs, and what becomes of it.
    handovers: Vec<Handover>,
}

/// Something that was held.
#[derive(Debug, Serialize, JsonSchema)]
struct LeaverGrant {
    /// What.
    kind: LeaverGrantKind,
    /// Id of the team, name of the role or property, filter of what was owned.
    object: String,
    /// Title of the team; for the others as `object`.
    title: String,
    /// The role in the team; the value of the property, as JSON; the id of the team for which something was owned.
    value: String,
    /// Where it came from.
    origin: String,
    /// Since when it was held.
    since: Moment,
}

/// What was held.
#[derive(Debug, Serialize, JsonSchema)]
#[serde(rename_all = "lowercase")]
enum LeaverGrantKind {
    Team,
    Role,
    Property,
    Ownership,
}

impl From<GrantKind> for LeaverGrantKind {
    fn from(kind: GrantKind) -> Self {
        match kind {
            GrantKind::Team => Self::Team,
            GrantKind::Role => Self::Role,
            GrantKind::Property => Self::Property,
            GrantKind::Ownership => Self::Ownership,
        }
    }
}

impl From<State> for LeaverState {
    fn from(state: State) -> Self {
        match state {
            State::Active => Self::Active,
            State::Inactive => Self::Inactive,
            State::Closed => Self::Closed,
        }
    }
}

impl From<Leaving> for Leaver {
    fn from(leaving: Leaving) -> Self {
        let milliseconds = leaving.span_ms();
        let revoked = leaving.revoked.into_iter().map(|credential| LeaverCredential {
            id: credential.id,
            kind: credential.kind,
            label: credential.label,
        });
        let Leaving { person, .. } = leaving;
        Self {
            person: LeaverPerson { id: person.id, display: person.display, state: person.state.into() },
            left_as: leaving.state.into(),
            arrived_at: leaving.arrived.map(Moment),
            ended_at: leaving.ended.map(Moment),
            milliseconds,
            integration: leaving.integration,
            actor: leaving.actor,
            event: leaving.event,
            revoked: revoked.collect(),
            hold: leaving.hold,
            returned_at: leaving.returned.map(Moment),
            open_handovers: leaving.open_tasks as u64,
        }
    }
}

async fn list(request: Request) -> Result<Answer, Failure> {
    let now = request.app.clock().now();
    let since = request.instant("since").unwrap_or(Millis(now.0.saturating_sub(SINCE_MS)));
    let page = request.page()?;
    let behind = page.after.map(|(at, person)| (Millis(at), person));
    let (leavers, next) = leaver::list_leavers(&request.app, &request.principal, since, behind, page.limit).await?;
    let spread = percentiles(leavers.iter().filter_map(Leaving::span_ms).collect());
    let percentiles = spread.map(|spread| LeaverSpans {
        count: spread.count as u64,
        p50_ms: spread.p50,
        p90_ms: spread.p90,
        p99_ms: spread.p99,
        max_ms: spread.max,
    });
    let leavers = leavers.into_iter().map(Leaver::from).collect();
    let next = next.map(|(at, person)| request.cursor_behind(&(at.0, person)));
    let answer = Answer::json(&Leavers { since: Moment(since), leavers, percentiles, next_cursor: next.clone() })?;
    Ok(match next {
        Some(next) => answer.header(LINK, &request.next_link(&next)),
        None => answer,
    })
}

async fn read(request: Request) -> Result<Answer, Failure> {
    let left = leaver::report(&request.app, &request.principal, request.path("id")).await?;
    let grants = left.grants.into_iter().map(|gone| LeaverGrant {
        kind: gone.grant.kind.into(),
        object: gone.grant.object,
        title: gone.title,
        value: gone.grant.value,
        origin: gone.grant.origin,
        since: Moment(gone.grant.from),
    });
    Answer::json(&LeaverReport {
        leaver: left.leaving.into(),
        without_effect: grants.collect(),
        handovers: left.tasks.into_iter().map(Handover::from).collect(),
    })
}
