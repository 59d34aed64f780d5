//! `tier`, `lifecycle` and `property`: what is defined for all entities.

use super::items;
use crate::args::{Json, LevelCommand, PropertyCommand};
use crate::out::{self, Done, Failure};
use bailiwick_app::App;
use bailiwick_app::access::Principal;
use bailiwick_app::catalog;
use bailiwick_domain::catalog::levels::{Level, Scale};
use bailiwick_domain::catalog::properties::Definition;
use bailiwick_scim::Object;
use serde_json::{Map, Value, json};
use std::path::Path;

pub(super) async fn level(app: &App, scale: Scale, command: LevelCommand) -> Done {
    let host = Principal::host();
    match command {
        LevelCommand::List { json } => list_levels(app, &host, scale, json).await,
        LevelCommand::Show { alias, json } => {
            let (level, _) = catalog::read_level(app, &host, scale, &alias).await?;
            done(json, &level_value(&level), &level_line(&level))
        }
        LevelCommand::Set { alias, index, name, description, json } => {
            let known = catalog::levels(app, &host, scale).await?;
            let before = known.iter().find(|(level, _)| level.alias == alias);
            let mut document = before.map(|(level, _)| object(level.to_json())).unwrap_or_default();
            items::put(&mut document, "name", name);
            items::put(&mut document, "description", description);
            let last = known.last().map_or(1, |(level, _)| level.index.saturating_add(1));
            match index {
                Some(index) => drop(document.insert("index".to_owned(), index.into())),
                None => drop(document.entry("index".to_owned()).or_insert_with(|| last.into())),
            }
            // What was read is what is changed: somebody else's change in between is refused, not undone.
            let version = before.map_or(0, |(_, version)| *version);
            let level = catalog::put_level(app, &host, scale, &alias, &document, Some(version)).await;
            let level = level.map_err(items::said)?;
            done(json, &level_value(&level), &level_line(&level))
        }
        LevelCommand::Delete { alias, json } => {
            catalog::delete_level(app, &host, scale, &alias, None).await?;
            let line = format!("The {} {alias} is gone from the list.", scale.as_str());
            done(json, &json!({ "alias": alias, "deleted": true }), &line)
        }
    }
}

async fn list_levels(app: &App, host: &Principal, scale: Scale, json: Json) -> Done {
    let levels = catalog::levels(app, host, scale).await?;
    if json.json {
        return out::json(&levels.iter().map(|(level, _)| level_value(level)).collect());
    }
    if levels.is_empty() {
        let word = scale.as_str();
        return out::line(&format!(
            "No {word} is defined, so entities may say any. Define one with: bailiwick {word} set"
        ));
    }
    let cells = levels.iter().map(|(level, _)| {
        let about = level.description.clone().unwrap_or_default();
        vec![level.index.to_string(), level.alias.clone(), level.name.clone(), about]
    });
    out::lines(&out::table(&["INDEX", "ALIAS", "NAME", "DESCRIPTION"], &cells.collect::<Vec<_>>()))
}

fn level_value(level: &Level) -> Value {
    json!({ "alias": level.alias, "name": level.name, "description": level.description, "index": level.index })
}

fn level_line(level: &Level) -> String {
    let about = level.description.as_ref().map(|text| format!(": {text}")).unwrap_or_default();
    format!("{:>3}  {} ({}){about}", level.index, level.name, level.alias)
}

pub(super) async fn property(app: &App, command: PropertyCommand) -> Done {
    let host = Principal::host();
    match command {
        PropertyCommand::List { json } => list_properties(app, &host, json).await,
        PropertyCommand::Show { name, json } => show(&catalog::property(app, &host, &name).await?.0, json),
        PropertyCommand::Set { name, schema, title, description, kinds, locked, hidden, json } => {
            let known = catalog::properties(app, &host).await?;
            let before = known.iter().find(|(definition, _)| definition.name == name);
            let mut document = before.map(|(definition, _)| object(definition.to_json())).unwrap_or_default();
            items::put(&mut document, "title", title);
            items::put(&mut document, "description", description);
            if let Some(file) = schema {
                document.insert("schema".to_owned(), read_schema(&file)?);
            }
            match kinds.as_slice() {
                [] => {}
                [all] if all == "all" => drop(document.remove("kinds")),
                kinds => drop(document.insert("kinds".to_owned(), kinds.iter().map(String::as_str).collect())),
            }
            for (key, flag) in [("locked", locked), ("hidden", hidden)] {
                if let Some(flag) = flag {
                    document.insert(key.to_owned(), flag.into());
                }
            }
            let version = before.map_or(0, |(_, version)| *version);
            let definition = catalog::put_property(app, &host, &name, &document, Some(version)).await;
            show(&definition.map_err(items::said)?, json)
        }
        PropertyCommand::Delete { name, json } => {
            catalog::delete_property(app, &host, &name, None).await?;
            let line = format!("The property {name} is defined no more.");
            done(json, &json!({ "name": name, "deleted": true }), &line)
        }
    }
}

async fn list_properties(app: &App, host: &Principal, json: Json) -> Done {
    let all = catalog::properties(app, host).await?;
    if json.json {
        return out::json(&all.iter().map(|(definition, _)| property_value(definition)).collect());
    }
    if all.is_empty() {
        return out::line("No property is defined. Define one with: bailiwick property set NAME --schema FILE");
    }
    let cells = all.iter().map(|(definition, _)| {
        let marks = [(definition.locked, "locked"), (definition.hidden, "hidden")];
        let marks: Vec<&str> = marks.iter().filter(|(on, _)| *on).map(|(_, word)| *word).collect();
        let title = definition.title.clone().unwrap_or_default();
        vec![definition.name.clone(), title, kinds(definition), kept(&definition.schema), marks.join(", ")]
    });
    out::lines(&out::table(&["NAME", "TITLE", "ON", "TYPE", ""], &cells.collect::<Vec<_>>()))
}

fn show(definition: &Definition, json: Json) -> Done {
    if json.json {
        return out::json(&property_value(definition));
    }
    let mut lines = vec![
        definition
            .title
            .as_ref()
            .map_or_else(|| definition.name.clone(), |title| format!("{title} ({})", definition.name)),
    ];
    if let Some(about) = &definition.description {
        lines.push(format!("  {about}"));
    }
    lines.push(format!("  on      {}", kinds(definition)));
    if definition.locked {
        lines.push("  locked  files may not set it".to_owned());
    }
    if definition.hidden {
        lines.push("  hidden  pages leave it out".to_owned());
    }
    lines.push(format!(
        "  schema  {}",
        if definition.schema.is_null() { "any value".to_owned() } else { definition.schema.to_string() }
    ));
    out::lines(&lines)
}

/// On which kinds a property may stand.
fn kinds(definition: &Definition) -> String {
    if definition.kinds.is_empty() { "all".to_owned() } else { definition.kinds.join(", ") }
}

/// What a schema says of the type, for a list.
fn kept(schema: &Value) -> String {
    match (schema, schema.get("type"), schema.get("enum")) {
        (Value::Null, ..) => "any".to_owned(),
        (_, _, Some(Value::Array(words))) => words.iter().map(Value::to_string).collect::<Vec<_>>().join(" | "),
        (_, Some(Value::String(word)), _) => word.clone(),
        _ => "schema".to_owned(),
    }
}

fn property_value(definition: &Definition) -> Value {
    let mut value = object(definition.to_json());
    value.insert("name".to_owned(), definition.name.as_str().into());
    Value::Object(value)
}

fn read_schema(file: &Path) -> Result<Value, Failure> {
    if file == Path::new(items::NONE) { Ok(Value::Null) } else { items::read(file).map(Value::Object) }
}

fn object(value: Value) -> Object {
    match value {
        Value::Object(object) => object,
        _ => Map::new(),
    }
}

fn done(json: Json, value: &Value, line: &str) -> Done {
    if json.json { out::json(value) } else { out::line(line) }
}
