//! A document as the store keeps it: pure.

use crate::Refusal;
use crate::app::App;
use crate::call::resource_type;
use crate::caller::Integration;
use bailiwick_domain::failure::{self, ProductCode};
use bailiwick_domain::ids::Kind;
use bailiwick_domain::names;
use bailiwick_domain::person::{self, Facts};
use bailiwick_scim::limits::INDEXED_BYTES;
use bailiwick_scim::schema::ENTERPRISE_USER;
use bailiwick_scim::{Code, Object, keys, text};
use bailiwick_store::change::Columns;
use serde_json::{Value, json};

/// A document ready to be stored, and for a User what it says about the person.
#[derive(Clone, Debug)]
pub(super) struct Draft {
    pub(super) name: String,
    pub(super) columns: Columns,
    pub(super) facts: Option<Facts>,
}

/// Writes down what a User without `active` means, so that answers, filters and the store say the same.
pub(super) fn complete(kind: Kind, document: &mut Object) {
    if kind == Kind::User && !document.contains_key("active") {
        document.insert("active".to_owned(), Value::Bool(true));
    }
}

/// Derives everything from a document that the protocol has accepted.
pub(super) fn draft(app: &App, integration: &Integration, kind: Kind, document: &Object) -> Result<Draft, Refusal> {
    let keys = keys::comparison_keys(app.registry(), resource_type(app, kind), document);
    let draft = match kind {
        Kind::User => user(integration, document, &keys),
        Kind::Group => group(document, &keys),
    }?;
    check_lengths(&draft.columns, &keys)?;
    Ok(draft)
}

/// What an index holds has a limit that is lower than that of other text.
fn check_lengths(columns: &Columns, keys: &Object) -> Result<(), Refusal> {
    let number = keys.get(ENTERPRISE_USER).and_then(|extension| extension.get("employeeNumber")?.as_str());
    let name = if columns.name_unique.is_some() { "userName" } else { "displayName" };
    let emails = columns.email_keys.iter().map(|key| ("emails.value", Some(key.as_str())));
    let indexed = [
        (name, columns.name_unique.as_deref()),
        (name, Some(columns.name_match.as_str())),
        ("displayName", string(keys, "displayName")),
        ("externalId", columns.external_id.as_deref()),
        ("manager.value", columns.manager.as_deref()),
        ("employeeNumber", number),
    ];
    for (attribute, key) in indexed.into_iter().chain(emails) {
        if key.is_some_and(|key| key.len() > INDEXED_BYTES) {
            let detail = format!("{attribute} is too long: at most {INDEXED_BYTES} bytes can be looked up.");
            return Err(Refusal::new(Code::ValueInvalid, detail));
        }
    }
    Ok(())
}

/// What a document calls itself, for the journal of a call that may be refused because of it.
pub(super) fn name(kind: Kind, document: &Object) -> Option<String> {
    let attribute = match kind {
        Kind::User => "userName",
        Kind::Group => "displayName",
    };
    string(document, attribute).map(str::to_owned)
}

fn user(integration: &Integration, document: &Object, keys: &Object) -> Result<Draft, Refusal> {
    let name = string(document, "userName").unwrap_or_default();
    names::check_user_name(name).map_err(|reason| {
        failure::error(ProductCode::UserNameForm, format!("This userName cannot be used: {reason}."))
    })?;
    if integration.user_name_email && !names::is_email_form(name) {
        return Err(failure::error(
            ProductCode::EmailRequiredUserName,
            "This integration takes only userNames that are e-mail addresses.",
        ));
    }
    check_display(document)?;
    let facts = Facts::of_user(document);
    let mut email_keys: Vec<String> = facts.emails.iter().map(|email| names::email_key(email)).collect();
    email_keys.sort_unstable();
    email_keys.dedup();
    let manager = document.get(ENTERPRISE_USER).and_then(|extension| extension.get("manager")?.get("value")?.as_str());
    let columns = Columns {
        name_unique: Some(text::unique_key(name)),
        name_match: text::match_key(name).into_owned(),
        // A reference shows what the client said, never a userName in its place.
        display: person::display_name(document).unwrap_or_default(),
        external_id: string(document, "externalId").map(str::to_owned),
        active: facts.active,
        manager: manager.map(str::to_owned),
        email_keys,
        doc: json_text(document),
        keys: json_text(keys),
    };
    Ok(Draft { name: name.to_owned(), columns, facts: Some(facts) })
}

fn group(document: &Object, keys: &Object) -> Result<Draft, Refusal> {
    let name = string(document, "displayName").unwrap_or_default();
    names::check_group_name(name).map_err(|reason| {
        failure::error(ProductCode::GroupNameForm, format!("This displayName cannot be used: {reason}."))
    })?;
    let columns = Columns {
        name_unique: None,
        name_match: text::match_key(name).into_owned(),
        display: name.to_owned(),
        external_id: string(document, "externalId").map(str::to_owned),
        active: true,
        manager: None,
        email_keys: Vec::new(),
        doc: json_text(document),
        keys: json_text(keys),
    };
    Ok(Draft { name: name.to_owned(), columns, facts: None })
}

fn check_display(document: &Object) -> Result<(), Refusal> {
    let Some(display) = string(document, "displayName") else { return Ok(()) };
    names::check_display_text(display)
        .map_err(|reason| Refusal::new(Code::ValueInvalid, format!("This displayName cannot be used: {reason}.")))
}

fn string<'a>(document: &'a Object, name: &str) -> Option<&'a str> {
    document.get(name)?.as_str()
}

pub(super) fn json_text(object: &Object) -> String {
    // A map of JSON values always serialises: its keys are strings and its numbers finite.
    serde_json::to_string(object).unwrap_or_default()
}

/// What differs between two documents, by top-level attribute, for the journal.
pub(super) fn differences(before: &Object, after: &Object) -> Vec<Value> {
    let mut changes = Vec::new();
    for (name, old) in before {
        match after.get(name) {
            Some(new) if new == old => {}
            Some(new) => changes.push(json!({ "path": name, "before": old, "after": new })),
            None => changes.push(json!({ "path": name, "before": old })),
        }
    }
    for (name, new) in after {
        if !before.contains_key(name) {
            changes.push(json!({ "path": name, "after": new }));
        }
    }
    changes
}
