//! Plans and writes teams and entities: each document against the item that has its name.

use super::read::{Found, Wanted};
use super::report::{Changed, Report, Severity};
use super::{ATTEMPTS, Options};
use crate::Refusal;
use crate::access::Principal;
use crate::app::App;
use crate::catalog::{Author, Invalid, Standards, create_item, replace_item};
use crate::error::of_store;
use bailiwick_domain::catalog::{Entity, Kind, Reference, history};
use bailiwick_domain::descriptor::Fault;
use bailiwick_domain::token;
use bailiwick_domain::yaml::shown;
use bailiwick_scim::text::match_key;
use bailiwick_scim::{Code, Object};
use bailiwick_store::rows::ItemRow;
use futures_util::stream::{FuturesUnordered, StreamExt};
use serde_json::Value;
use std::collections::{HashMap, HashSet};

/// How many writes are under way at once. What has a place in a hierarchy is written one after another.
const AT_ONCE: usize = 32;

/// What a document would change.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Step {
    Create,
    Change { id: String, version: i64, fields: Vec<String> },
    Same { id: String },
    Refused,
}

impl Step {
    /// The item that is there.
    pub(super) fn id(&self) -> Option<&str> {
        match self {
            Self::Change { id, .. } | Self::Same { id } => Some(id),
            Self::Create | Self::Refused => None,
        }
    }
}

/// A step for each item that was found, in the same order.
#[derive(Debug, Default)]
pub(super) struct Plan {
    pub(super) steps: Vec<Step>,
    /// Names and aliases that the import gives: `kind:namespace/name`.
    pub(super) names: HashSet<String>,
    labels: Vec<(usize, String)>,
}

/// What is written when.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Phase {
    /// Teams, before the people who belong to them.
    Teams,
    /// Everything else, domains and systems first.
    Entities,
}

pub(super) async fn plan(
    app: &App,
    source: &str,
    found: &mut Found,
    standards: &Standards,
    options: Options,
    report: &mut Report,
) -> Result<Plan, Refusal> {
    let mut plan = Plan::default();
    let mut taken: HashMap<String, usize> = HashMap::new();
    let own: HashSet<String> = found.items.iter().map(|item| item.entity.reference.to_string()).collect();
    let mut faulty: Vec<String> = Vec::new();
    for index in 0..found.items.len() {
        let reference = found.items[index].entity.reference.to_string();
        let step = match taken.get(&reference) {
            Some(first) => {
                let first = &found.items[*first];
                let place = format!("{}:{}", report.files[first.file].path, first.line);
                Err(vec![found.items[index].fault(format!("describes {reference}, as {place} does already"))])
            }
            None => decide(app, source, &mut found.items[index], &own, standards, options).await?,
        };
        let item = &found.items[index];
        taken.entry(reference.clone()).or_insert(index);
        plan.labels.push((item.file, reference));
        let refused = |faults: Vec<Fault>, severity: Severity, report: &mut Report| {
            for fault in faults {
                report.tell(item.file, severity, fault);
            }
            Step::Refused
        };
        plan.steps.push(match step {
            Ok(Decided::Step(step)) => step,
            Ok(Decided::Conflict(message)) => refused(vec![item.fault(message)], Severity::Conflict, report),
            Err(faults) => {
                faulty.push(report.files[item.file].path.clone());
                refused(faults, Severity::Error, report)
            }
        });
        if plan.steps.last() != Some(&Step::Refused) {
            plan.names.extend(names(&item.entity));
        }
    }
    found.faulty.extend(faulty);
    Ok(plan)
}

/// What an item answers to.
fn names(entity: &Entity) -> impl Iterator<Item = String> + '_ {
    let space = entity.reference.space();
    let aliases = entity.aliases.iter().map(|alias| match_key(alias).into_owned());
    aliases.chain([entity.reference.name_key()]).map(move |name| format!("{space}/{name}"))
}

enum Decided {
    Step(Step),
    Conflict(String),
}

/// What a document would change, or every reason why it cannot be taken.
async fn decide(
    app: &App,
    source: &str,
    wanted: &mut Wanted,
    own: &HashSet<String>,
    standards: &Standards,
    options: Options,
) -> Result<Result<Decided, Vec<Fault>>, Refusal> {
    let row = existing(app, source, &wanted.entity, own).await?;
    let old: Option<Object> = row.as_ref().and_then(|row| serde_json::from_str(&row.doc).ok());
    let before = old.as_ref().and_then(|old| Entity::from_document(old).ok());
    if let Err(faults) = standards.check(&mut wanted.entity, before.as_ref(), Author::Import) {
        return Ok(Err(faults.iter().map(|fault| wanted.places.locate(fault)).collect()));
    }
    if let Some(source) = &mut wanted.entity.source {
        source.digest = None;
    }
    let digest = digest(&wanted.entity.to_document());
    if let Some(source) = &mut wanted.entity.source {
        source.digest = Some(digest);
    }
    let (Some(row), Some(old)) = (row, old) else { return Ok(Ok(Decided::Step(Step::Create))) };
    let new = wanted.entity.to_document();
    let fields: Vec<String> = history::differences(&old, &new)
        .into_iter()
        .map(|change| change.path)
        .filter(|path| path != "/source")
        .collect();
    let kept = before.as_ref().and_then(|before| before.source.as_ref());
    let moved = kept.is_none_or(|kept| Some(&kept.path) != wanted.entity.source.as_ref().map(|source| &source.path));
    if let Some(reason) = conflict(source, &row, &old, before.as_ref(), &fields)
        && !options.take_over
    {
        return Ok(Ok(Decided::Conflict(reason)));
    }
    let (id, version) = (row.id, row.version);
    let own = row.source.as_deref() == Some(source);
    let same = fields.is_empty() && !moved && own;
    let fields = if fields.is_empty() { vec!["/source".to_owned()] } else { fields };
    Ok(Ok(Decided::Step(if same { Step::Same { id } } else { Step::Change { id, version, fields } })))
}

/// Who else says what this item is, if anybody does.
fn conflict(source: &str, row: &ItemRow, old: &Object, before: Option<&Entity>, fields: &[String]) -> Option<String> {
    let what = format!("{}:{}/{}", row.kind, row.namespace, row.name_key);
    match row.source.as_deref() {
        None => return Some(format!("{what} was made by hand: take it over to have this file keep it")),
        Some(other) if other != source => {
            return Some(format!(
                "{what} is kept by the source {}: take it over to have this one keep it",
                shown(other)
            ));
        }
        Some(_) => {}
    }
    let said = before?.source.as_ref()?.digest.as_deref()?;
    if said == digest(old) || fields.is_empty() {
        return None;
    }
    let places = fields.join(", ");
    Some(format!("{what} was edited by hand since the last import ({places}): change the file, or take it over"))
}

/// What a document says, without where it stands. The order of keys says nothing: JSONB gives them back in its own.
fn digest(document: &Object) -> String {
    let mut said = document.clone();
    said.shift_remove("source");
    let mut said = Value::Object(said);
    said.sort_all_objects();
    let bytes = token::digest(&said.to_string());
    bytes.iter().take(16).map(|byte| format!("{byte:02x}")).collect()
}

/// The item that has the name; else one of this source that has one of the aliases and no document of its own name.
async fn existing(app: &App, source: &str, entity: &Entity, own: &HashSet<String>) -> Result<Option<ItemRow>, Refusal> {
    let space = entity.reference.space();
    let by_name = app.store().item_by_alias(&space, &entity.reference.name_key()).await.map_err(of_store)?;
    if let Some(row) = by_name {
        // A name that another document of this import has is no longer this one's.
        let other = format!("{}:{}/{}", row.kind, row.namespace, row.name_key);
        return Ok((other == entity.reference.to_string() || !own.contains(&other)).then_some(row));
    }
    for alias in &entity.aliases {
        let row = app.store().item_by_alias(&space, &match_key(alias)).await.map_err(of_store)?;
        if let Some(row) = row
            && row.source.as_deref() == Some(source)
            && !own.contains(&format!("{}:{}/{}", row.kind, row.namespace, row.name_key))
        {
            return Ok(Some(row));
        }
    }
    Ok(None)
}

pub(super) async fn apply(
    app: &App,
    principal: &Principal,
    plan: &mut Plan,
    found: &Found,
    options: Options,
    phase: Phase,
    report: &mut Report,
) {
    for group in order(found, phase) {
        let one_by_one =
            group.first().is_some_and(|index| matches!(found.items[*index].entity.kind(), Kind::Team | Kind::Domain));
        let most = if one_by_one { 1 } else { AT_ONCE };
        let mut running = FuturesUnordered::new();
        let mut done = Vec::new();
        for index in group {
            let step = &plan.steps[index];
            if !matches!(step, Step::Create | Step::Change { .. }) {
                continue;
            }
            if running.len() >= most {
                done.extend(running.next().await);
            }
            running.push(write_one(app, principal, index, &found.items[index], step.clone(), options));
        }
        while let Some(outcome) = running.next().await {
            done.push(outcome);
        }
        drop(running);
        for (index, outcome) in done {
            if let Err(faults) = outcome {
                plan.steps[index] = Step::Refused;
                for fault in faults {
                    report.tell(found.items[index].file, Severity::Error, fault);
                }
            }
        }
    }
}

async fn write_one(
    app: &App,
    principal: &Principal,
    index: usize,
    wanted: &Wanted,
    step: Step,
    options: Options,
) -> (usize, Result<(), Vec<Fault>>) {
    (index, write(app, principal, wanted, step, options).await)
}

/// What is written together, in order: what others refer to comes first, and a parent before its children.
fn order(found: &Found, phase: Phase) -> Vec<Vec<usize>> {
    let parents: HashMap<String, Option<String>> = found
        .items
        .iter()
        .map(|item| (item.entity.reference.to_string(), item.entity.parent.as_ref().map(ToString::to_string)))
        .collect();
    let depth = |reference: &Reference| {
        let mut depth = 0;
        let mut next = parents.get(&reference.to_string()).cloned().flatten();
        while let Some(parent) = next.take_if(|_| depth < 64) {
            depth += 1;
            next = parents.get(&parent).cloned().flatten();
        }
        depth
    };
    let of = |wanted: &dyn Fn(&Kind) -> bool| {
        let all = found.items.iter().enumerate().filter(|(_, item)| wanted(item.entity.kind()));
        let mut group: Vec<usize> = all.map(|(index, _)| index).collect();
        group.sort_by_cached_key(|index| depth(&found.items[*index].entity.reference));
        group
    };
    match phase {
        Phase::Teams => vec![of(&|kind| *kind == Kind::Team)],
        Phase::Entities => vec![
            of(&|kind| *kind == Kind::Domain),
            of(&|kind| *kind == Kind::System),
            of(&|kind| !matches!(kind, Kind::Team | Kind::Domain | Kind::System)),
        ],
    }
}

/// Writes one item. What changed since it was planned is looked at again.
async fn write(
    app: &App,
    principal: &Principal,
    wanted: &Wanted,
    step: Step,
    options: Options,
) -> Result<(), Vec<Fault>> {
    let document = wanted.entity.to_document();
    let told = |invalid: Invalid| -> Vec<Fault> {
        if invalid.faults.is_empty() {
            return vec![wanted.fault(invalid.refusal.detail)];
        }
        invalid.faults.iter().map(|fault| wanted.places.locate(fault)).collect()
    };
    let (id, mut version) = match step {
        Step::Create => {
            return create_item(app, principal, &document, Author::Import).await.map(|_| ()).map_err(told);
        }
        Step::Change { id, version, .. } => (id, version),
        Step::Same { .. } | Step::Refused => return Ok(()),
    };
    for _ in 0..ATTEMPTS {
        match replace_item(app, principal, &id, &document, Author::Import, Some(version)).await {
            Ok(_) => return Ok(()),
            Err(invalid) if invalid.refusal.code == Code::PreconditionFailed.as_str() => {
                let row = app.store().item(&id).await.map_err(|error| told(of_store(error).into()))?;
                let Some(row) = row else { return Err(vec![wanted.fault("was deleted by somebody meanwhile")]) };
                let source = wanted.entity.source.as_ref().map(|source| source.id.as_str()).unwrap_or_default();
                let edited = serde_json::from_str::<Object>(&row.doc).ok().and_then(|old| {
                    let before = Entity::from_document(&old).ok();
                    conflict(source, &row, &old, before.as_ref(), &["meanwhile".to_owned()])
                });
                if let Some(reason) = edited.filter(|_| !options.take_over) {
                    return Err(vec![wanted.fault(reason)]);
                }
                version = row.version;
            }
            Err(invalid) => return Err(told(invalid)),
        }
    }
    Err(vec![wanted.fault("others change it all the time: import again")])
}

impl Plan {
    /// Puts what was done into the report.
    pub(super) fn tell(&self, report: &mut Report) {
        for (step, (file, what)) in self.steps.iter().zip(&self.labels) {
            let Some(file) = report.files.get_mut(*file) else { continue };
            match step {
                Step::Create => file.created.push(what.clone()),
                Step::Change { fields, .. } => {
                    file.changed.push(Changed { what: what.clone(), fields: fields.clone() });
                }
                Step::Same { .. } => file.unchanged += 1,
                Step::Refused => {}
            }
        }
    }
}
