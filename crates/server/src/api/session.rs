//! Signing in with a local account, one's own session, and what somebody may do.

use super::answer::Answer;
use super::listed::listed;
use super::request::Request;
use super::table::{Access::Everybody, Access::Known, Endpoint, delete, get, handler, post};
use super::wire::Moment;
use crate::intake::Failure;
use bailiwick_app::access::{self, About, HeldRole, Principal, PrincipalKind, Reason, Secret, SignIn};
use bailiwick_app::rows::CredentialRow;
use bailiwick_domain::policy::{Action, Object, permits};
use bailiwick_scim::{Code, Error};
use http::HeaderValue;
use http::header::{RETRY_AFTER, USER_AGENT};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

pub(super) const ROUTES: &[Endpoint] = &[
    post(Everybody, "/session", "signIn", handler!(sign_in))
        .says("Signs in with a local account: by password, or by a recovery code, which is used up by it.")
        .takes::<SessionNew>()
        .makes::<SessionMade>()
        .once(),
    get(Known, "/session", "readSession", handler!(read)).says("Shows who calls and what they may do.").gives::<Me>(),
    delete(Known, "/session", "signOut", handler!(sign_out)).says("Ends the session that calls."),
    get(Known, "/people/{id}/sessions", "listSessions", handler!(list))
        .says("Lists the live sessions of a person: one's own, or anybody's with token.read.")
        .lists::<Session>(),
    delete(Known, "/people/{id}/sessions", "endSessions", handler!(end_all))
        .says("Ends every session of a person: one's own, or anybody's with token.manage."),
    delete(Known, "/people/{id}/sessions/{session}", "endSession", handler!(end))
        .says("Ends a session of a person: one's own, or anybody's with token.manage."),
    post(Known, "/decisions", "explainDecision", handler!(explain))
        .says("Says whether a person may do something, and why. Everybody may ask about themselves.")
        .takes::<DecisionAsked>()
        .gives::<DecisionGiven>()
        .reads(),
    get(Known, "/actions", "listActions", handler!(actions))
        .says("Lists every action that roles permit and scopes name.")
        .lists::<ActionShown>(),
];

/// A sign-in: either a password or a recovery code.
#[derive(Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
struct SessionNew {
    /// Name of the local account.
    #[schemars(length(max = 1_000))]
    user_name: String,
    /// Password.
    #[schemars(length(max = 1_024))]
    password: Option<String>,
    /// One of the recovery codes.
    #[schemars(length(max = 100))]
    recovery_code: Option<String>,
}

/// A session that was just begun: the only place where its token is shown.
#[derive(Serialize, JsonSchema)]
struct SessionMade {
    /// Id, `ses_...`.
    id: String,
    /// The person's id.
    person: String,
    /// Name shown.
    display: String,
    /// The bearer token.
    token: String,
    /// End of life.
    expires_at: Moment,
}

async fn sign_in(request: Request) -> Result<Answer, Failure> {
    let new: SessionNew = request.body()?;
    let secret = match (new.password, new.recovery_code) {
        (Some(password), None) => Secret::Password(password),
        (None, Some(code)) => Secret::RecoveryCode(code),
        _ => {
            let detail = "Give either a password or a recovery_code.";
            return Err(Error::new(Code::ValueInvalid, detail).into());
        }
    };
    let agent = request.headers.get(USER_AGENT).map(|agent| String::from_utf8_lossy(agent.as_bytes()).into_owned());
    let (address, agent) = (request.address, agent.unwrap_or_default());
    let said = SignIn { user_name: new.user_name, secret, address, agent };
    let made = access::sign_in(&request.app, said).await.map_err(|refused| {
        let failure = Failure::from(refused.refusal);
        match refused.retry_after {
            Some(seconds) => failure.with(RETRY_AFTER, HeaderValue::from(seconds)),
            None => failure,
        }
    })?;
    let (id, person, display) = (made.id, made.person, made.display);
    let body = SessionMade { id, person, display, token: made.token, expires_at: Moment(made.expires_at) };
    Answer::made(&request, "/session", &body)
}

/// Who calls.
#[derive(Serialize, JsonSchema)]
struct Me {
    /// Id of the session or token.
    credential: String,
    /// Whether a person or a service calls.
    kind: CallerKind,
    /// The person, if it is one.
    person: Option<PersonNamed>,
    /// Roles, the strongest first.
    roles: Vec<RoleHeld>,
    /// What the token may be used for at most; null for everything its holder may do.
    scopes: Option<Vec<&'static str>>,
    /// Actions that are permitted on at least some things.
    may: Vec<&'static str>,
}

/// A person, by id and name.
#[derive(Serialize, JsonSchema)]
struct PersonNamed {
    /// Id.
    id: String,
    /// Name shown.
    display: String,
}

#[derive(Serialize, JsonSchema)]
#[serde(rename_all = "lowercase")]
enum CallerKind {
    Person,
    Service,
}

/// A role that somebody holds.
#[derive(Serialize, JsonSchema)]
pub(super) struct RoleHeld {
    /// Name.
    name: String,
    /// Title.
    title: String,
    /// Rank; the highest is the strongest.
    rank: u16,
    /// How it is held, in words.
    origin: String,
}

impl From<&HeldRole> for RoleHeld {
    fn from(held: &HeldRole) -> Self {
        let role = &held.role;
        Self { name: role.name.clone(), title: role.title.clone(), rank: role.rank, origin: held.origin.clone() }
    }
}

async fn read(request: Request) -> Result<Answer, Failure> {
    let principal: &Principal = &request.principal;
    let may = Action::ALL.iter().filter(|action| permits(principal, **action, &Object::Any));
    Answer::json(&Me {
        credential: principal.id.clone(),
        kind: if principal.kind == PrincipalKind::Service { CallerKind::Service } else { CallerKind::Person },
        person: principal
            .person
            .as_ref()
            .map(|person| PersonNamed { id: person.id.clone(), display: person.display.clone() }),
        roles: principal.roles.iter().map(RoleHeld::from).collect(),
        scopes: principal.scopes.as_ref().map(|scopes| scopes.words()),
        may: may.map(|action| action.as_str()).collect(),
    })
}

async fn sign_out(request: Request) -> Result<Answer, Failure> {
    access::sign_out(&request.app, &request.principal).await?;
    Ok(Answer::empty())
}

/// A live session, without its token.
#[derive(Serialize, JsonSchema)]
struct Session {
    /// Id.
    id: String,
    /// What the browser or program calls itself.
    agent: String,
    /// Begun.
    created_at: Moment,
    /// End of life.
    expires_at: Option<Moment>,
    /// Last used, to the second or so.
    last_used_at: Option<Moment>,
    /// Whether it is the one that calls.
    current: bool,
}

async fn list(request: Request) -> Result<Answer, Failure> {
    let rows = access::list_sessions(&request.app, &request.principal, request.path("id")).await?;
    let show = |row: CredentialRow| Session {
        current: row.id == request.principal.id,
        id: row.id,
        agent: row.label,
        created_at: Moment(row.created),
        expires_at: row.expires.map(Moment),
        last_used_at: row.last_used.map(Moment),
    };
    listed(&request, rows, |row| row.id.clone(), show)
}

async fn end(request: Request) -> Result<Answer, Failure> {
    let (person, session) = (request.path("id"), request.path("session"));
    access::end_session(&request.app, &request.principal, person, session).await?;
    Ok(Answer::empty())
}

async fn end_all(request: Request) -> Result<Answer, Failure> {
    access::end_sessions(&request.app, &request.principal, request.path("id")).await?;
    Ok(Answer::empty())
}

/// A question: may this person do that?
#[derive(Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
struct DecisionAsked {
    /// Id of the person.
    person: String,
    /// Name of the action, such as `catalog.edit`.
    action: String,
    /// What it concerns; at most one of these. Nothing means: whether it is permitted on everything.
    #[serde(default)]
    object: DecisionObject,
}

/// What an action concerns.
#[derive(Default, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
struct DecisionObject {
    /// Id of a team or entity.
    item: Option<String>,
    /// Id of a person.
    person: Option<String>,
    /// Whether anything at all would do.
    #[serde(default)]
    anything: bool,
}

/// The answer, with reasons.
#[derive(Serialize, JsonSchema)]
struct DecisionGiven {
    /// Whether it is permitted.
    permitted: bool,
    /// Why; of several roles the strongest first.
    reasons: Vec<String>,
    /// All roles the person holds, the strongest first.
    roles: Vec<RoleHeld>,
}

async fn explain(request: Request) -> Result<Answer, Failure> {
    let asked: DecisionAsked = request.body()?;
    let about = match (asked.object.item, asked.object.person, asked.object.anything) {
        (None, None, false) => About::Nothing,
        (None, None, true) => About::Anything,
        (Some(item), None, false) => About::Item(item),
        (None, Some(person), false) => About::Person(person),
        _ => return Err(Error::new(Code::ValueInvalid, "An object is one thing: item, person or anything.").into()),
    };
    let (person, action) = (&asked.person, &asked.action);
    let explained = access::explain_decision(&request.app, &request.principal, person, action, &about).await?;
    Answer::json(&DecisionGiven {
        permitted: explained.decision.permitted,
        reasons: explained.decision.reasons.iter().map(Reason::to_string).collect(),
        roles: explained.roles.iter().map(RoleHeld::from).collect(),
    })
}

/// An action.
#[derive(Serialize, JsonSchema)]
struct ActionShown {
    /// Name.
    name: &'static str,
    /// What it is.
    about: &'static str,
    /// Whether it changes nothing.
    reads: bool,
    /// Whether a role may permit it on what is owned alone, as `NAME:owned`.
    can_be_owned: bool,
}

async fn actions(request: Request) -> Result<Answer, Failure> {
    let show = |action: Action| ActionShown {
        name: action.as_str(),
        about: action.says(),
        reads: action.reads(),
        can_be_owned: action.can_be_owned(),
    };
    listed(&request, Action::ALL.to_vec(), |action| action.as_str().to_owned(), show)
}
