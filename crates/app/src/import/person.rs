//! One person of an import: who they are here, what would change, and the commit.
//!
//! Whom no directory provisions and who has no account is known *only from imports*: the file says name, address and
//! fields. Of everybody else a file adds memberships and nothing more. Memberships by an import have an origin of their
//! own, `import:` and the source, so that neither rules nor other sources touch them.

use super::people::{Folk, Keep, Someone};
use super::report::Severity;
use super::{ATTEMPTS, Options};
use crate::Refusal;
use crate::access::{self, Action, Principal};
use crate::app::App;
use crate::catalog::Standards;
use crate::error::of_store;
use crate::holds::leaving_guard;
use crate::manage::event;
use bailiwick_domain::attributes::{Attribute, Field, Profile, Source};
use bailiwick_domain::catalog::Reference;
use bailiwick_domain::descriptor::Person;
use bailiwick_domain::event::EventKind;
use bailiwick_domain::mapping::grant::path_text;
use bailiwick_domain::mapping::{GrantKind, Step, StepKind};
use bailiwick_domain::person::State;
use bailiwick_domain::{ids, names};
use bailiwick_scim::{Object, text};
use bailiwick_store::change::{
    EntryWrite, GrantsWrite, NewEvent, NewGrant, NewPerson, PersonFacts, PersonKey, PersonUpdate,
};
use bailiwick_store::rows::{EntryRow, GrantRow, ItemRow, PersonRow};
use bailiwick_store::{ChangeSet, Guard, Write};
use serde_json::{Value, json};
use std::collections::{BTreeSet, HashSet};

/// Where the people of sources are kept.
pub(super) const PEOPLE: &str = "source-person";
/// Members of a team read at once to find one who stays.
const HOLDERS: u32 = 100;

/// What would become of somebody.
#[derive(Debug)]
pub(super) struct Outcome {
    pub(super) row: Option<PersonRow>,
    entry: Option<EntryRow>,
    /// Known only from imports.
    sole: bool,
    facts: Option<PersonFacts>,
    doc: Option<String>,
    /// What the entry is to hold, if that is new.
    kept: Option<Value>,
    pub(super) open: Vec<(Reference, String)>,
    pub(super) close: Vec<GrantRow>,
    changes: Vec<String>,
    pub(super) notes: Vec<(Severity, String)>,
    candidates: Option<Guard>,
}

impl Outcome {
    pub(super) fn creates(&self) -> bool {
        self.row.is_none()
    }

    /// Is there and active, or is going to be.
    pub(super) fn is_active(&self) -> bool {
        self.row.as_ref().is_none_or(|row| row.state == State::Active)
    }

    /// Nothing is to be written.
    pub(super) fn is_idle(&self) -> bool {
        !self.creates() && self.kept.is_none() && self.fields(&Keep::default()).is_empty()
    }

    /// What would change, in words.
    pub(super) fn fields(&self, keep: &Keep) -> Vec<String> {
        let mut fields = self.changes.clone();
        fields.extend(self.open.iter().map(|(team, role)| format!("member of {team} as {role}")));
        let close = self.close.iter().filter(|grant| !keep.has(&grant.object));
        fields.extend(close.map(|grant| format!("no longer {} of {}", grant.value, grant.object)));
        fields
    }
}

pub(super) fn origin(source: &str) -> String {
    format!("import:{source}")
}

pub(super) fn entry_id(source: &str, key: &str) -> String {
    format!("{source}/{key}")
}

/// What would become of somebody. `coming` are the names of items that the import makes.
pub(super) async fn decide(
    app: &App,
    source: &str,
    someone: &Someone,
    standards: &Standards,
    coming: &HashSet<String>,
) -> Result<Result<Outcome, (Severity, String)>, Refusal> {
    let entry = app.store().entry(PEOPLE, &entry_id(source, &someone.key)).await.map_err(of_store)?;
    let (row, candidates) = match find(app, someone, entry.as_ref()).await? {
        Ok(found) => found,
        Err(message) => return Ok(Err((Severity::Error, message))),
    };
    if row.is_none() && someone.said.is_none() {
        let message = format!("names the member {:?}, who is not in the catalog", someone.name);
        return Ok(Err((Severity::Warning, message)));
    }
    let sole = match &row {
        None => true,
        Some(row) => {
            !row.local && !row.account && app.store().person_users(row.seq).await.map_err(of_store)?.is_empty()
        }
    };
    let mut outcome = Outcome {
        sole,
        entry,
        facts: None,
        doc: None,
        kept: None,
        open: Vec::new(),
        close: Vec::new(),
        changes: Vec::new(),
        notes: Vec::new(),
        candidates,
        row,
    };
    if let Some(said) = &someone.said
        && let Err(message) = facts(source, said, standards, &mut outcome)
    {
        return Ok(Err((Severity::Error, message)));
    }
    memberships(app, source, someone, coming, &mut outcome).await?;
    let kept = kept(someone, &outcome);
    let before = outcome.entry.as_ref().and_then(|entry| serde_json::from_str::<Value>(&entry.doc).ok());
    let same = before.is_some_and(|before| without_line(before) == without_line(kept.clone()));
    outcome.kept = (!same).then_some(kept);
    Ok(Ok(outcome))
}

fn without_line(mut kept: Value) -> Value {
    if let Some(object) = kept.as_object_mut() {
        object.remove("line");
    }
    kept
}

/// Who is meant: whom the source meant before; else who has the address, and only if there is none, the name.
async fn find(
    app: &App,
    someone: &Someone,
    entry: Option<&EntryRow>,
) -> Result<Result<(Option<PersonRow>, Option<Guard>), String>, Refusal> {
    let before = entry.and_then(|entry| serde_json::from_str::<Value>(&entry.doc).ok());
    if let Some(id) = before.as_ref().and_then(|before| before["person"].as_str()) {
        let row = app.store().person_by_id(id).await.map_err(of_store)?;
        if let Some(row) = row.filter(|row| row.state != State::Closed) {
            return Ok(Ok((Some(row), None)));
        }
    }
    let email = match &someone.said {
        Some(said) => said.email.clone(),
        None => Some(someone.name.clone()).filter(|name| names::is_email_form(name)),
    };
    let name = match &someone.said {
        Some(said) => said.name.clone(),
        None => Some(someone.name.clone()),
    };
    let user_name_key = name.as_deref().map(text::unique_key).unwrap_or_default();
    let email_keys: Vec<String> = email.iter().map(|email| names::email_key(email)).collect();
    let found = app.store().candidates(&user_name_key, &email_keys).await.map_err(of_store)?;
    let mut persons: Vec<String> = found.iter().map(|one| one.person.id.clone()).collect();
    persons.sort();
    let guard = Guard::Candidates { user_name_key, email_keys, persons };
    let open = || found.iter().filter(|one| one.person.state != State::Closed);
    let mut meant: Vec<&PersonRow> = open().filter(|one| one.same_email).map(|one| &one.person).collect();
    if meant.is_empty() {
        // Who has another address is another human, whatever the userName.
        let fits = |person: &&PersonRow| email.is_none() || person.email.is_none();
        meant = open().filter(|one| one.same_user_name).map(|one| &one.person).filter(fits).collect();
    }
    match meant.as_slice() {
        [] => Ok(Ok((None, Some(guard)))),
        [one] => Ok(Ok((Some((*one).clone()), Some(guard)))),
        more => {
            let ids: Vec<&str> = more.iter().map(|person| person.id.as_str()).collect();
            Ok(Err(format!("{:?} may be more than one person: {}", someone.name, ids.join(", "))))
        }
    }
}

/// Name, address and fields, of who is known only from imports.
fn facts(source: &str, said: &Person, standards: &Standards, outcome: &mut Outcome) -> Result<(), String> {
    if !outcome.sole {
        if outcome.row.as_ref().is_some_and(|row| row.display != said.display) {
            let message = format!(
                "says {:?}, who has another name here: of people who are provisioned or sign in only memberships are taken",
                said.display
            );
            outcome.notes.push((Severity::Note, message));
        }
        return Ok(());
    }
    let wanted = PersonFacts {
        state: State::Active,
        display: said.display.clone(),
        email: said.email.clone(),
        email_key: said.email.as_deref().map(names::email_key),
        user_name: said.name.clone(),
        user_name_key: said.name.as_deref().map(text::unique_key),
    };
    let before = outcome.row.as_ref().map_or("{}", |row| row.doc.as_str());
    let mut profile = Profile::parse(before);
    let old = profile.clone();
    let by_this = Source::Import { source: source.to_owned() };
    let mut stale: Vec<Field> = profile
        .attributes()
        .filter(|(_, attribute)| attribute.source == by_this)
        .filter_map(|(name, _)| Field::from_text(name).ok())
        .collect();
    for (name, value) in &said.fields {
        let Some(field) = field(name, value, standards)? else {
            outcome
                .notes
                .push((Severity::Note, format!("the column {name:?} is no field of a person: it is only kept")));
            continue;
        };
        stale.retain(|other| *other != field);
        let known = profile.get(&field.to_string());
        if known.is_none_or(|known| known.source == by_this) {
            profile.put(&field, Some(Attribute { value: Value::from(value.as_str()), source: by_this.clone() }));
        }
    }
    for field in stale {
        profile.put(&field, None);
    }
    outcome.changes.extend(old.changes(&profile).into_iter().map(|change| change.field));
    outcome.doc = (profile != old || outcome.row.is_none()).then(|| profile.to_text());
    match &outcome.row {
        None => outcome.facts = Some(wanted),
        Some(row) => {
            let pairs = [
                ("name", row.display == wanted.display),
                ("email", row.email == wanted.email),
                ("userName", row.user_name == wanted.user_name || wanted.user_name.is_none()),
            ];
            let changed: Vec<String> =
                pairs.iter().filter(|(_, same)| !same).map(|(name, _)| (*name).to_owned()).collect();
            if !changed.is_empty() {
                outcome.changes.extend(changed);
                let user_name = wanted.user_name.clone().or_else(|| row.user_name.clone());
                let user_name_key = wanted.user_name_key.clone().or_else(|| row.user_name_key.clone());
                outcome.facts = Some(PersonFacts { state: row.state, user_name, user_name_key, ..wanted });
            }
        }
    }
    Ok(())
}

/// The field that a column means; nothing where it means none.
fn field(name: &str, value: &str, standards: &Standards) -> Result<Option<Field>, String> {
    if let Ok(field) = Field::from_text(name) {
        return Ok(Some(field));
    }
    if standards.properties.get(name).is_none() {
        return Ok(None);
    }
    let said = Object::from_iter([(name.to_owned(), Value::from(value))]);
    match standards.properties.check("person", &said).first() {
        Some(fault) => Err(format!("{name}: {}", fault.message)),
        None => Ok(Some(Field::Property(name.to_owned()))),
    }
}

/// Which memberships begin and end. Only those of this source end.
async fn memberships(
    app: &App,
    source: &str,
    someone: &Someone,
    coming: &HashSet<String>,
    outcome: &mut Outcome,
) -> Result<(), Refusal> {
    let mut held = match &outcome.row {
        Some(row) => app.store().grants_of(row.seq, true).await.map_err(of_store)?,
        None => Vec::new(),
    };
    let origin = origin(source);
    held.retain(|grant| grant.kind == GrantKind::Team && grant.origin == origin);
    for (team, role) in &someone.teams {
        match find_team(app, team).await? {
            Some(row) => {
                let index = held.iter().position(|grant| grant.object == row.id && grant.value == *role);
                match index {
                    Some(index) => drop(held.remove(index)),
                    None => outcome.open.push((team.clone(), role.clone())),
                }
            }
            None if coming.contains(&team.to_string()) => outcome.open.push((team.clone(), role.clone())),
            None => {
                let message = format!("names the team {}, which is not in the catalog", team.short(&team.kind));
                outcome.notes.push((Severity::Warning, message));
            }
        }
    }
    outcome.close = held;
    Ok(())
}

pub(super) async fn find_team(app: &App, team: &Reference) -> Result<Option<ItemRow>, Refusal> {
    app.store().item_by_alias(&team.space(), &team.name_key()).await.map_err(of_store)
}

/// What the source remembers of somebody; what has no place in a person is kept for the export.
fn kept(someone: &Someone, outcome: &Outcome) -> Value {
    let before = outcome.entry.as_ref().and_then(|entry| serde_json::from_str::<Value>(&entry.doc).ok());
    let made = before.as_ref().is_some_and(|before| before["made"] == true) || outcome.creates();
    let said = someone.said.clone().unwrap_or_default();
    json!({
        "person": outcome.row.as_ref().map(|row| row.id.as_str()), "made": made, "path": someone.path,
        "line": someone.line, "name": said.name, "namespace": said.namespace, "fields": said.fields,
        "unknown": said.unknown,
    })
}

/// What of somebody is written.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(super) enum Part {
    /// Everything.
    Whole,
    /// All but that teams are left.
    Coming,
}

/// Why nothing was written.
pub(super) struct Unwritten {
    pub(super) message: String,
    /// A team would have nobody any more. It may be another matter when others have come.
    pub(super) empties: bool,
}

impl From<String> for Unwritten {
    fn from(message: String) -> Self {
        Self { message, empties: false }
    }
}

/// Commits what became of somebody, decided anew.
pub(super) async fn write(
    app: &App,
    principal: &Principal,
    source: &str,
    someone: &Someone,
    folk: &Folk,
    (part, options): (Part, Options),
) -> Result<(), Unwritten> {
    let detail = |refusal: Refusal| refusal.detail;
    for _ in 0..ATTEMPTS {
        let outcome = decide(app, source, someone, &folk.standards, &HashSet::new()).await.map_err(detail)?;
        let mut outcome = outcome.map_err(|(_, message)| message)?;
        outcome.close.retain(|grant| !folk.keep.has(&grant.object));
        if let (Some(row), Some(facts)) = (&outcome.row, &outcome.facts)
            && facts.email != row.email
        {
            access::within_held(app, principal, row).await.map_err(detail)?;
        }
        let mut teams = Vec::new();
        for (team, role) in &outcome.open {
            if let Some(row) = find_team(app, team).await.map_err(detail)? {
                may_edit(app, principal, &row).await.map_err(detail)?;
                teams.push((row, role.clone()));
            }
        }
        let stays: HashSet<&str> = teams.iter().map(|(team, _)| team.id.as_str()).collect();
        if part == Part::Coming {
            outcome.close.retain(|grant| stays.contains(grant.object.as_str()));
        }
        let closing = closing(app, principal, &outcome.close, &stays, options).await?;
        let mut set = changes(app, principal, source, someone, outcome, teams);
        set.guards.extend(closing);
        if crate::manage::commit_guarded(app, set).await.map_err(detail)?.is_some() {
            return Ok(());
        }
    }
    Err("others change this person all the time: import again".to_owned().into())
}

async fn may_edit(app: &App, principal: &Principal, team: &ItemRow) -> Result<(), Refusal> {
    let object =
        access::Object::Item { seq: team.seq, kind: &team.kind, owner: None, owner_person: None, document: None };
    access::require(app, principal, Action::TeamEdit, &object).await
}

/// Refuses memberships to go that the caller may not take, or that would leave a team without anybody although nobody
/// said that this is meant; what holds that true until the commit. Who gets another membership of a team in the same
/// commit stays in it.
pub(super) async fn closing(
    app: &App,
    principal: &Principal,
    close: &[GrantRow],
    stays: &HashSet<&str>,
    options: Options,
) -> Result<Vec<Guard>, Unwritten> {
    let detail = |refusal: Refusal| refusal.detail;
    let lost: HashSet<i64> = close.iter().map(|grant| grant.seq).collect();
    let teams: BTreeSet<&str> = close.iter().map(|grant| grant.object.as_str()).collect();
    let mut guards = Vec::new();
    for team in teams {
        let guard = leaving_guard(app, team, true).await.map_err(detail)?;
        let Some(row) = app.store().item(team).await.map_err(|error| of_store(error).detail)? else { continue };
        may_edit(app, principal, &row).await.map_err(detail)?;
        let asked = !options.accept_removals && !stays.contains(team);
        if asked && empties(app, team, &lost).await.map_err(detail)? {
            let message =
                format!("{} would have nobody any more; say that this is meant with --accept-removals", row.title);
            return Err(Unwritten { message, empties: true });
        }
        guards.push(guard);
    }
    Ok(guards)
}

/// Whether a team has active people and would have none without these grants.
pub(super) async fn empties(app: &App, team: &str, lost: &HashSet<i64>) -> Result<bool, Refusal> {
    let (mut after, mut loses) = (0, false);
    loop {
        let held = app.store().holders(GrantKind::Team, team, after, HOLDERS).await.map_err(of_store)?;
        let Some((last, _)) = held.last() else { return Ok(loses) };
        after = last.seq;
        for (_, grant) in held.iter().filter(|(person, _)| person.state == State::Active) {
            if !lost.contains(&grant.seq) {
                return Ok(false);
            }
            loses = true;
        }
    }
}

/// Everything about one person in one commit.
fn changes(
    app: &App,
    principal: &Principal,
    source: &str,
    someone: &Someone,
    mut outcome: Outcome,
    teams: Vec<(ItemRow, String)>,
) -> ChangeSet {
    let created = outcome.creates();
    let fields = outcome.fields(&Keep::default());
    let id = match &outcome.row {
        Some(row) => row.id.clone(),
        None => ids::prefixed_id("per_", app.random()),
    };
    let mut set = ChangeSet { at: app.clock().now(), ..ChangeSet::default() };
    let said = |kind: EventKind, payload: Value| {
        let mut event = event(app, kind, None, Some(id.clone()), payload);
        event.actor = principal.actor().to_owned();
        event
    };
    let version = outcome.entry.as_ref().map_or(0, |entry| entry.version);
    let entry = entry_id(source, &someone.key);
    set.guards.push(Guard::Entry { collection: PEOPLE.to_owned(), id: entry.clone(), version });
    let mut key = PersonKey::New(id.clone());
    match &outcome.row {
        Some(row) => {
            set.guards.push(Guard::Person { seq: row.seq, epoch: row.epoch });
            key = PersonKey::Seq(row.seq);
            if let Some(facts) = outcome.facts.take() {
                set.writes.push(Write::UpdatePerson(PersonUpdate { seq: row.seq, facts, authority: None }));
            }
            if let Some(doc) = outcome.doc.take() {
                set.writes.push(Write::SetAttributes { person: row.seq, doc });
            }
        }
        None => {
            set.guards.extend(outcome.candidates.take());
            let doc = outcome.doc.take().unwrap_or_else(|| "{}".to_owned());
            if let Some(facts) = outcome.facts.take() {
                let person = NewPerson { id: id.clone(), facts, local: false, admin: false, doc };
                set.writes.push(Write::InsertPerson(person));
            }
        }
    }
    let close: Vec<i64> = outcome.close.iter().map(|grant| grant.seq).collect();
    let payload = json!({"source": source, "path": someone.path, "line": someone.line, "fields": fields});
    if created || !fields.is_empty() {
        set.events.push(said(if created { EventKind::PersonCreate } else { EventKind::PersonSet }, payload));
    }
    set.events.extend(member_events(&said, source, &teams, &outcome));
    let open: Vec<NewGrant> = teams.iter().map(|(team, role)| grant(source, someone, team, role)).collect();
    if !open.is_empty() || !close.is_empty() {
        set.writes.push(Write::Grants(GrantsWrite { person: key, open, close, settled: None }));
    }
    let mut kept = outcome.kept.take().unwrap_or_else(|| kept(someone, &outcome));
    kept["person"] = id.clone().into();
    set.writes.push(Write::PutEntry(EntryWrite {
        collection: PEOPLE.to_owned(),
        id: entry,
        parent: Some(source.to_owned()),
        state: None,
        due: None,
        doc: kept.to_string(),
    }));
    set
}

fn grant(source: &str, someone: &Someone, team: &ItemRow, role: &str) -> NewGrant {
    let path = [Step { kind: StepKind::Hand, id: origin(source), name: format!("{}:{}", someone.path, someone.line) }];
    NewGrant {
        kind: GrantKind::Team,
        object: team.id.clone(),
        value: role.to_owned(),
        origin: origin(source),
        path: path_text(&path),
    }
}

/// One event for each team that gains or loses somebody, so that the history of the team tells it.
fn member_events(
    said: &dyn Fn(EventKind, Value) -> NewEvent,
    source: &str,
    teams: &[(ItemRow, String)],
    outcome: &Outcome,
) -> Vec<NewEvent> {
    let mut events = Vec::new();
    for (team, role) in teams {
        let payload = json!({"team": team.id, "title": team.title, "role": role, "source": source});
        events.push(NewEvent { resource: Some(team.id.clone()), ..said(EventKind::MemberAdd, payload) });
    }
    for grant in &outcome.close {
        let payload = json!({"team": grant.object, "before": [grant.value], "source": source});
        events.push(NewEvent { resource: Some(grant.object.clone()), ..said(EventKind::MemberRemove, payload) });
    }
    events
}
