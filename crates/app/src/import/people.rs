//! The people of an import: those that files describe, and those that teams name as members.

use super::Options;
use super::items::Plan;
use super::person::{self, Outcome, Part};
use super::read::Found;
use super::report::{Changed, Report, Severity};
use crate::Refusal;
use crate::access::{self, Action, Principal};
use crate::app::App;
use crate::catalog::{CONTRIBUTOR, Standards, membership_role};
use bailiwick_domain::catalog::{DEFAULT_NAMESPACE, Reference};
use bailiwick_domain::descriptor::backstage::user_reference;
use bailiwick_domain::descriptor::{Fault, Membership, Person};
use bailiwick_domain::names;
use std::collections::{HashMap, HashSet};

/// Somebody whom the import knows.
#[derive(Clone, Debug)]
pub(super) struct Someone {
    /// How the source means them: `user:default/ada`, or the key of an address.
    pub(super) key: String,
    pub(super) file: usize,
    pub(super) path: String,
    pub(super) line: u32,
    /// What a file says of them; nothing where they are only named as a member.
    pub(super) said: Option<Person>,
    /// The name or address, as written.
    pub(super) name: String,
    pub(super) teams: Vec<(Reference, String)>,
}

impl Someone {
    /// Takes what another file says of the same person: teams and fields that this one does not have. Who is called
    /// otherwise there is not joined.
    fn joins(&mut self, other: &Self) -> bool {
        let (Some(own), Some(more)) = (&mut self.said, &other.said) else { return false };
        let names = own.name.is_none() || more.name.is_none() || own.name == more.name;
        if own.display != more.display || !names {
            return false;
        }
        for (field, value) in &more.fields {
            own.fields.entry(field.clone()).or_insert_with(|| value.clone());
        }
        for (key, value) in &more.unknown {
            own.unknown.entry(key.clone()).or_insert_with(|| value.clone());
        }
        own.email = own.email.take().or_else(|| more.email.clone());
        if own.name.is_none() {
            own.name.clone_from(&more.name);
            own.namespace.clone_from(&more.namespace);
        }
        for (team, role) in &other.teams {
            match self.teams.iter_mut().find(|(known, _)| known == team) {
                Some((_, known)) if known == CONTRIBUTOR => known.clone_from(role),
                Some(_) => {}
                None => self.teams.push((team.clone(), role.clone())),
            }
        }
        true
    }

    pub(super) fn fault(&self, message: impl Into<String>) -> Fault {
        Fault { line: self.line, column: 1, field: String::new(), message: message.into() }
    }
}

/// Somebody with what would become of them.
#[derive(Debug)]
pub(super) struct Step {
    pub(super) someone: Someone,
    /// Nothing where it was refused.
    pub(super) outcome: Option<Outcome>,
}

/// Everybody, with the standards their fields are checked by.
#[derive(Debug, Default)]
pub(super) struct Folk {
    pub(super) steps: Vec<Step>,
    pub(super) standards: Standards,
    pub(super) keep: Keep,
}

/// Which memberships are not taken away, because the guard said no.
#[derive(Clone, Debug, Default)]
pub(super) struct Keep {
    /// None is.
    pub(super) all: bool,
    /// None of these teams is.
    pub(super) teams: HashSet<String>,
}

impl Keep {
    /// Whether the memberships of this team stay.
    pub(super) fn has(&self, team: &str) -> bool {
        self.all || self.teams.contains(team)
    }
}

pub(super) async fn plan(
    app: &App,
    source: &str,
    found: &Found,
    plan: &Plan,
    standards: &Standards,
    report: &mut Report,
) -> Result<Folk, Refusal> {
    let mut folk = Folk::default();
    for someone in gather(found, plan, report) {
        let outcome = person::decide(app, source, &someone, standards, &plan.names).await?;
        let outcome = match outcome {
            Ok(outcome) => {
                for note in &outcome.notes {
                    report.tell(someone.file, note.0, someone.fault(note.1.clone()));
                }
                Some(outcome)
            }
            Err((severity, message)) => {
                report.tell(someone.file, severity, someone.fault(message));
                None
            }
        };
        folk.steps.push(Step { someone, outcome });
    }
    folk.standards = crate::catalog::standards(app).await?;
    Ok(folk)
}

/// Puts together what files say of each person and the teams that name them.
fn gather(found: &Found, plan: &Plan, report: &mut Report) -> Vec<Someone> {
    let mut all: Vec<Someone> = Vec::new();
    let mut by_key: HashMap<String, usize> = HashMap::new();
    for one in &found.people {
        let namespace = one.person.namespace.as_deref().unwrap_or(DEFAULT_NAMESPACE);
        let reference = one.person.name.as_deref().map(|name| user_reference(namespace, name));
        let mail = one.person.email.as_deref().map(mail_key);
        let Some(key) = reference.clone().or_else(|| mail.clone()) else { continue };
        let name = one.person.email.clone().or_else(|| one.person.name.clone()).unwrap_or_default();
        let mut someone = Someone {
            key,
            file: one.file,
            path: report.files[one.file].path.clone(),
            line: one.line,
            teams: Vec::new(),
            said: Some(one.person.clone()),
            name,
        };
        let teams: Result<Vec<_>, String> = one.person.teams.iter().map(membership).collect();
        match teams {
            Ok(teams) => someone.teams = teams,
            Err(message) => {
                report.tell(one.file, Severity::Error, someone.fault(message));
                continue;
            }
        }
        let known = [&reference, &mail].into_iter().flatten().find_map(|key| by_key.get(key)).copied();
        if let Some(known) = known {
            if all[known].joins(&someone) {
                by_key.extend([reference, mail].into_iter().flatten().map(|key| (key, known)));
                continue;
            }
            let first: &Someone = &all[known];
            let message = format!("describes {}, as {}:{} does already", someone.name, first.path, first.line);
            report.tell(one.file, Severity::Error, someone.fault(message));
            continue;
        }
        by_key.extend([reference, mail].into_iter().flatten().map(|key| (key, all.len())));
        all.push(someone);
    }
    for (item, step) in found.items.iter().zip(&plan.steps) {
        if *step == super::items::Step::Refused {
            continue;
        }
        for member in &item.members {
            let key = if names::is_email_form(member) { mail_key(member) } else { member.clone() };
            let index = *by_key.entry(key.clone()).or_insert_with(|| {
                all.push(Someone {
                    key,
                    file: item.file,
                    path: report.files[item.file].path.clone(),
                    line: item.line,
                    said: None,
                    name: member.rsplit('/').next().unwrap_or(member).to_owned(),
                    teams: Vec::new(),
                });
                all.len() - 1
            });
            let someone = &mut all[index];
            if !someone.teams.iter().any(|(team, _)| *team == item.entity.reference) {
                someone.teams.push((item.entity.reference.clone(), CONTRIBUTOR.to_owned()));
            }
        }
    }
    all
}

fn membership(said: &Membership) -> Result<(Reference, String), String> {
    match membership_role(said.role.as_deref()) {
        Ok(role) => Ok((said.team.clone(), role)),
        Err(refusal) => Err(format!("names the team {}: {}", said.team.short(&said.team.kind), refusal.detail)),
    }
}

fn mail_key(address: &str) -> String {
    format!("mail:{}", names::email_key(address))
}

pub(super) async fn apply(
    app: &App,
    principal: &Principal,
    source: &str,
    folk: &Folk,
    options: Options,
    report: &mut Report,
) {
    let permitted = access::require(app, principal, Action::PersonEdit, &access::Object::None).await;
    let steps = folk.steps.iter().filter_map(|step| step.outcome.as_ref().map(|outcome| (step, outcome)));
    let mut steps: Vec<(&Step, &Outcome)> = steps.filter(|(_, outcome)| !outcome.is_idle()).collect();
    // Who comes into a team comes before others leave it.
    steps.sort_by_key(|(_, outcome)| !outcome.close.is_empty());
    let (mut failed, mut early) = (Vec::new(), Vec::new());
    for (step, outcome) in steps {
        let done = match &permitted {
            Ok(()) => person::write(app, principal, source, &step.someone, folk, (Part::Whole, options)).await,
            Err(refusal) => Err(refusal.detail.clone().into()),
        };
        match done {
            Err(unwritten) if unwritten.empties => early.push((step, outcome)),
            Err(unwritten) => failed.push((step, unwritten)),
            Ok(()) => {}
        }
    }
    // Those who leave teams for one another: all come before the first one leaves.
    let mut here = HashSet::new();
    for (index, (step, _)) in early.iter().enumerate().filter(|(_, (_, outcome))| !outcome.open.is_empty()) {
        // Whatever is wrong with it is said when they leave.
        if person::write(app, principal, source, &step.someone, folk, (Part::Coming, options)).await.is_ok() {
            here.insert(index);
        }
    }
    for (index, (step, _)) in early.into_iter().enumerate() {
        let done = person::write(app, principal, source, &step.someone, folk, (Part::Whole, options)).await;
        let Err(mut unwritten) = done else { continue };
        if here.contains(&index) {
            unwritten.message.push_str(" (the new memberships hold already, the old ones stay)");
        }
        failed.push((step, unwritten));
    }
    for (step, unwritten) in failed {
        report.tell(step.someone.file, Severity::Error, step.someone.fault(unwritten.message));
    }
}

impl Folk {
    /// Puts what was done into the report.
    pub(super) fn tell(&self, report: &mut Report) {
        for step in &self.steps {
            let Some(outcome) = &step.outcome else { continue };
            let failed = |file: &super::FileReport| {
                file.problems.iter().any(|problem| {
                    problem.severity == Severity::Error && problem.line == step.someone.line && problem.field.is_empty()
                })
            };
            let Some(file) = report.files.get_mut(step.someone.file) else { continue };
            if failed(file) {
                continue;
            }
            let what = format!("person {}", step.someone.name);
            let fields = outcome.fields(&self.keep);
            if outcome.creates() {
                file.created.push(what);
            } else if !fields.is_empty() {
                file.changed.push(Changed { what, fields });
            } else if step.someone.said.is_some() {
                file.unchanged += 1;
            }
        }
    }
}
