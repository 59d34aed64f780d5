//! Mapping rules: read, previewed, tried, applied, reviewed.

use super::answer::Answer;
use super::request::Request;
use super::table::{Access::May, Endpoint, Form, Param, get, handler, param, post, put, required};
use super::wire::{Moment, tag};
use crate::intake::{Failure, Fault};
use bailiwick_app::App;
use bailiwick_app::mapping::words;
use bailiwick_app::mapping::{self, Apply, Decision, NotTaken, ReviewEntry, Saved, Version};
use bailiwick_domain::mapping::effects::{Line, Lines};
use bailiwick_domain::mapping::grant::path_text;
use bailiwick_domain::mapping::{Danger, Effects, Grant, Lint};
use bailiwick_domain::policy::Action::{RuleManage, RuleRead};
use bailiwick_scim::{Code, Error};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use serde_json::{Map, Value};
use std::collections::BTreeMap;

/// What a rule file comes as: YAML, of which JSON is a part.
const FILES: &[&str] = &["application/yaml", "application/json", "text/yaml", "text/plain"];
const YAML: &str = "application/yaml";
const BASIS: Param = param("basis", Form::Text(200), "The basis of the preview that was looked at.");
const ACCEPT: Param = param("accept_dangers", Form::Flag, "What that preview found dangerous is meant.");
const NOTE: Param = param("note", Form::Text(1_000), "Why.");
const PERSON: Param = required("person", Form::Text(100), "Id of the person.");
const ALL: Param = param("all", Form::Flag, "Every rule, not only those whose review is due.");

pub(super) const ROUTES: &[Endpoint] = &[
    get(May(RuleRead), "/rules", "readRules", handler!(read))
        .says("Shows the mapping rules in force, as the file they were given in for who accepts YAML.")
        .gives::<Rules>()
        .also_text(YAML)
        .versioned(),
    put(May(RuleManage), "/rules", "applyRules", handler!(apply))
        .says("Puts the rules of a file in force. Everybody is evaluated again in the background.")
        .query(&[BASIS, ACCEPT, NOTE])
        .takes_text(FILES)
        .gives::<RulesSaved>()
        .versioned()
        .slow(),
    post(May(RuleRead), "/rules/preview", "previewRules", handler!(preview))
        .says("Says what the rules of a file would do to everybody, and changes nothing.")
        .takes_text(FILES)
        .gives::<RulesPreview>()
        .reads()
        .slow(),
    post(May(RuleRead), "/rules/try", "tryRules", handler!(try_person))
        .says("Says what the rules of a file would give to one person, and changes nothing.")
        .query(&[PERSON])
        .takes_text(FILES)
        .gives::<RulesTried>()
        .reads(),
    get(May(RuleRead), "/rules/versions", "listRuleVersions", handler!(versions))
        .says("Lists the versions of the rules, oldest first.")
        .lists::<RuleVersion>(),
    get(May(RuleRead), "/rules/versions/{number}", "readRuleVersion", handler!(version))
        .says("Shows a version of the rules.")
        .gives::<Rules>()
        .also_text(YAML),
    post(May(RuleManage), "/rules/versions/{number}/restore", "restoreRuleVersion", handler!(restore))
        .says("Puts an old version in force again, as a new one.")
        .query(&[BASIS, ACCEPT, NOTE])
        .gives::<RulesSaved>()
        .slow(),
    get(May(RuleRead), "/rules/lint", "lintRules", handler!(lint))
        .says("Tells what is odd about the rules in force: rules that match nobody, that give much to many, ...")
        .gives::<RuleLints>()
        .slow(),
    get(May(RuleRead), "/rules/progress", "readRulesProgress", handler!(progress))
        .says("Shows how many persons are still to be evaluated.")
        .gives::<RulesProgress>(),
    get(May(RuleRead), "/rules/reviews", "listRuleReviews", handler!(reviews))
        .says("Lists the rules whose review is due, the longest due first.")
        .query(&[ALL])
        .gives::<RuleReviews>(),
    post(May(RuleManage), "/rules/{id}/reviews", "reviewRule", handler!(review))
        .says("Records that somebody looked at a rule and what they decided.")
        .takes::<RuleReviewNew>()
        .gives::<RuleReview>(),
];

impl From<NotTaken> for Failure {
    fn from(not: NotTaken) -> Self {
        let faults = match &not {
            NotTaken::Faults(faults) => faults
                .iter()
                .map(|fault| Fault {
                    line: Some(fault.line),
                    column: Some(fault.column),
                    detail: format!("{}.", fault.message),
                    ..Fault::default()
                })
                .collect(),
            NotTaken::Dangers(dangers) => dangers
                .iter()
                .map(|danger| Fault { detail: format!("{}.", mapping::danger_words(danger)), ..Fault::default() })
                .collect(),
            NotTaken::Refused(_) => Vec::new(),
        };
        Failure::from(bailiwick_app::Refusal::from(not)).at(faults)
    }
}

/// Mapping rules.
#[derive(Serialize, JsonSchema)]
struct Rules {
    /// Number of the version; 0 before the first.
    version: u64,
    /// When it was saved; null before the first.
    saved_at: Option<Moment>,
    /// Who saved it; null before the first.
    saved_by: Option<String>,
    /// Why.
    note: Option<String>,
    /// The file as it was given.
    text: String,
    /// What it says, rule by rule, in the keys of the file.
    rules: Vec<Map<String, Value>>,
}

fn shown(text: &mapping::Text) -> Rules {
    let json: Value = serde_json::from_str(&text.set.to_json()).unwrap_or_default();
    let rules = match json.get("rules") {
        Some(Value::Array(rules)) => rules.iter().filter_map(|rule| rule.as_object().cloned()).collect(),
        _ => Vec::new(),
    };
    let known = text.version.version > 0;
    Rules {
        version: text.version.version,
        saved_at: known.then_some(Moment(text.version.at)),
        saved_by: known.then(|| text.version.by.clone()),
        note: text.version.note.clone(),
        text: text.text.clone(),
        rules,
    }
}

fn etag(app: &App, number: u64) -> String {
    tag(app, &[b"rules", &number.to_be_bytes()])
}

fn file(request: &Request, text: &mapping::Text) -> Result<Answer, Failure> {
    if request.wants_second_form() { Ok(Answer::text(YAML, text.text.clone())) } else { Answer::json(&shown(text)) }
}

async fn read(request: Request) -> Result<Answer, Failure> {
    let text = mapping::read_version(&request.app, &request.principal, None).await?;
    Ok(file(&request, &text)?.versioned(&etag(&request.app, text.version.version)))
}

/// Rules that were applied.
#[derive(Serialize, JsonSchema)]
struct RulesSaved {
    /// Number of the version in force.
    version: u64,
    /// Rules in it.
    rules: u64,
    /// Whether anything changed: an equal file makes no version.
    changed: bool,
}

fn saved(app: &App, saved: &Saved) -> Result<Answer, Failure> {
    let body = RulesSaved { version: saved.version, rules: saved.rules as u64, changed: saved.changed };
    Ok(Answer::json(&body)?.versioned(&etag(app, saved.version)))
}

fn how(request: &Request) -> Apply {
    Apply {
        basis: request.param("basis").map(str::to_owned),
        accept_dangers: request.flag("accept_dangers"),
        expected: None,
        note: request.param("note").map(str::to_owned),
    }
}

async fn apply(request: Request) -> Result<Answer, Failure> {
    let mut how = how(&request);
    if request.expects_a_version() {
        let present = mapping::read_version(&request.app, &request.principal, None).await?.version.version;
        request.expects(&etag(&request.app, present))?;
        how.expected = Some(present);
    }
    let done = mapping::apply_rules(&request.app, &request.principal, request.text()?, &how).await?;
    saved(&request.app, &done)
}

/// What rules would do.
#[derive(Serialize, JsonSchema)]
struct RulesPreview {
    /// To apply exactly what was previewed: `basis` of the application.
    basis: String,
    /// What somebody must say yes to first, in words.
    dangers: Vec<RulesDanger>,
    /// What changes.
    effects: RulesEffects,
    /// How many active people each rule gives something to, by its id.
    matches: BTreeMap<String, u64>,
}

/// Something dangerous.
#[derive(Debug, Serialize, JsonSchema)]
pub(super) struct RulesDanger {
    /// What it is, as a stable word.
    danger: String,
    /// In words.
    says: String,
}

/// What a change means, added up over everybody.
#[derive(Debug, Serialize, JsonSchema)]
pub(super) struct RulesEffects {
    /// Persons looked at.
    persons: u64,
    /// Of these, active ones.
    active: u64,
    /// Persons for whom something changes.
    changed: u64,
    /// Active persons who lose a team, a role or ownership.
    removed: u64,
    /// What comes.
    gained: RulesLines,
    /// What goes.
    lost: RulesLines,
    /// Membership roles that become stronger.
    stronger: RulesLines,
    /// Membership roles that become weaker.
    weaker: RulesLines,
    /// Roles that come.
    roles: RulesLines,
    /// Teams whose number of active members changes.
    teams: Vec<RulesTeam>,
    /// Active admins now.
    admins_before: u64,
    /// Active admins then.
    admins_after: u64,
    /// Active admins who would be none any more.
    admins_lost: RulesLines,
}

/// A count with examples.
#[derive(Debug, Serialize, JsonSchema)]
struct RulesLines {
    /// How many there are in all.
    count: u64,
    /// The first of them.
    sample: Vec<RulesLine>,
}

/// Somebody gains, loses or changes something.
#[derive(Debug, Serialize, JsonSchema)]
struct RulesLine {
    /// Id of the person.
    person: String,
    /// Name.
    name: String,
    /// `team`, `role`, `property` or `ownership`.
    kind: String,
    /// Id of the team, name of the role or property, filter of what is owned.
    object: String,
    /// How it was; null if it was not.
    before: Option<String>,
    /// How it will be; null if it will not be.
    after: Option<String>,
}

/// A team whose size changes.
#[derive(Debug, Serialize, JsonSchema)]
struct RulesTeam {
    /// Id.
    id: String,
    /// Title.
    title: Option<String>,
    /// Active members now.
    before: u64,
    /// Active members then.
    after: u64,
}

fn lines(lines: &Lines) -> RulesLines {
    let line = |line: &Line| RulesLine {
        person: line.person.clone(),
        name: line.name.clone(),
        kind: line.kind.as_str().to_owned(),
        object: line.object.clone(),
        before: line.before.clone(),
        after: line.after.clone(),
    };
    RulesLines { count: lines.count, sample: lines.sample.iter().map(line).collect() }
}

pub(super) fn effects(effects: &Effects, names: &BTreeMap<String, String>) -> RulesEffects {
    let team = |(id, size): (&String, &bailiwick_domain::mapping::effects::TeamSize)| RulesTeam {
        id: id.clone(),
        title: names.get(id).cloned(),
        before: size.before,
        after: size.after,
    };
    RulesEffects {
        persons: effects.persons,
        active: effects.active,
        changed: effects.changed,
        removed: effects.removed,
        gained: lines(&effects.gained),
        lost: lines(&effects.lost),
        stronger: lines(&effects.stronger),
        weaker: lines(&effects.weaker),
        roles: lines(&effects.roles),
        teams: effects.teams.iter().map(team).collect(),
        admins_before: effects.admins.before,
        admins_after: effects.admins.after,
        admins_lost: lines(&effects.admins_lost),
    }
}

pub(super) fn dangers(dangers: &[Danger]) -> Vec<RulesDanger> {
    let told =
        |danger: &Danger| RulesDanger { danger: danger.as_str().to_owned(), says: mapping::danger_words(danger) };
    dangers.iter().map(told).collect()
}

async fn preview(request: Request) -> Result<Answer, Failure> {
    let preview = mapping::preview(&request.app, &request.principal, request.text()?).await?;
    Answer::json(&RulesPreview {
        dangers: dangers(&preview.dangers),
        effects: effects(&preview.effects, &preview.team_names),
        basis: preview.basis,
        matches: preview.matches,
    })
}

/// What one person would have.
#[derive(Serialize, JsonSchema)]
struct RulesTried {
    /// Id of the person.
    person: String,
    /// Name.
    name: String,
    /// Everything the rules and feeds give.
    grants: Vec<RulesGrant>,
    /// What that changes.
    effects: RulesEffects,
}

/// Something a person would have, by one way.
#[derive(Serialize, JsonSchema)]
struct RulesGrant {
    /// `team`, `role`, `property` or `ownership`.
    kind: String,
    /// Id of the team, name of the role or property, filter of what is owned.
    object: String,
    /// Membership role, value, or id of the team on whose behalf.
    value: String,
    /// `rule:...` or `feed:...`.
    origin: String,
    /// The way in words.
    way: String,
    /// The way step by step.
    path: Vec<Map<String, Value>>,
}

fn grant(grant: &Grant) -> RulesGrant {
    let origin = grant.origin.to_string();
    RulesGrant {
        kind: grant.kind.as_str().to_owned(),
        object: grant.object.clone(),
        value: grant.value.clone(),
        way: words(&origin, &grant.path),
        path: serde_json::from_str(&path_text(&grant.path)).unwrap_or_default(),
        origin,
    }
}

async fn try_person(request: Request) -> Result<Answer, Failure> {
    let person = request.param("person").unwrap_or_default();
    let text = Some(request.text()?).filter(|text| !text.trim().is_empty());
    let tried = mapping::try_person(&request.app, &request.principal, text, person).await?;
    Answer::json(&RulesTried {
        grants: tried.grants.iter().map(grant).collect(),
        effects: effects(&tried.effects, &BTreeMap::new()),
        person: tried.person,
        name: tried.name,
    })
}

/// A version of the rules, without them.
#[derive(Serialize, JsonSchema)]
struct RuleVersion {
    /// Its number.
    version: u64,
    /// When it was saved.
    saved_at: Moment,
    /// Who saved it.
    saved_by: String,
    /// Why.
    note: Option<String>,
    /// Rules in it.
    rules: u64,
}

async fn versions(request: Request) -> Result<Answer, Failure> {
    let page = request.page::<u64>()?;
    let (app, principal) = (&request.app, &request.principal);
    let found = mapping::list_versions(app, principal, page.after, page.limit + 1).await?;
    let more = found.len() > page.limit as usize;
    let item = |version: Version| RuleVersion {
        version: version.version,
        saved_at: Moment(version.at),
        saved_by: version.by,
        note: version.note,
        rules: version.rules,
    };
    let items: Vec<RuleVersion> = found.into_iter().take(page.limit as usize).map(item).collect();
    let next = items.last().filter(|_| more).map(|item| item.version);
    let total = match page.total {
        // Every number up to that of the rules in force is a version.
        true => Some(mapping::read_version(app, principal, None).await?.version.version),
        false => None,
    };
    Answer::page(&request, &items, next.as_ref(), total)
}

fn number(request: &Request) -> Result<u64, Failure> {
    let said = request.path("number");
    let plain = said.bytes().all(|byte| byte.is_ascii_digit());
    let number = plain.then(|| said.parse().ok()).flatten().filter(|number| *number > 0);
    number.ok_or_else(|| Error::new(Code::NotFound, "There is no version of that number.").into())
}

async fn version(request: Request) -> Result<Answer, Failure> {
    let text = mapping::read_version(&request.app, &request.principal, Some(number(&request)?)).await?;
    file(&request, &text)
}

async fn restore(request: Request) -> Result<Answer, Failure> {
    let (number, how) = (number(&request)?, how(&request));
    let done = mapping::restore_version(&request.app, &request.principal, number, &how).await?;
    saved(&request.app, &done)
}

/// What is odd about the rules.
#[derive(Serialize, JsonSchema)]
struct RuleLints {
    /// One by one.
    items: Vec<RuleLint>,
}

/// Something odd.
#[derive(Serialize, JsonSchema)]
struct RuleLint {
    /// The rule; null for a feed of a team.
    rule: Option<String>,
    /// What is odd, as a stable word.
    kind: String,
    /// In words.
    message: String,
}

async fn lint(request: Request) -> Result<Answer, Failure> {
    let found = mapping::lint(&request.app, &request.principal, None).await?;
    let item = |lint: Lint| RuleLint { rule: lint.rule, kind: lint.kind.as_str().to_owned(), message: lint.message };
    Answer::json(&RuleLints { items: found.into_iter().map(item).collect() })
}

/// How far everybody is up to date.
#[derive(Serialize, JsonSchema)]
struct RulesProgress {
    /// Persons still to be evaluated.
    waiting: u64,
    /// Persons that were to be evaluated when the present work began; 0 if none is going on.
    total: u64,
}

async fn progress(request: Request) -> Result<Answer, Failure> {
    let progress = mapping::progress(&request.app).await?;
    Answer::json(&RulesProgress { waiting: progress.waiting, total: progress.total })
}

/// Reviews of rules.
#[derive(Serialize, JsonSchema)]
struct RuleReviews {
    /// Rule by rule.
    items: Vec<RuleReview>,
}

/// A rule and its reviews.
#[derive(Serialize, JsonSchema)]
struct RuleReview {
    /// The rule.
    rule: String,
    /// What it is for.
    description: Option<String>,
    /// Who answers for it.
    owner: String,
    /// When the next review is due.
    due_at: Option<Moment>,
    /// Whether that is past.
    overdue: bool,
    /// The last reviews, the newest first.
    reviews: Vec<RuleReviewMade>,
}

/// A review that was made.
#[derive(Serialize, JsonSchema)]
struct RuleReviewMade {
    /// Who looked.
    by: String,
    /// When.
    at: Moment,
    /// `keep`, `change` or `remove`.
    decision: &'static str,
    /// Why.
    note: String,
}

fn reviewed(entry: ReviewEntry) -> RuleReview {
    let made = |review: mapping::Review| RuleReviewMade {
        by: review.by,
        at: Moment(review.at),
        decision: review.decision.as_str(),
        note: review.note,
    };
    RuleReview {
        rule: entry.rule,
        description: entry.description,
        owner: entry.owner,
        due_at: entry.due.map(Moment),
        overdue: entry.overdue,
        reviews: entry.reviews.into_iter().map(made).collect(),
    }
}

async fn reviews(request: Request) -> Result<Answer, Failure> {
    let found = mapping::due_reviews(&request.app, &request.principal, request.flag("all")).await?;
    Answer::json(&RuleReviews { items: found.into_iter().map(reviewed).collect() })
}

/// A review.
#[derive(Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
struct RuleReviewNew {
    /// What was decided.
    decision: RuleDecision,
    /// Why.
    #[schemars(length(max = 2000))]
    #[serde(default)]
    note: String,
}

/// What was decided: the rule stays, is to be changed, or is to be removed.
#[derive(Clone, Copy, Deserialize, JsonSchema)]
#[serde(rename_all = "lowercase")]
enum RuleDecision {
    Keep,
    Change,
    Remove,
}

async fn review(request: Request) -> Result<Answer, Failure> {
    let new: RuleReviewNew = request.body()?;
    let decision = match new.decision {
        RuleDecision::Keep => Decision::Keep,
        RuleDecision::Change => Decision::Change,
        RuleDecision::Remove => Decision::Remove,
    };
    let rule = request.path("id");
    let entry = mapping::record_review(&request.app, &request.principal, rule, decision, &new.note).await?;
    Answer::json(&reviewed(entry))
}
