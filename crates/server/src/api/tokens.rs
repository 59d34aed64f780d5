//! API tokens: personal ones and those of services.

use super::answer::Answer;
use super::listed::listed;
use super::request::{Request, encoded};
use super::table::{Access::Known, Access::May, Endpoint, delete, get, handler, post};
use super::wire::Moment;
use crate::intake::Failure;
use bailiwick_app::access::{self, ApiTokenMade, NewApiToken, Scopes};
use bailiwick_domain::policy::Action::{TokenManage, TokenOwn, TokenRead};
use bailiwick_scim::{Code, Error};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use std::time::Duration;

/// Most days that a token lives.
const DAYS_MAX: u32 = 366;
/// Most hours that a token lives on beside its successor.
const OVERLAP_HOURS: u32 = 24 * 30;

pub(super) const ROUTES: &[Endpoint] = &[
    get(May(TokenOwn), "/tokens", "listTokens", handler!(list_own))
        .says("Lists one's own API tokens, the ended ones too. Their text is shown to nobody.")
        .lists::<ApiToken>(),
    post(May(TokenOwn), "/tokens", "createToken", handler!(create))
        .says("Makes an API token that acts as the caller. Its text is shown this once.")
        .takes::<ApiTokenNew>()
        .makes::<ApiTokenShown>()
        .once(),
    delete(Known, "/tokens/{id}", "revokeToken", handler!(revoke))
        .says("Revokes an API token at once: one's own, or any with token.manage."),
    post(Known, "/tokens/{id}/rotate", "rotateToken", handler!(rotate))
        .says("Makes the successor of an API token; the old one lives on for the overlap.")
        .takes::<ApiTokenRotate>()
        .makes::<ApiTokenShown>()
        .once(),
    get(May(TokenRead), "/service-tokens", "listServiceTokens", handler!(list_service))
        .says("Lists the API tokens of services, the ended ones too.")
        .lists::<ApiToken>(),
    post(May(TokenManage), "/service-tokens", "createServiceToken", handler!(create_service))
        .says("Makes an API token for a service with a role of its own. Its text is shown this once.")
        .takes::<ServiceTokenNew>()
        .makes::<ApiTokenShown>()
        .once(),
    get(Known, "/people/{id}/tokens", "listTokensOfPerson", handler!(list_of))
        .says("Lists the API tokens of a person: one's own, or anybody's with token.read.")
        .lists::<ApiToken>(),
];

/// An API token, without its text.
#[derive(Serialize, JsonSchema)]
struct ApiToken {
    /// Id, `crd_...`.
    id: String,
    /// `personal` or `service`.
    kind: &'static str,
    /// Name of the service.
    service: Option<String>,
    /// Label.
    label: String,
    /// What it may be used for at most: bundles and names of actions.
    scopes: Vec<String>,
    /// Role of a service.
    role: Option<String>,
    /// Who made it.
    created_by: Option<String>,
    /// Made.
    created_at: Moment,
    /// End of life.
    expires_at: Option<Moment>,
    /// Revoked.
    revoked_at: Option<Moment>,
    /// Last used, to the second or so.
    last_used_at: Option<Moment>,
}

impl From<access::ApiToken> for ApiToken {
    fn from(token: access::ApiToken) -> Self {
        Self {
            id: token.id,
            kind: token.kind.as_str(),
            service: token.service,
            label: token.label,
            scopes: token.scopes,
            role: token.role,
            created_by: token.by,
            created_at: Moment(token.created),
            expires_at: token.expires.map(Moment),
            revoked_at: token.revoked.map(Moment),
            last_used_at: token.last_used.map(Moment),
        }
    }
}

/// An API token that was just made: the only place where its text is shown.
#[derive(Serialize, JsonSchema)]
struct ApiTokenShown {
    #[serde(flatten)]
    about: ApiToken,
    /// The token.
    token: String,
}

fn made(request: &Request, made: ApiTokenMade) -> Result<Answer, Failure> {
    let path = format!("/tokens/{}", encoded(&made.token.id));
    Answer::made(request, &path, &ApiTokenShown { about: made.token.into(), token: made.text })
}

/// An API token to be made.
#[derive(Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
struct ApiTokenNew {
    /// What it is for.
    #[schemars(length(min = 1, max = 100))]
    label: String,
    /// What it may be used for at most: admin, audit, catalog, metrics, people, read, rules, write, or names of actions.
    #[schemars(length(min = 1, max = 40))]
    scopes: Vec<String>,
    /// Days that it lives; 90 when nothing is said.
    #[schemars(range(min = 1, max = DAYS_MAX))]
    expires_in_days: Option<u32>,
}

/// A service token to be made.
#[derive(Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
struct ServiceTokenNew {
    /// Name of the service.
    #[schemars(length(min = 1, max = 100))]
    service: String,
    /// Role, no stronger than one's own.
    role: String,
    /// What it is for.
    #[schemars(length(min = 1, max = 100))]
    label: String,
    /// What it may be used for at most.
    #[schemars(length(min = 1, max = 40))]
    scopes: Vec<String>,
    /// Days that it lives; 90 when nothing is said.
    #[schemars(range(min = 1, max = DAYS_MAX))]
    expires_in_days: Option<u32>,
}

fn invalid(detail: impl Into<String>) -> Failure {
    Error::new(Code::ValueInvalid, detail).into()
}

fn life(days: Option<u32>) -> Result<Option<Duration>, Failure> {
    match days {
        None => Ok(None),
        Some(days @ 1..=DAYS_MAX) => Ok(Some(Duration::from_secs(u64::from(days) * 86_400))),
        Some(_) => Err(invalid(format!("A token lives for 1 to {DAYS_MAX} days."))),
    }
}

async fn list_own(request: Request) -> Result<Answer, Failure> {
    let Some(person) = request.principal.person_id() else {
        return Err(invalid("This token belongs to no person: see /service-tokens."));
    };
    list_person(&request, person).await
}

async fn list_of(request: Request) -> Result<Answer, Failure> {
    list_person(&request, request.path("id")).await
}

async fn list_person(request: &Request, person: &str) -> Result<Answer, Failure> {
    let tokens = access::list_personal_tokens(&request.app, &request.principal, person).await?;
    listed(request, tokens, |token| token.id.clone(), ApiToken::from)
}

async fn list_service(request: Request) -> Result<Answer, Failure> {
    let tokens = access::list_service_tokens(&request.app, &request.principal).await?;
    listed(&request, tokens, |token| token.id.clone(), ApiToken::from)
}

async fn create(request: Request) -> Result<Answer, Failure> {
    let new: ApiTokenNew = request.body()?;
    let Some(person) = request.principal.person_id() else {
        return Err(invalid("This token belongs to no person: see /service-tokens."));
    };
    let scopes = Scopes::parse(&new.scopes).map_err(invalid)?;
    let new = NewApiToken { label: new.label, scopes, life: life(new.expires_in_days)? };
    let token = access::create_personal_token(&request.app, &request.principal, person, new).await?;
    made(&request, token)
}

async fn create_service(request: Request) -> Result<Answer, Failure> {
    let new: ServiceTokenNew = request.body()?;
    let scopes = Scopes::parse(&new.scopes).map_err(invalid)?;
    let (service, role) = (new.service, new.role);
    let new = NewApiToken { label: new.label, scopes, life: life(new.expires_in_days)? };
    let token = access::create_service_token(&request.app, &request.principal, &service, &role, new).await?;
    made(&request, token)
}

async fn revoke(request: Request) -> Result<Answer, Failure> {
    access::revoke_api_token(&request.app, &request.principal, request.path("id")).await?;
    Ok(Answer::empty())
}

/// How an API token is followed by another.
#[derive(Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
struct ApiTokenRotate {
    /// Hours that the old one lives on; 24 when nothing is said.
    #[schemars(range(max = OVERLAP_HOURS))]
    overlap_hours: Option<u32>,
    /// Days that the new one lives; 90 when nothing is said.
    #[schemars(range(min = 1, max = DAYS_MAX))]
    expires_in_days: Option<u32>,
}

async fn rotate(request: Request) -> Result<Answer, Failure> {
    let how: ApiTokenRotate = request.body()?;
    let hours = how.overlap_hours.unwrap_or(24);
    if hours > OVERLAP_HOURS {
        return Err(invalid(format!("The old token lives on for at most {OVERLAP_HOURS} hours.")));
    }
    let overlap = Duration::from_secs(u64::from(hours) * 3_600);
    let life = life(how.expires_in_days)?;
    let token = access::rotate_api_token(&request.app, &request.principal, request.path("id"), overlap, life).await?;
    made(&request, token)
}
