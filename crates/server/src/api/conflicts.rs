//! The conflict queue: pairs of a User and a person that may be one human.

use super::answer::Answer;
use super::request::Request;
use super::table::{Access::May, Endpoint, Form, Param, get, handler, param, post};
use super::wire::Moment;
use crate::intake::Failure;
use bailiwick_app::App;
use bailiwick_app::manage::{self, Evidence, IfLinked, Side, SideGrant, SideUser};
use bailiwick_app::rows::{ConflictRow, EventRow, PersonRow};
use bailiwick_domain::ids::IntegrationId;
use bailiwick_domain::policy::Action::{ConflictDecide, ConflictRead};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use serde_json::Value;
use std::collections::HashMap;

const STATE: &[Param] =
    &[param("state", Form::Word(&["open", "linked", "kept", "all"]), "Which pairs; open if nothing is said.")];

pub(super) const ROUTES: &[Endpoint] = &[
    get(May(ConflictRead), "/conflicts", "listConflicts", handler!(list))
        .says("Lists pairs of a User and a person that may be one human.")
        .query(STATE)
        .lists::<Conflict>(),
    get(May(ConflictRead), "/conflicts/{id}", "readConflict", handler!(read))
        .says("Shows a pair with what speaks for one human or for two, and what each decision would do.")
        .gives::<ConflictEvidence>(),
    post(May(ConflictDecide), "/conflicts/{id}/link", "linkConflict", handler!(link))
        .says("Declares the pair one human: the User joins the person, and what its present person had comes along.")
        .takes::<ConflictNote>()
        .gives::<ConflictEvidence>(),
    post(May(ConflictDecide), "/conflicts/{id}/keep", "keepConflict", handler!(keep))
        .says("Declares the pair two humans.")
        .takes::<ConflictNote>()
        .gives::<ConflictEvidence>(),
    post(May(ConflictDecide), "/conflicts/{id}/rename", "renameConflict", handler!(rename))
        .says("Declares the pair two humans and gives the one who signs in here another userName.")
        .takes::<ConflictName>()
        .gives::<ConflictEvidence>(),
];

/// A pair of a User and a person that may be one human.
#[derive(Debug, Serialize, JsonSchema)]
struct Conflict {
    /// Id, `con_...`.
    id: String,
    /// `open`, `linked` or `kept`.
    state: String,
    /// Name of the integration that spoke.
    integration: Option<String>,
    /// Id of the User; null when it was refused.
    user: Option<String>,
    /// Its userName.
    user_name: String,
    /// Id of the person it may be.
    person: String,
    /// `same-user-name` or `same-email`.
    why: String,
    /// Since when.
    opened_at: Moment,
    /// When it was decided.
    decided_at: Option<Moment>,
}

fn shown(pair: &ConflictRow, integration: Option<String>) -> Conflict {
    Conflict {
        id: pair.id.clone(),
        state: pair.state.clone(),
        integration,
        user: pair.resource.clone(),
        user_name: pair.user_name.clone(),
        person: pair.person.clone(),
        why: pair.why.clone(),
        opened_at: Moment(pair.created),
        decided_at: pair.decided.map(Moment),
    }
}

async fn list(request: Request) -> Result<Answer, Failure> {
    let page = request.page::<String>()?;
    let state = match request.param("state") {
        Some("all") => None,
        said => Some(said.unwrap_or("open")),
    };
    let mut pairs = manage::list_conflicts(&request.app, &request.principal, state).await?;
    pairs.sort_by(|a, b| a.id.cmp(&b.id));
    let total = page.total.then_some(pairs.len() as u64);
    pairs.retain(|pair| page.after.as_ref().is_none_or(|after| pair.id > *after));
    let more = pairs.len() > page.limit as usize;
    pairs.truncate(page.limit as usize);
    let names = names(&request.app).await?;
    let items: Vec<Conflict> = pairs.iter().map(|pair| shown(pair, names.get(&pair.integration).cloned())).collect();
    Answer::page(&request, &items, pairs.last().filter(|_| more).map(|pair| &pair.id), total)
}

async fn names(app: &App) -> Result<HashMap<IntegrationId, String>, Failure> {
    let rows = manage::list_integrations(app).await?;
    Ok(rows.into_iter().map(|row| (row.id, row.name)).collect())
}

/// A pair with its evidence.
#[derive(Debug, Serialize, JsonSchema)]
struct ConflictEvidence {
    #[serde(flatten)]
    pair: Conflict,
    /// The User that came, with the person it belongs to so far. Of one that was refused only the name is known.
    incoming: ConflictSide,
    /// The person it may be.
    existing: ConflictSide,
    /// What linking would do.
    if_linked: ConflictLinked,
    /// Why the person here cannot take another name; null when it can.
    rename_refused: Option<String>,
    /// Who decided, if somebody did.
    decision: Option<ConflictDecision>,
}

/// One side of a pair.
#[derive(Debug, Serialize, JsonSchema)]
struct ConflictSide {
    /// The person.
    person: Option<ConflictPerson>,
    /// Users.
    users: Vec<ConflictUser>,
    /// Teams, roles and what else the person has.
    grants: Vec<ConflictGrant>,
    /// The last events, newest first.
    events: Vec<ConflictEvent>,
}

/// A person of a pair.
#[derive(Debug, Serialize, JsonSchema)]
struct ConflictPerson {
    /// Id.
    id: String,
    /// Name shown.
    display: String,
    /// userName.
    user_name: Option<String>,
    /// Address.
    email: Option<String>,
    /// `active`, `inactive` or `closed`.
    state: String,
    /// Signs in here with a password.
    account: bool,
    /// Holds the admin role by hand.
    admin: bool,
}

/// A User of a pair.
#[derive(Debug, Serialize, JsonSchema)]
struct ConflictUser {
    /// Id.
    id: String,
    /// Name of its integration.
    integration: String,
    /// userName.
    user_name: String,
    /// Name shown.
    display: String,
    /// Every address.
    emails: Vec<String>,
    /// Whether it is switched on.
    active: bool,
    /// Whether it decides about the person.
    authority: bool,
    /// Names of its groups.
    groups: Vec<String>,
    /// Since when.
    created_at: Moment,
}

/// Something a person has or would get.
#[derive(Debug, Serialize, JsonSchema)]
struct ConflictGrant {
    /// `team`, `role`, `property` or `ownership`.
    kind: String,
    /// The team's id, the name of the role.
    object: String,
    /// The team's title, else the same.
    title: String,
    /// The role in the team, the value of a property.
    value: String,
    /// Where it comes from.
    origin: String,
}

/// An event of one side.
#[derive(Debug, Serialize, JsonSchema)]
struct ConflictEvent {
    /// Id, `evt_...`.
    id: String,
    /// When.
    at: Moment,
    /// What it tells.
    kind: String,
    /// Id of the call or command.
    request: String,
}

/// What linking would do.
#[derive(Debug, Default, Serialize, JsonSchema)]
struct ConflictLinked {
    /// Why it cannot be done; null when it can.
    refused: Option<String>,
    /// Where the person stands now.
    state_before: Option<String>,
    /// Where the person would stand.
    state_after: Option<String>,
    /// The person that would be closed.
    closes: Option<String>,
    /// What the person would get.
    gains: Vec<ConflictGrant>,
    /// The User was refused: it is taken when the identity provider sends it again.
    waits_for_provider: bool,
}

/// A decision.
#[derive(Debug, Serialize, JsonSchema)]
struct ConflictDecision {
    /// Who.
    by: String,
    /// Why, in their words.
    note: Option<String>,
    /// `conflict:link`, `conflict:keep` or `conflict:rename`.
    kind: String,
    /// What it did.
    did: Value,
}

fn evidence(evidence: Evidence) -> ConflictEvidence {
    ConflictEvidence {
        pair: shown(&evidence.pair, Some(evidence.integration)),
        incoming: side(evidence.incoming),
        existing: side(evidence.existing),
        if_linked: match evidence.if_linked {
            Ok(linked) => linked_of(linked),
            Err(reason) => ConflictLinked { refused: Some(reason), ..ConflictLinked::default() },
        },
        rename_refused: evidence.renaming.err(),
        decision: evidence.decided.map(|decided| ConflictDecision {
            by: decided.by,
            note: decided.note,
            kind: decided.kind,
            did: decided.did,
        }),
    }
}

fn side(side: Side) -> ConflictSide {
    ConflictSide {
        person: side.person.map(person),
        users: side.users.into_iter().map(user).collect(),
        grants: side.grants.into_iter().map(grant).collect(),
        events: side.events.into_iter().map(event).collect(),
    }
}

fn person(row: PersonRow) -> ConflictPerson {
    ConflictPerson {
        id: row.id,
        display: row.display,
        user_name: row.user_name,
        email: row.email,
        state: row.state.as_str().to_owned(),
        account: row.account,
        admin: row.admin,
    }
}

fn user(user: SideUser) -> ConflictUser {
    ConflictUser {
        id: user.id,
        integration: user.integration,
        user_name: user.user_name,
        display: user.display,
        emails: user.emails,
        active: user.active,
        authority: user.authority,
        groups: user.groups.into_iter().map(|group| group.display).collect(),
        created_at: Moment(user.created),
    }
}

fn grant(grant: SideGrant) -> ConflictGrant {
    ConflictGrant {
        kind: grant.kind.as_str().to_owned(),
        object: grant.object,
        title: grant.title,
        value: grant.value,
        origin: grant.origin,
    }
}

fn event(row: EventRow) -> ConflictEvent {
    ConflictEvent { id: format!("evt_{}", row.seq), at: Moment(row.at), kind: row.kind, request: row.request }
}

fn linked_of(linked: IfLinked) -> ConflictLinked {
    let state = |pick: fn((bailiwick_domain::person::State, bailiwick_domain::person::State)) -> _| {
        linked.state.map(pick).map(|state: bailiwick_domain::person::State| state.as_str().to_owned())
    };
    ConflictLinked {
        refused: None,
        state_before: state(|(before, _)| before),
        state_after: state(|(_, after)| after),
        closes: linked.closes,
        gains: linked.gains.into_iter().map(grant).collect(),
        waits_for_provider: linked.waits_for_provider,
    }
}

async fn read(request: Request) -> Result<Answer, Failure> {
    let found = manage::show_conflict(&request.app, &request.principal, request.path("id")).await?;
    Answer::json(&evidence(found))
}

/// Words for who looks at the decision later.
#[derive(Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
struct ConflictNote {
    /// Why.
    #[schemars(length(max = 2000))]
    note: Option<String>,
}

/// Another name for the person here.
#[derive(Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
struct ConflictName {
    /// The new userName.
    #[schemars(length(min = 1))]
    user_name: String,
    /// Why.
    #[schemars(length(max = 2000))]
    note: Option<String>,
}

async fn link(request: Request) -> Result<Answer, Failure> {
    let note = request.body::<ConflictNote>()?.note;
    manage::link_conflict(&request.app, &request.principal, request.path("id"), note.as_deref()).await?;
    read(request).await
}

async fn keep(request: Request) -> Result<Answer, Failure> {
    let note = request.body::<ConflictNote>()?.note;
    manage::keep_conflict(&request.app, &request.principal, request.path("id"), note.as_deref()).await?;
    read(request).await
}

async fn rename(request: Request) -> Result<Answer, Failure> {
    let ConflictName { user_name, note } = request.body()?;
    let (app, principal, id) = (&request.app, &request.principal, request.path("id"));
    manage::rename_conflict(app, principal, id, &user_name, note.as_deref()).await?;
    read(request).await
}
