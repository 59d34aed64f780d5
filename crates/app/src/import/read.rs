//! Reads the files of a source: items and people with their places, and every fault into the report.

use super::report::{Report, Severity};
use super::{File, Upload};
use crate::catalog::Standards;
use bailiwick_domain::catalog::{Entity, Reference, Source};
use bailiwick_domain::descriptor::{self, Content, Descriptor, Fault, Format, Person, Places, location};
use bailiwick_domain::yaml::{Node, Scalar, Value as Yaml, Version, shown};
use bailiwick_scim::Object;
use serde_json::Value;
use std::collections::{BTreeMap, HashMap, HashSet};

/// An item that a file describes.
#[derive(Debug)]
pub(super) struct Wanted {
    pub(super) file: usize,
    pub(super) line: u32,
    pub(super) column: u32,
    pub(super) entity: Entity,
    pub(super) children: Vec<Reference>,
    pub(super) members: Vec<String>,
    pub(super) places: Places,
}

impl Wanted {
    /// A fault of the whole document.
    pub(super) fn fault(&self, message: impl Into<String>) -> Fault {
        Fault { line: self.line, column: self.column, field: String::new(), message: message.into() }
    }
}

/// A person whom a file describes.
#[derive(Debug)]
pub(super) struct WantedPerson {
    pub(super) file: usize,
    pub(super) line: u32,
    pub(super) person: Person,
}

/// Everything that the files say.
#[derive(Debug, Default)]
pub(super) struct Found {
    pub(super) items: Vec<Wanted>,
    pub(super) people: Vec<WantedPerson>,
    /// Files that are empty, or of which a part could not be read: what they held before stays.
    pub(super) faulty: HashSet<String>,
    /// Every path of the source.
    pub(super) paths: HashMap<String, usize>,
    /// Documents that were read.
    pub(super) documents: usize,
}

impl Found {
    pub(super) fn refuse(&mut self, file: usize, path: &str, fault: Fault, report: &mut Report) {
        self.faulty.insert(path.to_owned());
        report.tell(file, Severity::Error, fault);
    }
}

pub(super) fn read(upload: &Upload, standards: &Standards, accept_removals: bool, report: &mut Report) -> Found {
    let paths = upload.files.iter().enumerate().map(|(index, file)| (file.path.clone(), index)).collect();
    let mut found = Found { paths, ..Found::default() };
    for (index, file) in upload.files.iter().enumerate() {
        match descriptors(file, upload) {
            Err(message) => {
                let fault = Fault { line: 1, column: 1, field: String::new(), message };
                found.refuse(index, &file.path, fault, report);
            }
            Ok(all) => {
                if all.is_empty() && !accept_removals {
                    let message = "says nothing: what it held before stays, until the file itself is gone".to_owned();
                    report.tell(index, Severity::Warning, Fault { line: 1, column: 1, field: String::new(), message });
                    found.faulty.insert(file.path.clone());
                }
                for descriptor in all {
                    take(index, file, descriptor, &upload.source, standards, &mut found, report);
                }
            }
        }
    }
    children(&mut found, report);
    found
}

/// What the file says, by document.
fn descriptors(file: &File, upload: &Upload) -> Result<Vec<Descriptor>, String> {
    let text = file.text.as_ref().map_err(Clone::clone)?;
    let format = file.format.or_else(|| Format::of_given(&file.path));
    let format = format.ok_or("is no kind of file that an import reads: YAML, JSON or a CSV of people")?;
    let folder = file.path.rsplit('/').nth(1).unwrap_or(&upload.source);
    Ok(descriptor::read(format, text, folder))
}

/// The files of the same source that a file points to and that an import follows, for whoever reads them from a disk.
#[must_use]
pub fn targets(path: &str, text: &str) -> Vec<String> {
    let all = descriptor::backstage::read(text);
    let named = all.iter().flat_map(|descriptor| &descriptor.targets);
    named.filter_map(|target| location::resolve(path, &target.path).ok()).collect()
}

fn take(
    index: usize,
    file: &File,
    descriptor: Descriptor,
    source: &str,
    standards: &Standards,
    found: &mut Found,
    report: &mut Report,
) {
    found.documents += 1;
    for note in descriptor.notes {
        report.tell(index, Severity::Note, note);
    }
    for target in &descriptor.targets {
        let fault =
            |message: String| Fault { line: target.line, column: target.column, field: target.field.clone(), message };
        match location::resolve(&file.path, &target.path) {
            Err(reason) => report.tell(index, Severity::Warning, fault(reason.to_string())),
            Ok(path) if found.paths.contains_key(&path) => {}
            Ok(_) => {
                let severity = if target.required { Severity::Error } else { Severity::Note };
                report.tell(index, severity, fault(format!("{} is not part of this import", shown(&target.path))));
            }
        }
    }
    if !descriptor.faults.is_empty() {
        for fault in descriptor.faults {
            found.refuse(index, &file.path, fault, report);
        }
        return;
    }
    match descriptor.content {
        Some(Content::Person(person)) => {
            found.people.push(WantedPerson { file: index, line: descriptor.line, person: *person });
        }
        Some(Content::Item(item)) => {
            let mut wanted = Wanted {
                file: index,
                line: descriptor.line,
                column: descriptor.column,
                entity: item.entity,
                children: item.children,
                members: item.members,
                places: descriptor.places,
            };
            let path = file.path.clone();
            wanted.entity.source = Some(Source { id: source.to_owned(), path, line: descriptor.line, digest: None });
            properties(&mut wanted, standards, report);
            found.items.push(wanted);
        }
        None => {}
    }
}

/// A team that names another as its child is its parent, unless the child names one itself.
fn children(found: &mut Found, report: &mut Report) {
    let mut parents: BTreeMap<String, Vec<usize>> = BTreeMap::new();
    for (index, item) in found.items.iter().enumerate() {
        for child in &item.children {
            parents.entry(child.to_string()).or_default().push(index);
        }
    }
    let by_name: HashMap<String, usize> =
        found.items.iter().enumerate().map(|(index, item)| (item.entity.reference.to_string(), index)).collect();
    for (child, claims) in parents {
        let Some(claim) = claims.first().map(|claim| &found.items[*claim]) else { continue };
        let parent = claim.entity.reference.clone();
        let tell = |report: &mut Report, message: String| {
            let fault = Fault { field: "spec.children".to_owned(), ..claim.fault(message) };
            report.tell(claim.file, Severity::Warning, fault);
        };
        let Some(index) = by_name.get(&child) else {
            tell(report, format!("names {child}, which is not part of this import: its parent stays as it is"));
            continue;
        };
        match &found.items[*index].entity.parent {
            None if claims.len() == 1 => found.items[*index].entity.parent = Some(parent),
            None => tell(report, format!("names {child}, which other teams name as well: it gets no parent")),
            Some(named) if *named != parent => {
                tell(report, format!("names {child}, which says itself that its parent is {named}"));
            }
            Some(_) => {}
        }
    }
}

/// Properties that nobody defined are kept, but are none; words of YAML 1.1 become booleans where one is defined.
fn properties(wanted: &mut Wanted, standards: &Standards, report: &mut Report) {
    let mut kept = Object::new();
    for (name, value) in std::mem::take(&mut wanted.entity.properties) {
        match standards.properties.get(&name) {
            Some(definition) => {
                let kind = definition.schema.get("type").and_then(Value::as_str).unwrap_or_default();
                wanted.entity.properties.insert(name, coerced(value, kind));
            }
            None => {
                let pointer = format!("/properties/{}", name.replace('~', "~0").replace('/', "~1"));
                let fault =
                    bailiwick_domain::catalog::Fault::new(pointer, "is no property that is defined: it is only kept");
                report.tell(wanted.file, Severity::Note, wanted.places.locate(&fault));
                kept.insert(name, value);
            }
        }
    }
    if !kept.is_empty() {
        let part = wanted.entity.unknown.entry("opslevel".to_owned()).or_insert_with(|| Value::Object(Object::new()));
        if let Value::Object(part) = part {
            part.insert("properties".to_owned(), Value::Object(kept));
        }
    }
}

/// A text as the value that a definition asks for, where it plainly is one.
fn coerced(value: Value, kind: &str) -> Value {
    let Value::String(text) = &value else { return value };
    let node = Node { value: Yaml::Scalar(Scalar { text: text.clone(), quoted: false }), line: 1, column: 1 };
    match kind {
        "boolean" => node.as_bool(Version::V1_1).map_or(value, Value::from),
        "number" => text.parse::<f64>().ok().filter(|number| number.is_finite()).map_or(value, Value::from),
        "integer" => text.parse::<i64>().map_or(value, Value::from),
        _ => value,
    }
}
