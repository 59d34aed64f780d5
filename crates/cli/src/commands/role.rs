//! `role`: what people may do, and why.

use crate::args::{Json, RoleCommand};
use crate::out::{self, Done, Failure, refused};
use bailiwick_app::App;
use bailiwick_app::access::{self, About, Action, Permit, Principal, Reason, RoleEntry};
use bailiwick_app::catalog::find_person;
use bailiwick_domain::yaml::{self, Limits, Version};
use serde_json::{Map, Value, json};
use std::io::Read as _;
use std::path::Path;

/// Longest file of a role, in bytes.
const FILE_BYTES: u64 = 64 * 1024;

pub(super) async fn run(app: &App, command: RoleCommand) -> Done {
    let host = Principal::host();
    match command {
        RoleCommand::List { json } => list(app, &host, json).await,
        RoleCommand::Show { name, json } => show(&access::show_role(app, &host, &name).await?, json),
        RoleCommand::Set { file, json } => {
            let document = read(&file)?;
            let name = document.get("name").and_then(Value::as_str).unwrap_or_default().to_owned();
            let entry =
                access::set_role(app, &host, &name, &document, None).await.map_err(|refused| refused.refusal)?;
            show(&entry, json)
        }
        RoleCommand::Delete { name, json } => {
            access::delete_role(app, &host, &name, None).await?;
            done(json, &json!({ "name": name, "deleted": true }), &format!("The role {name} is deleted."))
        }
        RoleCommand::Give { name, person, json } => {
            let person = find_person(app, &person).await?;
            access::give_role(app, &host, &person.id, &name).await?;
            let said = json!({ "role": name, "person": person.id, "given": true });
            done(json, &said, &format!("{} holds the role {name} by hand.", person.display))
        }
        RoleCommand::Take { name, person, json } => {
            let person = find_person(app, &person).await?;
            access::take_role(app, &host, &person.id, &name).await?;
            let said = json!({ "role": name, "person": person.id, "taken": true });
            done(json, &said, &format!("{} no longer holds the role {name} by hand.", person.display))
        }
        RoleCommand::Default { name, json } => default(app, &host, name, json).await,
        RoleCommand::Actions { json } => actions(json),
        RoleCommand::Explain { person, action, item, json } => explain(app, &person, &action, item, json).await,
    }
}

fn done(json: Json, value: &Value, line: &str) -> Done {
    if json.json { out::json(value) } else { out::line(line) }
}

async fn list(app: &App, host: &Principal, json: Json) -> Done {
    let roles = access::list_roles(app, host).await?;
    if json.json {
        return out::json(&roles.iter().map(value).collect());
    }
    let cells = roles.iter().map(|entry| {
        let kind = if entry.role.builtin { "built in" } else { "own" };
        let default = if entry.default { "yes" } else { "" };
        let role = &entry.role;
        vec![role.name.clone(), role.rank.to_string(), role.title.clone(), kind.to_owned(), default.to_owned()]
    });
    out::lines(&out::table(&["NAME", "RANK", "TITLE", "KIND", "DEFAULT"], &cells.collect::<Vec<_>>()))
}

fn value(entry: &RoleEntry) -> Value {
    let mut value = entry.role.to_document();
    if let Some(object) = value.as_object_mut() {
        object.insert("builtin".to_owned(), entry.role.builtin.into());
        object.insert("default".to_owned(), entry.default.into());
    }
    value
}

fn show(entry: &RoleEntry, json: Json) -> Done {
    if json.json {
        return out::json(&value(entry));
    }
    let role = &entry.role;
    out::line(&format!("{} ({}), rank {}", role.title, role.name, role.rank))?;
    role.permits().iter().try_for_each(|permit: &Permit| {
        let only = if permit.to_string().ends_with(":owned") { " Only on what one's teams own." } else { "" };
        out::line(&format!("  {:20}  {}{only}", permit.action.as_str(), permit.action.says()))
    })
}

/// A role in a file. JSON is YAML, too.
fn read(file: &Path) -> Result<Map<String, Value>, Failure> {
    let mut text = String::new();
    let unreadable = |error: std::io::Error| Failure::Refused(format!("{} cannot be read: {error}", file.display()));
    if file == Path::new("-") {
        std::io::stdin().lock().take(FILE_BYTES + 1).read_to_string(&mut text).map_err(unreadable)?;
    } else {
        let opened = std::fs::File::open(file).map_err(unreadable)?;
        opened.take(FILE_BYTES + 1).read_to_string(&mut text).map_err(unreadable)?;
    }
    if text.len() as u64 > FILE_BYTES {
        return refused(format!("{} is larger than {FILE_BYTES} bytes: that is no role", file.display()));
    }
    let nodes = yaml::read(&text, &Limits::default())
        .map_err(|fault| Failure::Refused(format!("{}:{fault}", file.display())))?;
    match nodes.as_slice() {
        [only] => match only.to_json(Version::V1_2) {
            Value::Object(document) => Ok(document),
            _ => refused(format!("{} holds no role: it has name, title, rank and permits", file.display())),
        },
        _ => refused(format!("{} must hold exactly one role", file.display())),
    }
}

async fn default(app: &App, host: &Principal, name: Option<String>, json: Json) -> Done {
    let name = match name {
        Some(name) => {
            access::set_default_role(app, host, &name).await?;
            name
        }
        None => access::show_default_role(app, host).await?,
    };
    done(json, &json!({ "role": name }), &format!("Who holds no other role has: {name}"))
}

fn actions(json: Json) -> Done {
    if json.json {
        let value = |action: &Action| {
            json!({ "name": action.as_str(), "about": action.says(), "reads": action.reads(),
                "can_be_owned": action.can_be_owned() })
        };
        return out::json(&Action::ALL.iter().map(value).collect());
    }
    let cells = Action::ALL.iter().map(|action| vec![action.as_str().to_owned(), action.says().to_owned()]);
    out::lines(&out::table(&["ACTION", "WHAT IT IS"], &cells.collect::<Vec<_>>()))
}

async fn explain(app: &App, person: &str, action: &str, item: Option<String>, json: Json) -> Done {
    let person = find_person(app, person).await?;
    let about = item.map_or(About::Nothing, About::Item);
    let explained = access::explain_decision(app, &Principal::host(), &person.id, action, &about).await?;
    let decision = &explained.decision;
    let reasons: Vec<String> = decision.reasons.iter().map(Reason::to_string).collect();
    if json.json {
        let held = explained.roles.iter().map(|held| json!({ "name": held.role.name, "origin": held.origin }));
        return out::json(&json!({
            "person": person.id,
            "action": action,
            "permitted": decision.permitted,
            "reasons": reasons,
            "roles": held.collect::<Value>(),
        }));
    }
    let may = if decision.permitted { "may" } else { "may not" };
    out::line(&format!("{} {may} do {action}:", person.display))?;
    reasons.iter().try_for_each(|reason| out::line(&format!("  {reason}")))
}
