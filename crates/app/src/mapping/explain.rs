//! Who has what and through what: now, and at any past moment.

use super::owned::{self, Belongings, Owners};
use super::subject;
use crate::Refusal;
use crate::access::{self, Action, Object, Principal, require};
use crate::app::App;
use crate::catalog::then::Then;
use crate::error::of_store;
use crate::manage;
use bailiwick_domain::ids::Millis;
use bailiwick_domain::mapping::effects::ADMIN;
use bailiwick_domain::mapping::grant::{membership_rank, parse_path, strongest};
use bailiwick_domain::mapping::{GrantKind, HeldGrant, Step, StepKind, effects};
use bailiwick_domain::person::State;
use bailiwick_domain::policy;
use bailiwick_scim::Code;
use bailiwick_store::query::EntryQuery;
use bailiwick_store::rows::{GrantRow, ItemRow, PersonRow, StateRow};
use serde::Serialize;
use std::collections::BTreeMap;
use std::fmt::Write as _;

/// Custom roles read at once.
const ROLES: u32 = 1_000;
/// The origin of the role that everybody has who has no other.
pub(super) const BY_DEFAULT: &str = "default";
/// Entities shown of those a person owns.
const OWNED: usize = 200;

/// One way in which somebody has something.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Way {
    /// `hand`, `feed:...`, `rule:...`, `import:...`, `default`.
    pub origin: String,
    /// How (the membership role of a team, the value of a property).
    pub value: String,
    /// The way in words.
    pub words: String,
    /// The way step by step.
    pub path: Vec<Step>,
    /// Since when; of the role that everybody has who has no other, since the person is known.
    pub from: Millis,
    /// Until when, if it ended.
    pub until: Option<Millis>,
}

/// Something a person has.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Has {
    /// The team's id, the name of the role or property, the filter of what is owned.
    pub object: String,
    /// What it is called.
    pub name: String,
    /// The strongest membership role, or the value.
    pub value: String,
    /// Of roles: the strongest. It decides what is shown first, they all count.
    pub strongest: bool,
    /// Every way.
    pub ways: Vec<Way>,
    /// The teams a team is part of, the nearest first: what they own is theirs too.
    pub above: Vec<String>,
}

/// An entity a person owns.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Ownership {
    /// Id.
    pub id: String,
    /// Kind.
    pub kind: String,
    /// Title.
    pub title: String,
    /// Through what, in words.
    pub through: String,
}

/// Everything a person has, and why.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Explained {
    /// Id.
    pub person: String,
    /// Name.
    pub name: String,
    /// E-mail address.
    pub email: Option<String>,
    /// The moment it is about.
    pub at: Millis,
    /// Where the person stood then; none before it was known.
    pub state: Option<State>,
    /// Whether what follows has any effect: only an active person may act.
    pub effective: bool,
    /// Roles, the strongest first.
    pub roles: Vec<Has>,
    /// Teams.
    pub teams: Vec<Has>,
    /// Properties.
    pub properties: Vec<Has>,
    /// Ownership by rules: filters.
    pub ownership: Vec<Has>,
    /// Entities owned through all of that and by name, as the catalog stood at the moment.
    pub owns: Vec<Ownership>,
    /// How many there are in all.
    pub owns_total: u64,
    /// What cannot be told of the entities owned, in sentences; empty when the answer is whole.
    pub owns_gaps: Vec<String>,
}

/// Everything a person has and why, now or at a past moment.
///
/// # Errors
/// An unknown person, `forbidden`, or when the store cannot answer.
pub async fn explain(app: &App, principal: &Principal, person: &str, at: Option<Millis>) -> Result<Explained, Refusal> {
    let row = known(app, person).await?;
    require(app, principal, Action::AccessRead, &Object::Person { seq: row.seq }).await?;
    past(app, at)?;
    let now = app.clock().now();
    let grants = match at {
        Some(at) => app.store().grants_at(row.seq, at).await,
        None => app.store().grants_of(row.seq, true).await,
    };
    let grants = grants.map_err(of_store)?;
    let state = match at {
        None => Some(row.state),
        Some(at) => state_at(&row, &app.store().person_states(row.seq).await.map_err(of_store)?, at),
    };
    let ranks = ranks(app).await?;
    let mut roles = things(&grants, GrantKind::Role, |object| object.to_owned());
    if row.admin && at.is_none() && !roles.iter().any(|role| role.object == ADMIN) {
        roles.push(has_by(&row, ADMIN, "hand"));
    }
    let by_default = roles.is_empty() && !row.admin && state.is_some_and(|state| state != State::Closed);
    if let Some(role) = access::default_role_at(app, at).await?.filter(|_| by_default) {
        roles.push(has_by(&row, &role, BY_DEFAULT));
    }
    roles.sort_by_key(|role| std::cmp::Reverse(rank(&ranks, &role.object)));
    if let Some(first) = roles.first_mut() {
        first.strongest = true;
    }
    let ownership = things(&grants, GrantKind::Ownership, str::to_owned);
    let mut owners = Owners::read(app, at, !ownership.is_empty()).await?;
    let of_teams = in_teams(app, &grants, &owners.then).await?;
    let member_of = of_teams.iter().map(|team| team.object.as_str()).collect();
    let Belongings { items: mut owns, gaps } = owners.of(&row, &member_of, &ownership);
    let mut owns_gaps = owners.then.gaps;
    owns_gaps.extend(gaps);
    if let Some(at) = at {
        owns_gaps.extend(owned::linked_since(app, Some(&row), at).await?);
    }
    let owns_total = owns.len() as u64;
    owns.truncate(OWNED);
    Ok(Explained {
        at: at.unwrap_or(now),
        state,
        effective: state == Some(State::Active),
        roles,
        teams: of_teams,
        properties: things(&grants, GrantKind::Property, str::to_owned),
        ownership,
        owns,
        owns_total,
        owns_gaps,
        person: row.id,
        name: row.display,
        email: row.email,
    })
}

/// Refuses a moment that has not come: what somebody will have then is not known.
pub(super) fn past(app: &App, at: Option<Millis>) -> Result<(), Refusal> {
    let now = app.clock().now();
    match at.filter(|at| *at > now) {
        Some(at) => Err(manage::invalid(format!("{at} has not come yet: access can be told until {now}."))),
        None => Ok(()),
    }
}

/// The person of an id.
pub(super) async fn known(app: &App, person: &str) -> Result<PersonRow, Refusal> {
    let row = app.store().person_by_id(person).await.map_err(of_store)?;
    row.ok_or_else(|| {
        Refusal::new(Code::NotFound, format!("There is no person with the id \"{person}\". See: bailiwick person list"))
    })
}

/// A role that stands in no grant.
fn has_by(row: &PersonRow, role: &str, origin: &str) -> Has {
    let way = Way {
        origin: origin.to_owned(),
        value: String::new(),
        words: words(origin, &[]),
        path: Vec::new(),
        from: row.created,
        until: None,
    };
    let (object, name) = (role.to_owned(), role.to_owned());
    Has { object, name, value: String::new(), strongest: false, ways: vec![way], above: Vec::new() }
}

/// Where somebody stood at a moment; `None` before the person was known.
pub(super) fn state_at(row: &PersonRow, changes: &[StateRow], at: Millis) -> Option<State> {
    if at < row.created {
        return None;
    }
    let last = changes.iter().rev().find(|change| change.at <= at).map(|change| change.after);
    last.or_else(|| changes.first().map(|change| change.before)).or(Some(row.state))
}

/// The things of one kind among grants, each once with every way.
pub(super) fn things(grants: &[GrantRow], kind: GrantKind, name: impl Fn(&str) -> String) -> Vec<Has> {
    let mut found: BTreeMap<String, Vec<Way>> = BTreeMap::new();
    for grant in grants.iter().filter(|grant| grant.kind == kind) {
        found.entry(grant.object.clone()).or_default().push(way(grant));
    }
    let has = |(object, ways): (String, Vec<Way>)| {
        let values = ways.iter().map(|way| way.value.as_str());
        let value = strongest(values, |value| if kind == GrantKind::Team { membership_rank(value) } else { 0 });
        let (name, value) = (name(&object), value.unwrap_or_default().to_owned());
        Has { object, name, value, strongest: false, ways, above: Vec::new() }
    };
    found.into_iter().map(has).collect()
}

fn way(grant: &GrantRow) -> Way {
    let path = parse_path(&grant.path);
    Way {
        origin: grant.origin.clone(),
        value: grant.value.clone(),
        words: words(&grant.origin, &path),
        path,
        from: grant.from,
        until: grant.until,
    }
}

/// A way in words: `User ann@x.example in group Payments in group Engineering by rule payments-engineers`.
#[must_use]
pub fn words(origin: &str, path: &[Step]) -> String {
    let mut out = String::new();
    for step in path {
        if !out.is_empty() {
            out.push(' ');
        }
        // Writing to a String cannot fail.
        let _ = match step.kind {
            StepKind::User => write!(out, "User {}", step.name),
            StepKind::Group => write!(out, "in group {}", step.name),
            StepKind::Rule if step.name == step.id => write!(out, "by rule {}", step.id),
            StepKind::Rule => write!(out, "by rule {} ({})", step.id, step.name),
            StepKind::Feed => write!(out, "that feeds team {}", step.name),
            StepKind::Hand => write!(out, "given by {}", step.name),
        };
    }
    match (out.is_empty(), origin) {
        (false, _) => out,
        (true, "hand") => "given by hand".to_owned(),
        (true, BY_DEFAULT) => "everybody has it who has no other role".to_owned(),
        (true, origin) => origin.to_owned(),
    }
}

/// The teams among grants, called and placed as they were at the moment; as they are today where that cannot be told.
async fn in_teams(app: &App, grants: &[GrantRow], then: &Then) -> Result<Vec<Has>, Refusal> {
    let mut teams = things(grants, GrantKind::Team, str::to_owned);
    for team in &mut teams {
        if let Some(item) = then.items.get(&team.object) {
            team.name.clone_from(&item.title);
            team.above = then.chain(item).into_iter().map(|above| above.title.clone()).collect();
        } else if let Some(item) = app.store().item(&team.object).await.map_err(of_store)? {
            team.above = above(app, &item).await?;
            team.name = item.title;
        }
    }
    Ok(teams)
}

async fn above(app: &App, team: &ItemRow) -> Result<Vec<String>, Refusal> {
    let seqs = app.store().teams_above(team.seq).await.map_err(of_store)?;
    let mut titles = Vec::with_capacity(seqs.len());
    for seq in seqs {
        if let Some(item) = app.store().item_by_seq(seq).await.map_err(of_store)? {
            titles.push(item.title);
        }
    }
    Ok(titles)
}

/// How strong the roles are that do not come with the program.
pub(super) async fn ranks(app: &App) -> Result<BTreeMap<String, u16>, Refusal> {
    let query = EntryQuery { collection: "role".to_owned(), limit: ROLES, ..EntryQuery::default() };
    let entries = app.store().entries(query).await.map_err(of_store)?;
    let rank = |doc: &str| {
        let document: serde_json::Value = serde_json::from_str(doc).ok()?;
        u16::try_from(document.get("rank")?.as_u64()?).ok()
    };
    Ok(entries.into_iter().filter_map(|entry| Some((entry.id, rank(&entry.doc)?))).collect())
}

fn rank(custom: &BTreeMap<String, u16>, role: &str) -> u16 {
    policy::builtin(role).map(|role| role.rank).or_else(|| custom.get(role).copied()).unwrap_or(0)
}

/// The teams somebody belongs to by what they hold, each with the strongest membership role.
#[must_use]
pub fn memberships(grants: &[GrantRow]) -> BTreeMap<String, String> {
    let held: Vec<HeldGrant> = subject::held(grants);
    let having = effects::having(&held).into_iter();
    having.filter(|(thing, _)| thing.kind == GrantKind::Team).map(|(thing, role)| (thing.object, role)).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn ways_are_told_in_words() {
        let step = |kind, id: &str, name: &str| Step { kind, id: id.to_owned(), name: name.to_owned() };
        let path = [
            step(StepKind::User, "u", "ann@x.example"),
            step(StepKind::Group, "g", "Payments"),
            step(StepKind::Group, "h", "Engineering"),
            step(StepKind::Rule, "pay", "Engineers"),
        ];
        let expect = "User ann@x.example in group Payments in group Engineering by rule pay (Engineers)";
        assert_eq!(words("rule:pay:h", &path), expect);
        assert_eq!(words("hand", &[]), "given by hand");
        assert_eq!(words("import:x", &[]), "import:x");
        assert_eq!(words(BY_DEFAULT, &[]), "everybody has it who has no other role");
    }
}
