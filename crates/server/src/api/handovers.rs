//! Hand-overs: what people who left were responsible for.

use super::answer::Answer;
use super::request::Request;
use super::table::{Access::May, Endpoint, Form, Param, get, handler, param, post};
use super::wire::{Moment, tag};
use crate::intake::Failure;
use bailiwick_app::App;
use bailiwick_app::catalog;
use bailiwick_app::leaver::{self, HandoverQuery, Verdict};
use bailiwick_domain::handover::{Duty, Party, PartyKind, Relation, Suggestion, TaskState};
use bailiwick_domain::policy::Action::{HandoverDecide, HandoverRead};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

/// Longest name of a person, team or thing, in characters.
const NAME_CHARS: usize = 300;

pub(super) const ROUTES: &[Endpoint] = &[
    get(May(HandoverRead), "/handovers", "listHandovers", handler!(list))
        .says("Lists hand-overs, with who could take them on.")
        .query(LIST)
        .lists::<Handover>(),
    get(May(HandoverRead), "/handovers/{id}", "readHandover", handler!(read))
        .says("Shows a hand-over, with every suggestion and its reasons.")
        .gives::<Handover>()
        .versioned(),
    post(May(HandoverDecide), "/handovers/{id}/done", "closeHandover", handler!(done))
        .says("Closes a hand-over. A successor takes the thing on in the same step.")
        .takes::<HandoverDone>()
        .gives::<Handover>(),
    post(May(HandoverDecide), "/handovers/{id}/decline", "declineHandover", handler!(decline))
        .says("Closes a hand-over: nobody has to take the thing on.")
        .takes::<HandoverDecline>()
        .gives::<Handover>(),
    post(May(HandoverDecide), "/handovers/{id}/assign", "assignHandover", handler!(assign))
        .says("Names who looks after a hand-over. It stays open.")
        .takes::<HandoverAssign>()
        .gives::<Handover>(),
];

const LIST: &[Param] = &[
    param("state", Form::Word(&["open", "done", "declined", "returned"]), "Only those in this state."),
    param("person", Form::Text(NAME_CHARS), "Only what this person left: id, e-mail address or userName."),
    param("item", Form::Text(NAME_CHARS), "Only of this thing: id or reference."),
    param("assignee", Form::Text(NAME_CHARS), "Only those that this person or team looks after, by id."),
];

/// Something a person who left was responsible for.
#[derive(Debug, Serialize, JsonSchema)]
pub(super) struct Handover {
    /// Id, `hov_...`.
    id: String,
    /// Where it stands.
    state: HandoverState,
    /// Somebody else looks after the thing by now, or it is gone: it only waits to be closed.
    settled: bool,
    /// Who left.
    person: HandoverParty,
    /// What they were to it.
    duty: HandoverDuty,
    /// What it is.
    item: HandoverItem,
    /// Who could take it on, best first; of open ones only.
    suggestions: Vec<HandoverSuggestion>,
    /// Who looks after it.
    assignee: Option<HandoverParty>,
    /// When the person left.
    opened_at: Moment,
    /// When it should be done.
    due_at: Moment,
    /// What became of it.
    decision: Option<HandoverDecision>,
}

/// Where a hand-over stands.
#[derive(Debug, Serialize, JsonSchema)]
#[serde(rename_all = "lowercase")]
enum HandoverState {
    Open,
    Done,
    Declined,
    Returned,
}

/// What a person was to a thing.
#[derive(Debug, Serialize, JsonSchema)]
#[serde(rename_all = "kebab-case")]
enum HandoverDuty {
    Owner,
    Manager,
    LastMember,
    Rule,
}

/// A person or team.
#[derive(Debug, Serialize, JsonSchema)]
struct HandoverParty {
    /// Which of the two.
    kind: HandoverPartyKind,
    /// Id.
    id: String,
    /// What to call them.
    name: String,
}

/// What somebody is.
#[derive(Debug, Serialize, JsonSchema)]
#[serde(rename_all = "lowercase")]
enum HandoverPartyKind {
    Team,
    Person,
}

/// A thing somebody is responsible for.
#[derive(Debug, Serialize, JsonSchema)]
struct HandoverItem {
    /// `team`, `component`, ..., `rule`.
    kind: String,
    /// Id.
    id: String,
    /// How people name it: `component:default/ledger`, or the id of a rule.
    reference: String,
    /// What to call it.
    title: String,
}

/// Somebody who could take a thing on.
#[derive(Debug, Serialize, JsonSchema)]
pub(super) struct HandoverSuggestion {
    #[serde(flatten)]
    party: HandoverParty,
    /// The first of the reasons, as a word.
    relation: HandoverRelation,
    /// Every reason, in words.
    reasons: Vec<String>,
}

/// Why somebody could take a thing on.
#[derive(Debug, Serialize, JsonSchema)]
#[serde(rename_all = "kebab-case")]
enum HandoverRelation {
    ParentTeam,
    TeamManager,
    OwnManager,
    Active,
}

/// What became of a hand-over.
#[derive(Debug, Serialize, JsonSchema)]
struct HandoverDecision {
    /// Who decided: an id, `host`, or who brought the person back.
    by: String,
    /// When.
    at: Moment,
    /// Who took it on.
    successor: Option<HandoverParty>,
    /// Why.
    note: Option<String>,
}

impl From<Party> for HandoverParty {
    fn from(party: Party) -> Self {
        let kind = match party.kind {
            PartyKind::Team => HandoverPartyKind::Team,
            PartyKind::Person => HandoverPartyKind::Person,
        };
        Self { kind, id: party.id, name: party.name }
    }
}

impl From<Suggestion> for HandoverSuggestion {
    fn from(suggestion: Suggestion) -> Self {
        let relation = match suggestion.relation {
            Relation::ParentTeam => HandoverRelation::ParentTeam,
            Relation::TeamManager => HandoverRelation::TeamManager,
            Relation::OwnManager => HandoverRelation::OwnManager,
            Relation::Active => HandoverRelation::Active,
        };
        Self { party: suggestion.party.into(), relation, reasons: suggestion.reasons }
    }
}

impl From<leaver::Handover> for Handover {
    fn from(handover: leaver::Handover) -> Self {
        let task = handover.task;
        let suggestions = handover.suggestions.into_iter().map(HandoverSuggestion::from);
        Self {
            id: handover.id,
            state: match task.state() {
                TaskState::Open => HandoverState::Open,
                TaskState::Done => HandoverState::Done,
                TaskState::Declined => HandoverState::Declined,
                TaskState::Returned => HandoverState::Returned,
            },
            settled: handover.settled,
            suggestions: suggestions.collect(),
            person: task.person.into(),
            duty: match task.duty {
                Duty::Owner => HandoverDuty::Owner,
                Duty::Manager => HandoverDuty::Manager,
                Duty::LastMember => HandoverDuty::LastMember,
                Duty::Rule => HandoverDuty::Rule,
            },
            item: HandoverItem {
                kind: task.thing.kind,
                id: task.thing.id,
                reference: task.thing.reference,
                title: task.thing.title,
            },
            assignee: task.assignee.map(HandoverParty::from),
            opened_at: Moment(task.opened),
            due_at: Moment(task.due),
            decision: task.decision.map(|decision| HandoverDecision {
                by: decision.by,
                at: Moment(decision.at),
                successor: decision.successor.map(HandoverParty::from),
                note: decision.note,
            }),
        }
    }
}

async fn list(request: Request) -> Result<Answer, Failure> {
    let page = request.page::<String>()?;
    let person = match request.param("person") {
        Some(text) => Some(catalog::find_person(&request.app, text).await?.id),
        None => None,
    };
    let query = HandoverQuery {
        state: request.param("state").and_then(TaskState::from_text),
        person,
        thing: request.param("item").map(str::to_owned),
        assignee: request.param("assignee").map(str::to_owned),
        after: page.after,
        limit: page.limit,
    };
    let found = leaver::list_handovers(&request.app, &request.principal, &query).await?;
    let total =
        if page.total { Some(leaver::count_handovers(&request.app, &request.principal, &query).await?) } else { None };
    let items: Vec<Handover> = found.tasks.into_iter().map(Handover::from).collect();
    Answer::page(&request, &items, found.next.as_ref(), total)
}

async fn read(request: Request) -> Result<Answer, Failure> {
    let handover = leaver::show_handover(&request.app, &request.principal, request.path("id")).await?;
    shown(&request.app, handover)
}

fn shown(app: &App, handover: leaver::Handover) -> Result<Answer, Failure> {
    // Suggestions follow from what others do meanwhile: they are part of what is shown, so of its version, too.
    let suggested = serde_json::to_vec(&handover.suggestions).unwrap_or_default();
    let version = handover.version.to_be_bytes();
    let settled = [u8::from(handover.settled)];
    let tag = tag(app, &[b"handover", handover.id.as_bytes(), &version, &settled, &suggested]);
    Ok(Answer::json(&Handover::from(handover))?.versioned(&tag))
}

/// Who takes a thing on.
#[derive(Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
struct HandoverDone {
    /// A team by name, alias or id, or a person by id, e-mail address or userName. Without one it is checked that somebody
    /// else looks after the thing already.
    #[schemars(length(min = 1, max = 300))]
    successor: Option<String>,
    /// Why.
    #[schemars(length(max = 1000))]
    note: Option<String>,
}

async fn done(request: Request) -> Result<Answer, Failure> {
    let HandoverDone { successor, note } = request.body()?;
    decide(&request, &Verdict::Done { successor }, note.as_deref()).await
}

/// Why nobody has to take a thing on.
#[derive(Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
struct HandoverDecline {
    /// Why.
    #[schemars(length(max = 1000))]
    note: Option<String>,
}

async fn decline(request: Request) -> Result<Answer, Failure> {
    let HandoverDecline { note } = request.body()?;
    decide(&request, &Verdict::Declined, note.as_deref()).await
}

async fn decide(request: &Request, verdict: &Verdict, note: Option<&str>) -> Result<Answer, Failure> {
    let id = request.path("id");
    let handover = leaver::decide_handover(&request.app, &request.principal, id, verdict, note).await?;
    Answer::json(&Handover::from(handover))
}

/// Who is to look after a hand-over.
#[derive(Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
struct HandoverAssign {
    /// A team by name, alias or id, or a person by id, e-mail address or userName.
    #[schemars(length(min = 1, max = 300))]
    assignee: String,
}

async fn assign(request: Request) -> Result<Answer, Failure> {
    let HandoverAssign { assignee } = request.body()?;
    let id = request.path("id");
    let handover = leaver::assign_handover(&request.app, &request.principal, id, &assignee).await?;
    Answer::json(&Handover::from(handover))
}
