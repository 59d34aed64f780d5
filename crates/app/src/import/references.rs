//! What documents refer to and is not there: told as warnings, because it may come with another source.

use super::items::{Plan, Step};
use super::read::{Found, Wanted};
use super::report::{Report, Severity};
use crate::Refusal;
use crate::app::App;
use crate::catalog::{find_item, find_person};
use bailiwick_domain::catalog::{Fault, Owner, Reference};
use bailiwick_domain::descriptor::backstage::user_reference;
use std::collections::{HashMap, HashSet};

pub(super) async fn check(app: &App, found: &Found, plan: &Plan, report: &mut Report) -> Result<(), Refusal> {
    let mut known: HashMap<String, bool> = HashMap::new();
    let people = people(found);
    for (wanted, step) in found.items.iter().zip(&plan.steps) {
        if *step == Step::Refused {
            continue;
        }
        for (pointer, reference) in references(wanted) {
            let text = reference.to_string();
            let there = match known.get(&text) {
                Some(there) => *there,
                None => plan.names.contains(&text) || find_item(app, &text, &reference.kind, |_| true).await.is_ok(),
            };
            known.insert(text, there);
            if !there {
                tell(wanted, pointer, format!("names {reference}, which is not in the catalog"), report);
            }
        }
        if let Some(Owner::Person(name)) = &wanted.entity.owner
            && !people.contains(&name.to_lowercase())
            && find_person(app, name).await.is_err()
        {
            tell(wanted, "/owner".to_owned(), format!("names the person {name:?}, who is not in the catalog"), report);
        }
    }
    Ok(())
}

fn tell(wanted: &Wanted, pointer: String, message: String, report: &mut Report) {
    report.tell(wanted.file, Severity::Warning, wanted.places.locate(&Fault::new(pointer, message)));
}

/// How an owner may name the people of the import.
fn people(found: &Found) -> HashSet<String> {
    let all = found.people.iter().flat_map(|one| {
        let namespace = one.person.namespace.as_deref().unwrap_or("default");
        let full = one.person.name.as_deref().map(|name| user_reference(namespace, name));
        [one.person.email.clone(), one.person.name.clone(), full]
    });
    all.flatten().map(|name| name.to_lowercase()).collect()
}

fn references(wanted: &Wanted) -> Vec<(String, &Reference)> {
    let entity = &wanted.entity;
    let mut all = Vec::new();
    if let Some(Owner::Team(team)) = &entity.owner {
        all.push(("/owner".to_owned(), team));
    }
    for (key, above) in [("/system", &entity.system), ("/domain", &entity.domain), ("/parent", &entity.parent)] {
        all.extend(above.iter().map(|above| (key.to_owned(), above)));
    }
    let dependencies = entity.dependencies.iter().enumerate();
    all.extend(dependencies.map(|(index, one)| (format!("/dependencies/{index}"), &one.target)));
    all
}
