//! Integrations and their SCIM tokens.

use super::answer::Answer;
use super::listed::listed;
use super::request::{Request, encoded};
use super::table::{Access::May, Endpoint, delete, get, handler, patch, post};
use super::wire::{LIFE_DAYS, Moment, days, said, tag};
use crate::intake::Failure;
use bailiwick_app::manage::{self, NewIntegration, RATE_MAX_PER_SECOND, Setting, TokenMade};
use bailiwick_app::rows::{IntegrationRow, TokenRow};
use bailiwick_app::{App, Refusal};
use bailiwick_domain::policy::Action::{IntegrationManage, IntegrationRead};
use bailiwick_domain::preset::Preset;
use bailiwick_scim::Code;
use bailiwick_scim::quirks::{Quirk, Quirks};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use std::collections::BTreeMap;
use std::time::Duration;

pub(super) const ROUTES: &[Endpoint] = &[
    get(May(IntegrationRead), "/integrations", "listIntegrations", handler!(list))
        .says("Lists the integrations by name.")
        .lists::<Integration>(),
    post(May(IntegrationManage), "/integrations", "createIntegration", handler!(create))
        .says("Connects a directory. Its first SCIM token is shown this once.")
        .takes::<IntegrationNew>()
        .makes::<IntegrationMade>()
        .once(),
    get(May(IntegrationRead), "/integrations/{name}", "readIntegration", handler!(read))
        .says("Shows the settings of an integration.")
        .gives::<Integration>()
        .versioned(),
    patch(May(IntegrationManage), "/integrations/{name}", "changeIntegration", handler!(change))
        .says("Changes settings of an integration; what is not named stays.")
        .takes::<IntegrationChange>()
        .gives::<Integration>()
        .versioned(),
    delete(May(IntegrationManage), "/integrations/{name}", "deleteIntegration", handler!(remove))
        .says("Deletes an integration with all it provisioned. Persons it leaves without any identity are closed."),
    get(May(IntegrationRead), "/integrations/{name}/status", "readIntegrationStatus", handler!(status))
        .says("Shows how an integration fares: what it holds, its calls and its failures.")
        .gives::<IntegrationStatus>(),
    post(May(IntegrationManage), "/integrations/{name}/pause", "pauseIntegration", handler!(pause))
        .says("Refuses the calls of an integration until it is resumed."),
    post(May(IntegrationManage), "/integrations/{name}/resume", "resumeIntegration", handler!(resume))
        .says("Takes the calls of an integration again."),
    get(May(IntegrationRead), "/integrations/{name}/tokens", "listIntegrationTokens", handler!(tokens))
        .says("Lists the SCIM tokens of an integration, the ended ones too. Their text is shown to nobody.")
        .lists::<IntegrationToken>(),
    post(May(IntegrationManage), "/integrations/{name}/tokens", "createIntegrationToken", handler!(create_token))
        .says("Makes one more SCIM token. Its text is shown this once.")
        .takes::<IntegrationTokenNew>()
        .makes::<IntegrationTokenMade>()
        .once(),
    delete(May(IntegrationManage), "/integrations/{name}/tokens/{id}", "revokeIntegrationToken", handler!(revoke))
        .says("Revokes a SCIM token at once."),
    post(May(IntegrationManage), "/integrations/{name}/tokens/{id}/rotate", "rotateIntegrationToken", handler!(rotate))
        .says("Makes the successor of a SCIM token; the old one lives on for the overlap.")
        .takes::<IntegrationTokenRotate>()
        .makes::<IntegrationTokenMade>()
        .once(),
];

/// The identity provider behind an integration.
#[derive(Clone, Copy, Debug, Deserialize, Serialize, JsonSchema)]
#[serde(rename_all = "lowercase")]
enum PresetName {
    Entra,
    Generic,
    Google,
    Jumpcloud,
    Okta,
    Onelogin,
    Ping,
    Strict,
}

impl From<PresetName> for Preset {
    fn from(name: PresetName) -> Self {
        match name {
            PresetName::Entra => Self::Entra,
            PresetName::Generic => Self::Generic,
            PresetName::Google => Self::Google,
            PresetName::Jumpcloud => Self::Jumpcloud,
            PresetName::Okta => Self::Okta,
            PresetName::Onelogin => Self::Onelogin,
            PresetName::Ping => Self::Ping,
            PresetName::Strict => Self::Strict,
        }
    }
}

/// A connected directory.
#[derive(Debug, Serialize, JsonSchema)]
struct Integration {
    /// Id, `int_1`.
    id: String,
    /// Name.
    name: String,
    /// Preset.
    preset: String,
    /// Address to enter at the identity provider.
    scim_url: String,
    /// Whether its calls are refused for now.
    paused: bool,
    /// Whether what it says is stored but changes no person, team or role yet.
    observe: bool,
    /// Calls a second; null the default, 0 no limit.
    rate_limit: Option<u32>,
    /// Whether userName must be an e-mail address.
    user_name_email: bool,
    /// The claim of a sign-in and the attribute it must equal.
    sign_in_claim: Option<String>,
    /// From which removals on the guard holds.
    guard: IntegrationGuard,
    /// Names of the quirks that are on.
    quirks: Vec<&'static str>,
    /// Made.
    created_at: Moment,
}

/// Removals beyond both within an hour are held.
#[derive(Debug, Serialize, JsonSchema)]
struct IntegrationGuard {
    /// Share of its people, in per cent.
    percent: u32,
    /// People.
    people: u32,
}

fn shown(app: &App, row: &IntegrationRow) -> Integration {
    let settings = &row.settings;
    let quirks = Quirks::from_bits(settings.quirks);
    Integration {
        id: row.id.printed(),
        name: row.name.clone(),
        preset: row.preset.clone(),
        scim_url: app.scim_base().to_owned(),
        paused: settings.paused,
        observe: settings.observe,
        rate_limit: settings.rate_limit,
        user_name_email: settings.user_name_email,
        sign_in_claim: settings.sign_in_claim.clone(),
        guard: IntegrationGuard { percent: settings.guard_percent, people: settings.guard_people },
        quirks: Quirk::ALL.iter().filter(|quirk| quirks.has(**quirk)).map(|quirk| quirk.name()).collect(),
        created_at: Moment(row.created),
    }
}

/// The integration, its version and its tag. The version is read first: what is shown is at least as new.
async fn found(app: &App, name: &str) -> Result<(IntegrationRow, i64, String), Refusal> {
    let id = manage::find_integration(app, name).await?.id;
    let version = manage::integration_version(app, id).await?;
    let row = manage::find_integration(app, name).await?;
    let tag = tag(app, &[b"integration", &row.id.0.to_be_bytes(), &version.to_be_bytes()]);
    Ok((row, version, tag))
}

async fn list(request: Request) -> Result<Answer, Failure> {
    let rows = manage::list_integrations(&request.app).await?;
    listed(&request, rows, |row| row.name.clone(), |row| shown(&request.app, &row))
}

/// A directory to be connected.
#[derive(Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
struct IntegrationNew {
    /// Name: small letters, digits and dashes, no dash in front.
    #[schemars(regex(pattern = r"^[a-z0-9][a-z0-9-]{0,62}$"))]
    name: String,
    /// Preset; generic when nothing is said.
    preset: Option<PresetName>,
    /// Calls a second; null the default, 0 no limit.
    #[schemars(range(max = RATE_MAX_PER_SECOND))]
    rate_limit: Option<u32>,
    /// Only store what it says until an admin has seen what would follow and applies it.
    #[serde(default)]
    observe: bool,
}

/// A new integration with its first token.
#[derive(Debug, Serialize, JsonSchema)]
struct IntegrationMade {
    #[serde(flatten)]
    integration: Integration,
    /// The first token.
    token: IntegrationTokenMade,
}

async fn create(request: Request) -> Result<Answer, Failure> {
    let new: IntegrationNew = request.body()?;
    let preset = new.preset.map_or(Preset::Generic, Preset::from);
    let new = NewIntegration { name: new.name, preset, rate_limit: new.rate_limit, observe: new.observe };
    let made = manage::create_integration(&request.app, new).await?;
    let row = manage::find_integration(&request.app, &made.name).await?;
    let body = IntegrationMade { integration: shown(&request.app, &row), token: made.token.into() };
    Answer::made(&request, &format!("/integrations/{}", made.name), &body)
}

async fn read(request: Request) -> Result<Answer, Failure> {
    let (row, _, tag) = found(&request.app, request.path("name")).await?;
    Ok(Answer::json(&shown(&request.app, &row))?.versioned(&tag))
}

/// What to change; what is not named stays.
#[derive(Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
struct IntegrationChange {
    /// Calls a second; null the default, 0 no limit.
    #[serde(default, deserialize_with = "said")]
    #[schemars(range(max = RATE_MAX_PER_SECOND))]
    rate_limit: Option<Option<u32>>,
    /// Whether userName must be an e-mail address.
    user_name_email: Option<bool>,
    /// `CLAIM=ATTRIBUTE`, such as `oid=externalId`; null for none.
    #[serde(default, deserialize_with = "said")]
    #[schemars(length(max = 401))]
    sign_in_claim: Option<Option<String>>,
    /// Quirks to be switched, by name.
    #[serde(default)]
    quirks: BTreeMap<String, bool>,
    /// From which removals on the guard holds.
    guard: Option<IntegrationGuardChange>,
    /// Only true: store what it says without consequences from now on. Applying what was observed ends it.
    observe: Option<bool>,
}

/// Removals beyond both within an hour are held.
#[derive(Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
struct IntegrationGuardChange {
    /// Share of its people, in per cent.
    #[schemars(range(max = 100))]
    percent: Option<u32>,
    /// People.
    people: Option<u32>,
}

impl IntegrationChange {
    fn settings(self) -> Result<Vec<Setting>, Refusal> {
        let mut all = Vec::new();
        all.extend(self.rate_limit.map(Setting::RateLimit));
        all.extend(self.user_name_email.map(Setting::UserNameEmail));
        all.extend(self.sign_in_claim.map(Setting::SignInClaim));
        if let Some(guard) = self.guard {
            all.extend(guard.percent.map(Setting::GuardPercent));
            all.extend(guard.people.map(Setting::GuardPeople));
        }
        match self.observe {
            Some(true) => all.push(Setting::Observe),
            Some(false) => {
                let detail = "What was observed is applied after it was looked at: POST /integrations/{name}/apply.";
                return Err(Refusal::new(Code::ValueInvalid, detail));
            }
            None => {}
        }
        for (name, on) in self.quirks {
            let quirk = Quirk::ALL.iter().copied().find(|quirk| quirk.name() == name);
            let quirk = quirk.ok_or_else(|| {
                let names: Vec<&str> = Quirk::ALL.iter().map(|quirk| quirk.name()).collect();
                let detail = format!("There is no quirk {name:?}. There is: {}.", names.join(", "));
                Refusal::new(Code::ValueInvalid, detail)
            })?;
            all.push(Setting::Quirk(quirk, on));
        }
        Ok(all)
    }
}

async fn change(request: Request) -> Result<Answer, Failure> {
    let name = request.path("name");
    let chosen = request.body::<IntegrationChange>()?.settings()?;
    let (_, version, before) = found(&request.app, name).await?;
    request.expects(&before)?;
    let version = request.expects_a_version().then_some(version);
    manage::set_integration_at(&request.app, name, version, chosen).await?;
    let (row, _, tag) = found(&request.app, name).await?;
    Ok(Answer::json(&shown(&request.app, &row))?.versioned(&tag))
}

async fn remove(request: Request) -> Result<Answer, Failure> {
    manage::delete_integration(&request.app, request.path("name")).await?;
    Ok(Answer::empty())
}

async fn pause(request: Request) -> Result<Answer, Failure> {
    manage::pause_integration(&request.app, request.path("name")).await?;
    Ok(Answer::empty())
}

async fn resume(request: Request) -> Result<Answer, Failure> {
    manage::resume_integration(&request.app, request.path("name")).await?;
    Ok(Answer::empty())
}

/// How an integration fares.
#[derive(Debug, Serialize, JsonSchema)]
struct IntegrationStatus {
    /// Users held.
    users: u64,
    /// Groups held.
    groups: u64,
    /// Last call of any kind.
    last_call_at: Option<Moment>,
    /// Last call that succeeded.
    last_success_at: Option<Moment>,
    /// Last call that failed.
    last_failure_at: Option<Moment>,
    /// E-mail domains claimed for it.
    domains: Vec<String>,
    /// Pairs of the conflict queue that wait for a decision.
    open_conflicts: u64,
    /// Equal failures, grouped.
    failures: Vec<IntegrationFailure>,
}

/// Equal failures of an integration.
#[derive(Debug, Serialize, JsonSchema)]
struct IntegrationFailure {
    /// Stable code.
    code: String,
    /// How many.
    count: u64,
    /// First of them.
    first_at: Moment,
    /// Last of them.
    last_at: Moment,
    /// What happened.
    cause: &'static str,
    /// What to do, in the terms of the identity provider.
    remedy: &'static str,
}

async fn status(request: Request) -> Result<Answer, Failure> {
    let report = manage::show_integration(&request.app, request.path("name")).await?;
    let failures = report.failures.into_iter().map(|summary| IntegrationFailure {
        code: summary.group.code,
        count: summary.group.count,
        first_at: Moment(summary.group.first),
        last_at: Moment(summary.group.last),
        cause: summary.cause,
        remedy: summary.remedy,
    });
    Answer::json(&IntegrationStatus {
        users: report.row.users,
        groups: report.row.groups,
        last_call_at: report.row.last_call.map(Moment),
        last_success_at: report.row.last_success.map(Moment),
        last_failure_at: report.row.last_failure.map(Moment),
        domains: report.domains.into_iter().map(|domain| domain.name).collect(),
        open_conflicts: report.open_conflicts as u64,
        failures: failures.collect(),
    })
}

/// A SCIM token, without its text.
#[derive(Debug, Serialize, JsonSchema)]
struct IntegrationToken {
    /// Id, `tok_...`.
    id: String,
    /// Label.
    label: String,
    /// Made.
    created_at: Moment,
    /// End of life.
    expires_at: Option<Moment>,
    /// Revoked.
    revoked_at: Option<Moment>,
    /// Last used, to the second or so.
    last_used_at: Option<Moment>,
}

impl From<TokenRow> for IntegrationToken {
    fn from(row: TokenRow) -> Self {
        Self {
            id: row.id,
            label: row.label,
            created_at: Moment(row.created),
            expires_at: row.expires.map(Moment),
            revoked_at: row.revoked.map(Moment),
            last_used_at: row.last_used.map(Moment),
        }
    }
}

async fn tokens(request: Request) -> Result<Answer, Failure> {
    let rows = manage::list_tokens(&request.app, Some(request.path("name"))).await?;
    listed(&request, rows, |(row, _)| row.id.clone(), |(row, _)| IntegrationToken::from(row))
}

/// A SCIM token to be made.
#[derive(Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
struct IntegrationTokenNew {
    /// What it is for.
    #[schemars(length(min = 1, max = 100))]
    label: String,
    /// Days that it lives; null without end.
    #[schemars(range(min = 1, max = LIFE_DAYS))]
    expires_in_days: Option<u32>,
}

/// A SCIM token that was just made: the only place where its text is shown.
#[derive(Debug, Serialize, JsonSchema)]
struct IntegrationTokenMade {
    /// Id, `tok_...`.
    id: String,
    /// Name of the integration.
    integration: String,
    /// Label.
    label: String,
    /// The token.
    token: String,
    /// End of life.
    expires_at: Option<Moment>,
}

impl From<TokenMade> for IntegrationTokenMade {
    fn from(made: TokenMade) -> Self {
        Self {
            id: made.id,
            integration: made.integration,
            label: made.label,
            token: made.token,
            expires_at: made.expires_at.map(Moment),
        }
    }
}

fn token_made(request: &Request, made: TokenMade) -> Result<Answer, Failure> {
    let path = format!("/integrations/{}/tokens/{}", encoded(&made.integration), encoded(&made.id));
    Answer::made(request, &path, &IntegrationTokenMade::from(made))
}

async fn create_token(request: Request) -> Result<Answer, Failure> {
    let new: IntegrationTokenNew = request.body()?;
    let life = new.expires_in_days.map(days).transpose()?;
    let made = manage::create_token(&request.app, request.path("name"), &new.label, life).await?;
    token_made(&request, made)
}

async fn revoke(request: Request) -> Result<Answer, Failure> {
    manage::revoke_token(&request.app, request.path("name"), request.path("id")).await?;
    Ok(Answer::empty())
}

/// Most hours that a token lives on beside its successor.
const OVERLAP_HOURS: u32 = 24 * 90;

/// How a SCIM token is followed by another.
#[derive(Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
struct IntegrationTokenRotate {
    /// Hours that the old one lives on; 24 when nothing is said.
    #[schemars(range(max = OVERLAP_HOURS))]
    overlap_hours: Option<u32>,
    /// Days that the new one lives; null without end.
    #[schemars(range(min = 1, max = LIFE_DAYS))]
    expires_in_days: Option<u32>,
}

async fn rotate(request: Request) -> Result<Answer, Failure> {
    let how: IntegrationTokenRotate = request.body()?;
    let hours = how.overlap_hours.unwrap_or(24);
    if hours > OVERLAP_HOURS {
        let detail = format!("The old token lives on for at most {OVERLAP_HOURS} hours.");
        return Err(Refusal::new(Code::ValueInvalid, detail).into());
    }
    let overlap = Duration::from_secs(u64::from(hours) * 60 * 60);
    let life = how.expires_in_days.map(days).transpose()?;
    let (name, id) = (request.path("name"), request.path("id"));
    let made = manage::rotate_token(&request.app, name, Some(id), overlap, life).await?;
    token_made(&request, made)
}
