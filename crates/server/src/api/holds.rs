//! Holds and observe mode: what would follow from what integrations said, and letting it follow.

use super::answer::Answer;
use super::request::Request;
use super::rules::{RulesDanger, RulesEffects, dangers, effects};
use super::table::{Access::May, Endpoint, Form, Param, get, handler, param, post};
use super::wire::Moment;
use crate::intake::Failure;
use bailiwick_app::holds::{self, Decided, HeldPerson, HeldThing, HoldQuery, HoldSummary, ObservedUser};
use bailiwick_domain::guard::{Decision, HELD_SHOWN, Reason};
use bailiwick_domain::policy::Action::{HoldDecide, HoldRead, IntegrationManage, IntegrationRead};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

const WHICH: &[Param] = &[
    param(
        "state",
        Form::Word(&["open", "approved", "rejected", "partly", "all"]),
        "Which holds; open if nothing is said.",
    ),
    param("integration", Form::Text(63), "Name of the integration."),
];

pub(super) const ROUTES: &[Endpoint] = &[
    get(May(HoldRead), "/holds", "listHolds", handler!(list))
        .says("Lists removals that the guard stopped.")
        .query(WHICH)
        .lists::<Hold>(),
    get(May(HoldRead), "/holds/{id}", "readHold", handler!(read))
        .says("Shows a hold: why it waits, and what it would do to the first of those who wait in it.")
        .gives::<HoldShown>(),
    get(May(HoldRead), "/holds/{id}/persons", "listHoldPersons", handler!(persons))
        .says("Lists who waits in a hold, each with what would become of them.")
        .lists::<HoldPerson>(),
    post(May(HoldDecide), "/holds/{id}/approve", "approveHold", handler!(approve))
        .says("Carries out what was held, for some persons or for all: as the identity provider says it now.")
        .takes::<HoldApproval>()
        .gives::<HoldDecided>()
        .slow()
        .large(),
    post(May(HoldDecide), "/holds/{id}/reject", "rejectHold", handler!(reject))
        .says("Takes nothing away from whoever waits, until the identity provider says something new about them.")
        .takes::<HoldRejection>()
        .gives::<HoldDecided>()
        .slow(),
    get(May(IntegrationRead), "/integrations/{name}/observe", "observeIntegration", handler!(observe))
        .says("Shows what would follow from what an integration in observe mode has said. Nothing is changed.")
        .gives::<Observation>()
        .slow(),
    get(May(IntegrationRead), "/integrations/{name}/observe/users", "listObservedUsers", handler!(observed_users))
        .says("Lists every User that would get or join a person, each with what it would get.")
        .lists::<ObservationUser>()
        .slow(),
    get(
        May(IntegrationRead),
        "/integrations/{name}/observe/persons",
        "listObservedPersons",
        handler!(observed_persons),
    )
    .says("Lists every person whose changes wait, each with what would become of them.")
    .lists::<HoldPerson>()
    .slow(),
    post(May(IntegrationManage), "/integrations/{name}/apply", "applyIntegration", handler!(apply))
        .says("Ends observe mode and carries out what was looked at. Refused if anything changed since.")
        .takes::<Application>()
        .gives::<Applied>()
        .slow(),
];

/// Removals that wait for somebody to approve or reject them.
#[derive(Debug, Serialize, JsonSchema)]
struct Hold {
    /// Id, `hld_...`.
    id: String,
    /// `open`, `approved`, `rejected` or `partly`.
    state: String,
    /// Name of the integration.
    integration: String,
    /// Persons who wait.
    waiting: u64,
    /// Persons who were ever put into it.
    people: u64,
    /// When the first was held.
    opened_at: Moment,
    /// Why.
    reasons: Vec<HoldReason>,
    /// Calls that brought them.
    calls: u64,
    /// Ids of these calls, the first ones.
    requests: Vec<String>,
    /// What was decided so far.
    decisions: Vec<HoldDecision>,
}

/// Why something waits.
#[derive(Debug, Serialize, JsonSchema)]
struct HoldReason {
    /// `share`, `empties-team` or `last-admins`.
    kind: &'static str,
    /// In words.
    says: String,
    /// The team that would be empty.
    team: Option<String>,
    /// People who would lose something within the hour, or who were in the team.
    people: Option<u64>,
    /// Of how many people.
    of: Option<u64>,
}

/// A decision on a hold.
#[derive(Debug, Serialize, JsonSchema)]
struct HoldDecision {
    /// Who.
    by: String,
    /// When.
    at: Moment,
    /// Approved, or rejected.
    approved: bool,
    /// Persons it concerned.
    people: u64,
    /// Why.
    reason: Option<String>,
}

/// A person who waits, and what would become of them.
#[derive(Debug, Serialize, JsonSchema)]
struct HoldPerson {
    /// Id.
    person: String,
    /// Name shown.
    display: String,
    /// `active`, `inactive` or `closed`.
    state: String,
    /// Where the person would stand.
    would_be: String,
    /// What the person would lose.
    loses: Vec<HoldThing>,
    /// What the person would get.
    gains: Vec<HoldThing>,
}

/// Something a person has or would have.
#[derive(Debug, Serialize, JsonSchema)]
struct HoldThing {
    /// `team`, `role`, `property` or `ownership`.
    kind: String,
    /// Id of the team, name of the role or property, filter of what is owned.
    object: String,
    /// What to call it: the title of the team, else the object.
    name: String,
}

/// A hold with the first of those who wait.
#[derive(Debug, Serialize, JsonSchema)]
struct HoldShown {
    #[serde(flatten)]
    hold: Hold,
    /// The first of those who wait.
    persons: Vec<HoldPerson>,
    /// Whether there are more of them.
    more: bool,
}

fn shown(hold: HoldSummary) -> Hold {
    let decision = |decision: Decision| HoldDecision {
        by: decision.by,
        at: Moment(decision.at),
        approved: decision.approved,
        people: decision.people,
        reason: decision.reason,
    };
    Hold {
        id: hold.hold.id,
        state: hold.state,
        integration: hold.integration,
        waiting: hold.waiting,
        people: hold.hold.people,
        opened_at: Moment(hold.hold.opened),
        reasons: hold.hold.reasons.iter().zip(hold.words).map(|(why, says)| reason(why, says)).collect(),
        calls: hold.hold.calls,
        requests: hold.hold.requests,
        decisions: hold.hold.decisions.into_iter().map(decision).collect(),
    }
}

fn reason(reason: &Reason, says: String) -> HoldReason {
    let (kind, team, people, of) = match reason {
        Reason::Share { removed, of, .. } => ("share", None, Some(*removed), Some(*of)),
        Reason::EmptiesTeam { team, people } => ("empties-team", Some(team.clone()), Some(*people), None),
        Reason::LastAdmins => ("last-admins", None, None, None),
    };
    HoldReason { kind, says, team, people, of }
}

fn things(things: Vec<HeldThing>) -> Vec<HoldThing> {
    things.into_iter().map(|it| HoldThing { kind: it.kind.to_owned(), object: it.object, name: it.name }).collect()
}

fn person(person: HeldPerson) -> HoldPerson {
    HoldPerson {
        person: person.id,
        display: person.display,
        state: person.state.as_str().to_owned(),
        would_be: person.would_be.as_str().to_owned(),
        loses: things(person.loses),
        gains: things(person.gains),
    }
}

async fn list(request: Request) -> Result<Answer, Failure> {
    let page = request.page::<String>()?;
    let query = HoldQuery {
        state: match request.param("state") {
            Some("all") => None,
            said => Some(said.unwrap_or("open").to_owned()),
        },
        integration: request.param("integration").map(str::to_owned),
        after: page.after,
    };
    let (app, principal) = (&request.app, &request.principal);
    let mut found = holds::list_holds(app, principal, &query, page.limit + 1).await?;
    let total = if page.total { Some(holds::count_holds(app, principal, &query).await?) } else { None };
    let more = found.len() > page.limit as usize;
    found.truncate(page.limit as usize);
    let items: Vec<Hold> = found.into_iter().map(shown).collect();
    Answer::page(&request, &items, items.last().filter(|_| more).map(|hold| &hold.id), total)
}

async fn read(request: Request) -> Result<Answer, Failure> {
    let most = u32::try_from(HELD_SHOWN).unwrap_or(u32::MAX);
    let found = holds::show_hold(&request.app, &request.principal, request.path("id"), None, most).await?;
    Answer::json(&HoldShown {
        hold: shown(found.summary),
        persons: found.persons.into_iter().map(person).collect(),
        more: found.next.is_some(),
    })
}

async fn persons(request: Request) -> Result<Answer, Failure> {
    let page = request.page::<i64>()?;
    let id = request.path("id");
    let found = holds::show_hold(&request.app, &request.principal, id, page.after, page.limit).await?;
    let items: Vec<HoldPerson> = found.persons.into_iter().map(person).collect();
    Answer::page(&request, &items, found.next.as_ref(), page.total.then_some(found.summary.waiting))
}

/// What is approved.
#[derive(Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
struct HoldApproval {
    /// Ids of the persons it is approved for; null for everybody who waits.
    #[schemars(length(min = 1, max = 10_000))]
    persons: Option<Vec<String>>,
}

/// What is rejected.
#[derive(Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
struct HoldRejection {
    /// Why, for who looks later.
    #[schemars(length(min = 1, max = 2000))]
    reason: String,
}

/// What a decision did.
#[derive(Debug, Serialize, JsonSchema)]
struct HoldDecided {
    /// Id of the hold.
    id: String,
    /// Where it stands now.
    state: &'static str,
    /// Persons it concerned.
    people: u64,
    /// Persons who still wait.
    waiting: u64,
    /// Ids of persons who stay, because nobody else would be an active admin.
    kept_admins: Vec<String>,
}

fn decided(id: &str, decided: Decided) -> Result<Answer, Failure> {
    Answer::json(&HoldDecided {
        id: id.to_owned(),
        state: decided.state.as_str(),
        people: decided.people,
        waiting: decided.waiting,
        kept_admins: decided.kept_admins,
    })
}

async fn approve(request: Request) -> Result<Answer, Failure> {
    let HoldApproval { persons } = request.body()?;
    let id = request.path("id");
    decided(id, holds::approve_hold(&request.app, &request.principal, id, persons.as_deref()).await?)
}

async fn reject(request: Request) -> Result<Answer, Failure> {
    let HoldRejection { reason } = request.body()?;
    let id = request.path("id");
    decided(id, holds::reject_hold(&request.app, &request.principal, id, &reason).await?)
}

/// What would follow from what an integration has said.
#[derive(Debug, Serialize, JsonSchema)]
struct Observation {
    /// Name of the integration.
    integration: String,
    /// Whether it is in observe mode.
    observing: bool,
    /// Whether applying was interrupted: the mode has ended, and part of what was looked at is not applied yet. Applying
    /// again finishes it, whatever the basis.
    unfinished: bool,
    /// To apply exactly what was looked at.
    basis: String,
    /// Users that would get a person of their own.
    create: u64,
    /// Users that would join a person who is there.
    link: u64,
    /// Users that would wait in the conflict queue: somebody who signs in here answers to them.
    refused: u64,
    /// Pairs that would be opened in the conflict queue.
    conflicts: u64,
    /// Persons who wait with changes.
    waiting: u64,
    /// Of these, persons who would be switched off or closed.
    ended: u64,
    /// What is dangerous about it.
    dangers: Vec<RulesDanger>,
    /// Teams, roles and the like, added up.
    effects: RulesEffects,
}

async fn observe(request: Request) -> Result<Answer, Failure> {
    let seen = holds::observe_integration(&request.app, &request.principal, request.path("name")).await?;
    Answer::json(&Observation {
        unfinished: seen.unfinished(),
        dangers: dangers(&seen.dangers),
        effects: effects(&seen.effects, &seen.team_names),
        integration: seen.integration,
        observing: seen.observing,
        basis: seen.basis,
        create: seen.create,
        link: seen.link,
        refused: seen.refused,
        conflicts: seen.conflicts,
        waiting: seen.waiting,
        ended: seen.ended,
    })
}

/// A User that has no person yet, and what would become of it.
#[derive(Debug, Serialize, JsonSchema)]
struct ObservationUser {
    /// Id of the User.
    user: String,
    /// Its userName.
    user_name: String,
    /// Whether it is switched on.
    active: bool,
    /// `create` a person, `link` it to one, or `refused`: somebody who signs in here answers to it.
    would: &'static str,
    /// The person it would join or wait for.
    person: Option<String>,
    /// Pairs that would be opened in the conflict queue.
    conflicts: u64,
    /// What its person would get.
    gains: Vec<HoldThing>,
}

async fn observed_users(request: Request) -> Result<Answer, Failure> {
    let page = request.page::<i64>()?;
    let (app, principal, name) = (&request.app, &request.principal, request.path("name"));
    let (users, next) = holds::observed_users(app, principal, name, page.after, page.limit).await?;
    let total = match page.total {
        true => {
            let seen = holds::observe_integration(app, principal, name).await?;
            Some(seen.create + seen.link + seen.refused)
        }
        false => None,
    };
    let item = |user: ObservedUser| ObservationUser {
        user: user.id,
        user_name: user.user_name,
        active: user.active,
        would: user.would,
        person: user.person,
        conflicts: user.conflicts,
        gains: things(user.gains),
    };
    let items: Vec<ObservationUser> = users.into_iter().map(item).collect();
    Answer::page(&request, &items, next.as_ref(), total)
}

async fn observed_persons(request: Request) -> Result<Answer, Failure> {
    let page = request.page::<i64>()?;
    let (app, principal, name) = (&request.app, &request.principal, request.path("name"));
    let (persons, next) = holds::observed_persons(app, principal, name, page.after, page.limit).await?;
    let total = match page.total {
        true => Some(holds::observe_integration(app, principal, name).await?.waiting),
        false => None,
    };
    let items: Vec<HoldPerson> = persons.into_iter().map(person).collect();
    Answer::page(&request, &items, next.as_ref(), total)
}

/// What is applied.
#[derive(Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
struct Application {
    /// The basis of what was looked at.
    #[schemars(length(max = 200))]
    basis: String,
}

/// What applying did.
#[derive(Debug, Serialize, JsonSchema)]
struct Applied {
    /// Name of the integration.
    integration: String,
    /// Users that got a person of their own.
    created: u64,
    /// Users that joined a person.
    linked: u64,
    /// Users that wait in the conflict queue.
    refused: u64,
    /// Persons whose changes were carried out.
    changed: u64,
    /// Ids of persons who stay, because nobody else would be an active admin.
    kept_admins: Vec<String>,
}

async fn apply(request: Request) -> Result<Answer, Failure> {
    let Application { basis } = request.body()?;
    let name = request.path("name");
    let applied = holds::apply_integration(&request.app, &request.principal, name, &basis).await?;
    Answer::json(&Applied {
        integration: name.to_owned(),
        created: applied.created,
        linked: applied.linked,
        refused: applied.refused,
        changed: applied.changed,
        kept_admins: applied.kept_admins,
    })
}
