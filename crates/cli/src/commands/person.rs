//! `person`: the humans behind Users.

use super::items;
use crate::args::{Json, OnePerson, PersonCommand, PersonSet};
use crate::out::{self, Done, Failure};
use bailiwick_app::App;
use bailiwick_app::access::{self, PeopleQuery, PersonChange, PersonDetail, Principal};
use bailiwick_app::catalog::find_person;
use bailiwick_app::feed::{self, Told};
use bailiwick_app::query::EventQuery;
use bailiwick_domain::attributes::{Attribute, Lock, Source};
use bailiwick_domain::mapping::grant::parse_path;
use bailiwick_domain::person::State;
use bailiwick_store::rows::{GrantRow, GroupRef, ItemRow, PersonRow, UserOfPerson};
use serde_json::{Map, Value, json};

pub(super) async fn run(app: &App, command: PersonCommand) -> Done {
    let host = Principal::host();
    match command {
        PersonCommand::List { search, filter, state, limit, json } => {
            let states = [State::Active, State::Inactive, State::Closed];
            let state = states.into_iter().find(|one| Some(one.as_str()) == state.as_deref());
            let query = PeopleQuery { search, filter, state, limit, ..PeopleQuery::default() };
            list(&access::list_people(app, &host, query).await?.rows, json)
        }
        PersonCommand::Show { id, json } => {
            let id = find_person(app, &id).await?.id;
            let shown = access::show_person(app, &host, &id).await?;
            if json.json { out::json(&detail(&shown)) } else { out::lines(&sheet(&shown)) }
        }
        PersonCommand::Create { display, email, json } => {
            let person = access::create_person(app, &host, &display, email.as_deref()).await?;
            done(json, &person, &format!("{} is made: {}", person.display, person.id))
        }
        PersonCommand::Set { id, change, json } => {
            let id = find_person(app, &id).await?.id;
            let person = access::change_person(app, &host, &id, None, changed(change)?).await?;
            done(json, &person, &format!("{} ({}) is changed.", person.display, person.id))
        }
        PersonCommand::Deactivate(OnePerson { id, json }) => {
            let id = find_person(app, &id).await?.id;
            access::deactivate_person(app, &host, &id).await?;
            let person = find_person(app, &id).await?;
            let line = "sessions, tokens and invitations ended; teams, roles and ownership stay for a return";
            done(json, &person, &format!("{} ({}) is switched off: {line}.", person.display, person.id))
        }
        PersonCommand::Activate(OnePerson { id, json }) => {
            let id = find_person(app, &id).await?.id;
            access::activate_person(app, &host, &id).await?;
            let person = find_person(app, &id).await?;
            done(json, &person, &format!("{} ({}) is switched on.", person.display, person.id))
        }
        PersonCommand::History { id, limit, json } => {
            let id = find_person(app, &id).await?.id;
            let query = EventQuery { person: Some(id), limit, ..EventQuery::default() };
            history(&feed::page(app, &host, None, query).await?, json)
        }
    }
}

fn done(json: Json, person: &PersonRow, line: &str) -> Done {
    if json.json { out::json(&summary(person)) } else { out::line(line) }
}

fn changed(said: PersonSet) -> Result<PersonChange, Failure> {
    let mut fields = Map::new();
    for field in &said.fields {
        let Some((name, value)) = field.split_once('=') else {
            return Err(Failure::Usage(format!("--field {field}: NAME=VALUE is expected")));
        };
        fields.insert(name.to_owned(), items::typed(value));
    }
    let email = said.email.map(|email| (email != items::NONE).then_some(email));
    Ok(PersonChange { display: said.display, email, fields })
}

fn list(persons: &[PersonRow], json: Json) -> Done {
    if json.json {
        return out::json(&persons.iter().map(summary).collect());
    }
    if persons.is_empty() {
        return out::line("No person found.");
    }
    let cells = persons.iter().map(|person| {
        vec![
            person.id.clone(),
            state(person.state).to_owned(),
            person.display.clone(),
            email(person),
            person.user_name.clone().unwrap_or_default(),
            kind(person).to_owned(),
        ]
    });
    let head = ["ID", "STATE", "NAME", "E-MAIL", "USERNAME", "KIND"];
    out::lines(&out::table(&head, &cells.collect::<Vec<_>>()))
}

fn history(events: &[Told], json: Json) -> Done {
    if json.json {
        let value = |event: &Told| {
            json!({ "id": event.id, "at": event.at, "kind": event.kind, "integration": event.integration,
                "resource": event.resource, "actor": event.actor, "request": event.request_id,
                "detail": event.details })
        };
        return out::json(&events.iter().map(value).collect());
    }
    let cells = events.iter().map(|event| {
        let by =
            event.integration.as_ref().map_or_else(|| event.actor.clone(), |name| format!("{name} ({})", event.actor));
        vec![out::short(&event.at), event.kind.clone(), by, event.id.clone()]
    });
    out::lines(&out::table(&["AT", "KIND", "BY", "ENTRY"], &cells.collect::<Vec<_>>()))
}

fn state(state: State) -> &'static str {
    state.as_str()
}

fn email(person: &PersonRow) -> String {
    match (&person.email, person.state) {
        (Some(email), _) => email.clone(),
        (None, State::Closed) => String::new(),
        // Mail cannot reach this person: somebody should know.
        (None, _) => "no e-mail address".to_owned(),
    }
}

fn kind(person: &PersonRow) -> &'static str {
    match (person.admin, person.local, person.authority.is_some()) {
        (true, ..) => "admin",
        (false, true, _) => "local",
        (false, false, true) => "provisioned",
        (false, false, false) => "known",
    }
}

fn summary(person: &PersonRow) -> Value {
    json!({
        "id": person.id,
        "state": state(person.state),
        "display": person.display,
        "email": person.email,
        "user_name": person.user_name,
        "local": person.local,
        "admin": person.admin,
        "created": person.created.to_string(),
        "modified": person.modified.to_string(),
    })
}

fn detail(shown: &PersonDetail) -> Value {
    let report = &shown.report;
    let mut value = summary(&report.row);
    if let Some(object) = value.as_object_mut() {
        object.insert("account".to_owned(), Value::from(report.row.account));
        object.insert("locked".to_owned(), shown.lock.as_ref().map_or(Value::Null, lock_json));
        object.insert("fields".to_owned(), shown.fields.iter().map(field_json).collect());
        let roles = shown.roles.iter().map(|held| json!({ "name": held.role.name, "origin": held.origin }));
        object.insert("roles".to_owned(), roles.collect());
        object.insert("teams".to_owned(), shown.teams.iter().map(team_json).collect());
        object.insert("owned".to_owned(), shown.owned.into());
        object.insert("users".to_owned(), report.users.iter().map(user_json).collect());
        let conflicts = report
            .conflicts
            .iter()
            .map(|pair| json!({ "id": pair.id, "user_name": pair.user_name, "why": pair.why, "state": pair.state }));
        object.insert("conflicts".to_owned(), conflicts.collect());
    }
    value
}

fn lock_json(lock: &Lock) -> Value {
    json!({ "reason": lock.reason, "remedy": lock.remedy })
}

fn field_json((name, held, lock): &(String, Attribute, Option<Lock>)) -> Value {
    let (source, from) = source(&held.source);
    json!({ "name": name, "value": held.value, "source": source, "from": from,
        "locked": lock.as_ref().map_or(Value::Null, lock_json) })
}

/// The word for a source and what exactly it is.
fn source(source: &Source) -> (&'static str, &str) {
    match source {
        Source::Integration { user, .. } => ("integration", user),
        Source::Hand { by } => ("hand", by),
        Source::Import { source } => ("import", source),
        Source::Rule { rule } => ("rule", rule),
    }
}

fn team_json((team, grant): &(ItemRow, GrantRow)) -> Value {
    json!({ "id": team.id, "name": team.name, "title": team.title, "role": grant.value, "origin": grant.origin })
}

fn user_json((user, integration, groups): &(UserOfPerson, String, Vec<GroupRef>)) -> Value {
    json!({
        "id": user.id,
        "integration": integration,
        "active": user.active,
        "authority": user.authority,
        "resource": serde_json::from_str::<Value>(&user.doc).unwrap_or_default(),
        "groups": groups.iter().map(|group| json!({
            "id": group.id, "display": group.display, "type": if group.direct { "direct" } else { "indirect" },
        })).collect::<Value>(),
    })
}

fn sheet(shown: &PersonDetail) -> Vec<String> {
    let report = &shown.report;
    let person = &report.row;
    let mut lines = vec![
        format!("{} ({}), {}, {}", person.display, person.id, state(person.state), kind(person)),
        format!("  e-mail    {}", email(person)),
        format!("  userName  {}", person.user_name.as_deref().unwrap_or("none")),
        format!("  created   {}", out::moment(person.created)),
        format!("  modified  {}", out::moment(person.modified)),
    ];
    if let Some(lock) = &shown.lock {
        lines.push(format!("  locked    {}; {}", lock.reason, lock.remedy));
    }
    for (name, held, _) in &shown.fields {
        let value = held.value.as_str().map_or_else(|| held.value.to_string(), str::to_owned);
        let (source, from) = source(&held.source);
        // Of a User the connection says more than the id.
        let known =
            report.users.iter().find(|(user, ..)| user.id == from).map(|(_, integration, _)| integration.as_str());
        lines.push(format!("  {name:<8}  {value} ({source} {})", known.unwrap_or(from)));
    }
    for held in &shown.roles {
        lines.push(format!("  role      {} ({})", held.role.name, held.origin));
    }
    for (team, grant) in &shown.teams {
        let way = bailiwick_app::mapping::words(&grant.origin, &parse_path(&grant.path));
        lines.push(format!("  team      {}, {} ({way})", team.title, grant.value));
    }
    if shown.owned > 0 {
        lines.push(format!("  owns      {} by name", out::count(shown.owned, "item", "items")));
    }
    for (user, integration, groups) in &report.users {
        let active = if user.active { "active" } else { "inactive" };
        let role = if user.authority { ", decides who this person is" } else { "" };
        lines.push(String::new());
        lines.push(format!("User {} of {integration}: {active}{role}", user.id));
        for group in groups {
            let how = if group.direct { "" } else { " (through a nested group)" };
            lines.push(format!("  group  {} ({}){how}", group.display, group.id));
        }
    }
    if report.users.is_empty() {
        lines.push(String::new());
        lines.push("No User of any integration.".to_owned());
    }
    for pair in &report.conflicts {
        lines.push(String::new());
        lines.push(format!("Pair {} ({}): {}, {}", pair.id, pair.state, pair.user_name, super::conflict::why(pair)));
    }
    lines
}
