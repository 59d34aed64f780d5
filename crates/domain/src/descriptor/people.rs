//! A CSV of people: `Name,Email,Role,Team` in any order and letter case, with further columns.
//!
//! One person may stand in several rows, one for each team. `Role` is the membership role in the row's team. A word that
//! names a role of the catalog (admin, viewer ...) gives nothing: who may do what is decided by rules and by hand, not
//! by a file; the author is told.

use super::{Content, Descriptor, Fault, Membership, Person, Places};
use crate::attributes::Field;
use crate::catalog::{DEFAULT_NAMESPACE, Kind, Reference};
use crate::names;
use crate::yaml::shown;
use csv::{ReaderBuilder, StringRecord, Trim};
use std::collections::{BTreeMap, HashMap};

/// Largest file in bytes.
pub const BYTES: usize = 16 << 20;
/// Most rows.
pub const ROWS: usize = 100_000;
/// Most columns.
pub const COLUMNS: usize = 100;
/// Longest value in bytes.
pub const VALUE_BYTES: usize = 1_000;

/// The roles of the catalog that move-in files name.
const CATALOG_ROLES: &[&str] =
    &["admin", "standards-admin", "user", "basic-user", "team-member", "viewer", "read-only", "auditor", "owner"];

/// What a column means.
#[derive(Clone, Debug, PartialEq, Eq)]
enum Column {
    Name,
    Email,
    Role,
    Team,
    /// A field of the person, or a column that only a definition may explain.
    Field(String),
}

/// Reads a file: a descriptor for each person, and one for each row that is wrong.
#[must_use]
pub fn read(text: &str) -> Vec<Descriptor> {
    if text.len() > BYTES {
        return vec![faulty(1, "", format!("the file is larger than {BYTES} bytes"))];
    }
    let text = text.strip_prefix('\u{feff}').unwrap_or(text);
    let first = text.lines().next().unwrap_or_default();
    let delimiter = if first.matches(';').count() > first.matches(',').count() { b';' } else { b',' };
    let mut reader = ReaderBuilder::new()
        .delimiter(delimiter)
        .flexible(true)
        .has_headers(false)
        .trim(Trim::All)
        .from_reader(text.as_bytes());
    let mut rows = reader.records();
    let columns = match rows.next() {
        None => return Vec::new(),
        Some(Err(error)) => return vec![faulty(1, "", format!("not CSV: {}", reason(&error)))],
        Some(Ok(header)) => match columns(&header) {
            Ok(columns) => columns,
            Err(message) => return vec![faulty(1, "", message)],
        },
    };
    let mut people = People { columns, found: Vec::new(), by_email: HashMap::new() };
    for (index, row) in rows.enumerate() {
        if index >= ROWS {
            people.found.push(faulty(index, "", format!("the file holds more than {ROWS} rows")));
            break;
        }
        match row {
            Ok(row) => people.row(&row),
            Err(error) => {
                let line = error.position().map_or(0, csv::Position::line);
                people.found.push(faulty(
                    usize::try_from(line).unwrap_or(0),
                    "",
                    format!("not CSV: {}", reason(&error)),
                ));
            }
        }
    }
    people.found
}

/// The reason without the text of the file.
fn reason(error: &csv::Error) -> &'static str {
    match error.kind() {
        csv::ErrorKind::Utf8 { .. } => "the row is not UTF-8",
        csv::ErrorKind::UnequalLengths { .. } => "the row has another number of values than the header",
        _ => "the row cannot be read",
    }
}

fn columns(header: &StringRecord) -> Result<Vec<Column>, String> {
    if header.len() > COLUMNS {
        return Err(format!("the header names more than {COLUMNS} columns"));
    }
    let columns: Vec<Column> = header.iter().map(column).collect();
    for (index, column) in columns.iter().enumerate() {
        if *column == Column::Field(String::new()) {
            return Err(format!("column {} has no name", index + 1));
        }
        if columns[..index].contains(column) {
            return Err(format!("the column {} stands twice", shown(&header[index])));
        }
    }
    for (needed, word) in [(Column::Name, "Name"), (Column::Email, "Email")] {
        if !columns.contains(&needed) {
            return Err(format!("the header names no column {word}; it may name Name, Email, Role, Team and others"));
        }
    }
    Ok(columns)
}

fn column(header: &str) -> Column {
    let plain = header.trim().to_lowercase().replace([' ', '-'], "_");
    match plain.as_str() {
        "name" | "display_name" | "full_name" => Column::Name,
        "email" | "e_mail" | "mail" | "email_address" => Column::Email,
        "role" => Column::Role,
        "team" | "teams" => Column::Team,
        known if Field::NAMED.iter().any(|(name, _)| *name == known) => Column::Field(known.to_owned()),
        _ => Column::Field(header.trim().to_owned()),
    }
}

/// The people read so far; one of several rows is one.
struct People {
    columns: Vec<Column>,
    found: Vec<Descriptor>,
    by_email: HashMap<String, usize>,
}

impl People {
    fn row(&mut self, row: &StringRecord) {
        if row.iter().all(str::is_empty) {
            return;
        }
        let line = row.position().map_or(0, csv::Position::line);
        let line = u32::try_from(line).unwrap_or(u32::MAX);
        let mut faults = Vec::new();
        let mut notes = Vec::new();
        let mut fault = |field: &str, message: String| {
            faults.push(Fault { line, column: 1, field: field.to_owned(), message });
        };
        if row.len() != self.columns.len() {
            let message = format!("has {} values, but the header names {} columns", row.len(), self.columns.len());
            fault("", message);
        }
        let value = |column: &Column| {
            let index = self.columns.iter().position(|other| other == column)?;
            row.get(index).filter(|value| !value.is_empty())
        };
        for (column, text) in self.columns.iter().zip(row.iter()) {
            if let Some(reason) = value_fault(column, text) {
                fault(&word(column), reason);
            }
        }
        let name = value(&Column::Name).unwrap_or_default();
        let email = value(&Column::Email).unwrap_or_default();
        for (column, text) in [("Name", name), ("Email", email)] {
            if text.is_empty() {
                fault(column, "is missing".to_owned());
            }
        }
        if !email.is_empty() && !names::is_email_form(email) {
            fault("Email", format!("{} is no e-mail address", shown(email)));
        }
        let mut role = value(&Column::Role).map(str::to_lowercase);
        if let Some(word) = role.take_if(|word| is_catalog_role(word)) {
            let message = format!("{} is not given by an import: give it by a mapping rule or by hand", shown(&word));
            notes.push(Fault { line, column: 1, field: "Role".to_owned(), message });
        }
        let mut teams = Vec::new();
        for text in
            value(&Column::Team).unwrap_or_default().split([';', '|']).map(str::trim).filter(|text| !text.is_empty())
        {
            match Reference::pointing(text, &Kind::Team, DEFAULT_NAMESPACE) {
                Ok(team) => teams.push(Membership { team, role: role.clone() }),
                Err(reason) => fault("Team", reason),
            }
        }
        let fields: BTreeMap<String, String> = self
            .columns
            .iter()
            .zip(row.iter())
            .filter_map(|(column, text)| match column {
                Column::Field(name) if !text.is_empty() => Some((name.clone(), text.to_owned())),
                _ => None,
            })
            .collect();
        let person =
            Person { display: name.to_owned(), email: Some(email.to_owned()), teams, fields, ..Person::default() };
        self.add(line, person, faults, notes);
    }

    /// Adds a person, or the teams of another row to one that is there.
    fn add(&mut self, line: u32, person: Person, mut faults: Vec<Fault>, notes: Vec<Fault>) {
        let email = person.email.clone().unwrap_or_default();
        let key = names::email_key(&email);
        if faults.is_empty()
            && let Some(index) = self.by_email.get(&key)
            && let Descriptor { content: Some(Content::Person(known)), notes: told, .. } = &mut self.found[*index]
        {
            if known.display == person.display && known.fields == person.fields {
                let new = person.teams.into_iter().filter(|one| !known.teams.contains(one)).collect::<Vec<_>>();
                known.teams.extend(new);
                told.extend(notes);
                return;
            }
            let message = format!("{} stands in an earlier row with other values", shown(&email));
            faults.push(Fault { line, column: 1, field: "Email".to_owned(), message });
        }
        if faults.is_empty() {
            self.by_email.insert(key, self.found.len());
        }
        self.found.push(Descriptor {
            kind: "person".to_owned(),
            name: email,
            line,
            column: 1,
            content: faults.is_empty().then(|| Content::Person(Box::new(person))),
            targets: Vec::new(),
            faults,
            notes,
            places: Places::default(),
        });
    }
}

/// The word for a column in messages.
fn word(column: &Column) -> String {
    match column {
        Column::Name => "Name".to_owned(),
        Column::Email => "Email".to_owned(),
        Column::Role => "Role".to_owned(),
        Column::Team => "Team".to_owned(),
        Column::Field(name) => name.clone(),
    }
}

/// Values stand on one line, but for those of further columns.
fn value_fault(column: &Column, text: &str) -> Option<String> {
    if text.len() > VALUE_BYTES {
        return Some(format!("is longer than {VALUE_BYTES} bytes"));
    }
    let lines = matches!(column, Column::Field(_));
    let refused = |c: char| c.is_control() && !(lines && matches!(c, '\r' | '\n' | '\t'));
    if text.chars().any(refused) {
        return Some("holds a control character or line break".to_owned());
    }
    names::direction_fault(text).filter(|_| !lines)
}

fn is_catalog_role(text: &str) -> bool {
    CATALOG_ROLES.contains(&text.replace([' ', '_'], "-").as_str())
}

fn faulty(line: usize, field: &str, message: String) -> Descriptor {
    let line = u32::try_from(line.max(1)).unwrap_or(u32::MAX);
    let fault = Fault { line, column: 1, field: field.to_owned(), message };
    super::draft::unreadable(fault)
}
