//! `integration mapping`: which places of a User fill which fields of the person.

use crate::args::{Json, MappingCommand};
use crate::out::{self, Done, Failure};
use bailiwick_app::App;
use bailiwick_app::access::Principal;
use bailiwick_app::attributes::{self, MappingShown};
use serde_json::{Value, json};
use std::path::Path;

/// Longest file, in bytes.
const FILE_BYTES: usize = 1024 * 1024;

pub(super) async fn run(app: &App, name: &str, command: MappingCommand) -> Done {
    let host = Principal::host();
    match command {
        MappingCommand::Show { json } => shown(&attributes::show_mapping(app, &host, name).await?, json),
        MappingCommand::Set { file, json } => {
            shown(&attributes::save_mapping(app, &host, name, &read(&file)?).await?, json)
        }
        MappingCommand::Reset { json } => shown(&attributes::save_mapping(app, &host, name, &Value::Null).await?, json),
        MappingCommand::Preview { file, json } => preview(app, name, &read(&file)?, json).await,
    }
}

fn read(file: &Path) -> Result<Value, Failure> {
    let refused = |reason: String| Failure::Refused(format!("{}: {reason}", file.display()));
    let bytes = std::fs::read(file).map_err(|error| refused(error.to_string()))?;
    if bytes.len() > FILE_BYTES {
        return Err(refused(format!("it is longer than {FILE_BYTES} bytes")));
    }
    bailiwick_scim::json::parse(&bytes).map_err(|error| refused(error.detail))
}

fn shown(mapping: &MappingShown, json: Json) -> Done {
    if json.json {
        return out::json(&json!({
            "integration": mapping.integration,
            "standard": mapping.standard,
            "mapping": mapping.mapping.to_json(),
        }));
    }
    let kind = if mapping.standard { "the attributes of the RFC" } else { "a mapping of its own" };
    let mut lines = vec![format!("Integration {} fills persons by {kind}.", mapping.integration)];
    let row = |field: &bailiwick_domain::attributes::Field| {
        vec![field.to_string(), mapping.mapping.rule(field).map(ToString::to_string).unwrap_or_default()]
    };
    let rows: Vec<Vec<String>> = mapping.mapping.fields().map(row).collect();
    lines.extend(out::table(&["FIELD", "FROM"], &rows));
    out::lines(&lines)
}

async fn preview(app: &App, name: &str, mapping: &Value, json: Json) -> Done {
    let effect = attributes::preview_mapping(app, &Principal::host(), name, mapping).await?;
    if json.json {
        return out::json(&serde_json::to_value(&effect).unwrap_or_default());
    }
    let changed = out::count(effect.changed, "person", "people");
    let mut lines = vec![format!("Of {} something changes for {changed}.", effect.people)];
    let row = |(field, count): (&String, &bailiwick_domain::attributes::FieldCount)| {
        let numbers = [count.set, count.changed, count.removed, count.source, count.by_hand];
        std::iter::once(field.clone()).chain(numbers.iter().map(u64::to_string)).collect()
    };
    let rows: Vec<Vec<String>> = effect.fields.iter().map(row).collect();
    if !rows.is_empty() {
        lines.extend(out::table(&["FIELD", "SET", "CHANGED", "REMOVED", "SOURCE ONLY", "BY HAND LOST"], &rows));
    }
    out::lines(&lines)
}
