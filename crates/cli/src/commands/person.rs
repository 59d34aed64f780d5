//! `person`: the humans behind Users.

use crate::args::{Json, PersonCommand};
use crate::out::{self, Done};
use bailiwick_app::App;
use bailiwick_app::manage::{self, PersonReport};
use bailiwick_domain::person::State;
use bailiwick_store::query::PersonQuery;
use bailiwick_store::rows::{GroupRef, PersonRow, UserOfPerson};
use serde_json::{Value, json};

pub(super) async fn run(app: &App, command: PersonCommand) -> Done {
    match command {
        PersonCommand::List { search, limit, json } => list(app, search, limit, json).await,
        PersonCommand::Show { id, json } => {
            let report = manage::show_person(app, &id).await?;
            if json.json { out::json(&detail(&report)) } else { out::lines(&sheet(&report)) }
        }
    }
}

async fn list(app: &App, search: Option<String>, limit: u32, json: Json) -> Done {
    let persons = manage::list_persons(app, PersonQuery { search, after: None, limit }).await?;
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
    match (person.admin, person.local) {
        (true, _) => "admin",
        (false, true) => "local",
        (false, false) => "provisioned",
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

fn detail(report: &PersonReport) -> Value {
    let mut value = summary(&report.row);
    if let Some(object) = value.as_object_mut() {
        object.insert("account".to_owned(), Value::from(report.row.account));
        object.insert("users".to_owned(), report.users.iter().map(user_json).collect());
        let conflicts = report
            .conflicts
            .iter()
            .map(|pair| json!({ "id": pair.id, "user_name": pair.user_name, "why": pair.why, "state": pair.state }));
        object.insert("conflicts".to_owned(), conflicts.collect());
    }
    value
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

fn sheet(report: &PersonReport) -> Vec<String> {
    let person = &report.row;
    let mut lines = vec![
        format!("{} ({}), {}, {}", person.display, person.id, state(person.state), kind(person)),
        format!("  e-mail    {}", email(person)),
        format!("  userName  {}", person.user_name.as_deref().unwrap_or("none")),
        format!("  created   {}", out::moment(person.created)),
        format!("  modified  {}", out::moment(person.modified)),
    ];
    for (user, integration, groups) in &report.users {
        let active = if user.active { "active" } else { "inactive" };
        let role = if user.authority { ", decides who this person is" } else { "" };
        lines.push(String::new());
        lines.push(format!("User {} of {integration}: {active}{role}", user.id));
        for group in groups {
            let how = if group.direct { "" } else { " (through a nested group)" };
            lines.push(format!("  group  {}{how}", group.display));
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
