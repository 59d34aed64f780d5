//! `entity` and `ownership`: components, systems, domains, APIs, resources, and who answers for them.

use super::{items, team};
use crate::args::{EntityCommand, Gone, Json, Listing, OwnershipArgs, Place};
use crate::out::{self, Done, Failure, refused};
use bailiwick_app::App;
use bailiwick_app::access::Principal;
use bailiwick_app::catalog::{self, Author, Health, HealthCounts, HealthQuery, Item, Wanted};
use bailiwick_domain::catalog::Kind;
use bailiwick_domain::catalog::ownership::Unhealthy;
use bailiwick_scim::Object;
use bailiwick_store::rows::RelationRow;
use serde_json::{Value, json};

pub(super) async fn run(app: &App, command: EntityCommand) -> Done {
    let host = Principal::host();
    match command {
        EntityCommand::List { listing, kind, owner, part_of } => {
            list(app, &host, listing, kind.as_deref(), owner, part_of).await
        }
        EntityCommand::Show { entity, json } => show(app, &host, &entity, json).await,
        EntityCommand::Create { kind, name, namespace, said, place, json } => {
            let mut document = items::patch(said, &[])?;
            items::put(&mut document, "namespace", namespace);
            document.insert("kind".to_owned(), kind.into());
            document.insert("name".to_owned(), name.into());
            placed(&mut document, place, &[])?;
            if Kind::parse(document["kind"].as_str().unwrap_or_default()).is_ok_and(|kind| kind.is_team()) {
                return refused("a team is made with: bailiwick team create");
            }
            let item = catalog::create_item(app, &host, &document, Author::Hand).await.map_err(items::said)?;
            let line = format!("{} is made: {}", items::reference(&item.row), item.row.id);
            done(json, &items::value(&item), &line)
        }
        EntityCommand::Set { entity, said, place, name, json } => {
            let before = read(app, &host, &entity).await?;
            let mut patch = items::patch(said, team::aliases(&before.document))?;
            items::put(&mut patch, "name", name);
            let dependencies = before.document.get("dependencies").and_then(Value::as_array);
            placed(&mut patch, place, dependencies.map_or(&[], Vec::as_slice))?;
            let id = &before.row.id;
            let item = catalog::change_item(app, &host, id, &patch, Author::Hand, None).await.map_err(items::said)?;
            done(json, &items::value(&item), &format!("{} is changed.", items::reference(&item.row)))
        }
        EntityCommand::Delete(gone) => delete(app, &host, gone).await,
        EntityCommand::History { entity, limit, json } => {
            let item = read(app, &host, &entity).await?;
            items::print_history(app, &host, &item, limit, json).await
        }
    }
}

fn done(json: Json, value: &Value, line: &str) -> Done {
    if json.json { out::json(value) } else { out::line(line) }
}

/// Where it belongs and what it is tied to. `dependencies` are those there are already.
fn placed(patch: &mut Object, place: Place, dependencies: &[Value]) -> Done {
    items::put(patch, "owner", place.owner);
    items::put(patch, "system", place.system);
    items::put(patch, "domain", place.domain);
    items::put(patch, "parent", place.parent);
    items::put(patch, "tier", place.tier);
    items::put(patch, "lifecycle", place.lifecycle);
    items::put_list(patch, "tools", &place.tools, |tool| match items::titled(tool) {
        (Some(name), url) => Ok(json!({ "name": name, "url": url })),
        (None, _) => Err(Failure::Usage(format!("--tool {tool}: NAME=URL is expected, such as Logs=https://..."))),
    })?;
    let relations = [("dependsOn", place.depends_on), ("providesApi", place.provides), ("consumesApi", place.consumes)];
    for (relation, said) in relations.into_iter().filter(|(_, said)| !said.is_empty()) {
        let known = patch.remove("dependencies").and_then(|all| all.as_array().cloned());
        let mut all = known.unwrap_or_else(|| dependencies.to_vec());
        let same = |one: &Value| one.get("relation").and_then(Value::as_str).unwrap_or("dependsOn") == relation;
        all.retain(|one| !same(one));
        for text in said.iter().filter(|text| *text != items::NONE) {
            let (target, note) = text.split_once('=').map_or((text.as_str(), None), |(to, why)| (to, Some(why)));
            all.push(json!({ "relation": relation, "target": target, "note": note }));
        }
        patch.insert("dependencies".to_owned(), Value::Array(all));
    }
    Ok(())
}

/// Kinds, separated by commas.
fn kinds(said: Option<&str>) -> Result<Vec<Kind>, Failure> {
    let words = said.unwrap_or_default().split(',').map(str::trim).filter(|word| !word.is_empty());
    words.map(Kind::parse).collect::<Result<_, _>>().map_err(Failure::Usage)
}

async fn read(app: &App, host: &Principal, entity: &str) -> Result<Item, Failure> {
    Ok(catalog::read_item(app, host, entity, &Kind::Component, |kind| !kind.is_team()).await?)
}

async fn list(
    app: &App,
    host: &Principal,
    listing: Listing,
    kind: Option<&str>,
    owner: Option<String>,
    part_of: Option<String>,
) -> Done {
    let part_of = match part_of {
        Some(whole) => Some(catalog::find_item(app, &whole, &Kind::System, |kind| !kind.is_team()).await?.seq),
        None => None,
    };
    let (search, filter, limit) = (listing.search, listing.filter, listing.limit);
    let wanted = Wanted { kinds: kinds(kind)?, owner, part_of, search, filter, limit, ..Wanted::default() };
    let entities = catalog::list_items(app, host, wanted).await?.items;
    if listing.json.json {
        return out::json(&entities.iter().map(items::value).collect());
    }
    if entities.is_empty() {
        return out::line("No entity found.");
    }
    let cells = entities.iter().map(|entity| {
        let text = |value: &Option<String>| value.clone().unwrap_or_default();
        vec![
            items::reference(&entity.row),
            entity.row.title.clone(),
            items::owner(entity.owner.as_ref()),
            text(&entity.row.tier),
            text(&entity.row.lifecycle),
        ]
    });
    out::lines(&out::table(&["ENTITY", "TITLE", "OWNER", "TIER", "LIFECYCLE"], &cells.collect::<Vec<_>>()))
}

async fn show(app: &App, host: &Principal, entity: &str, json: Json) -> Done {
    let item = read(app, host, entity).await?;
    let to = catalog::dependencies(app, host, &item.row).await?;
    let from = catalog::dependents(app, host, &item.row).await?;
    if json.json {
        let mut value = items::value(&item);
        if let Some(object) = value.as_object_mut() {
            let dependents = from
                .iter()
                .map(|row| json!({ "relation": row.relation, "item": items::other(&row.item), "note": row.note }));
            object.insert("dependents".to_owned(), dependents.collect());
        }
        return out::json(&value);
    }
    let mut lines = items::sheet(&item);
    let note = |row: &RelationRow| row.note.as_ref().map(|note| format!(": {note}")).unwrap_or_default();
    for row in &to {
        let there = if row.target.is_some() { "" } else { " (not there)" };
        lines.push(format!("  {} {}{there}{}", row.relation, row.target_ref, note(row)));
    }
    for row in &from {
        lines.push(format!("  {} {} this{}", items::other(&row.item), row.relation, note(row)));
    }
    out::lines(&lines)
}

async fn delete(app: &App, host: &Principal, gone: Gone) -> Done {
    let item = read(app, host, &gone.item).await?;
    let name = items::reference(&item.row);
    if !gone.yes {
        return refused(format!("{name} would be deleted. Say --yes to do it"));
    }
    catalog::delete_item(app, host, &item.row.id, None).await?;
    done(gone.json, &json!({ "id": item.row.id, "deleted": true }), &format!("{name} is deleted."))
}

pub(super) async fn ownership(app: &App, args: OwnershipArgs) -> Done {
    let host = Principal::host();
    let counts = HealthCounts::read(app, &host, kinds(args.kind.as_deref())?).await?;
    let states: Vec<Unhealthy> = args.state.as_deref().and_then(Unhealthy::from_text).into_iter().collect();
    let mut found: Vec<Health> = Vec::new();
    let mut after = None;
    loop {
        let limit = args.limit - u32::try_from(found.len()).unwrap_or(args.limit);
        let query = HealthQuery { states: states.clone(), kinds: kinds(args.kind.as_deref())?, after, limit };
        let page = catalog::ownership_health(app, &host, query).await?;
        found.extend(page.items);
        after = page.next;
        if after.is_none() || found.len() >= args.limit as usize {
            break;
        }
    }
    if args.json.json {
        let states: Value = counts.states.iter().map(|(state, count)| (state.as_str(), *count)).collect();
        let items = found.iter().map(|one| {
            let words: Vec<&str> = one.states.iter().map(|state| state.as_str()).collect();
            json!({ "states": words, "item": items::value(&one.item), "suggestions": one.suggestions })
        });
        return out::json(&json!({ "items": counts.items, "healthy": counts.healthy, "states": states,
            "unhealthy": items.collect::<Value>() }));
    }
    out::line(&format!("{} of {} items are well.", counts.healthy, counts.items))?;
    for (state, count) in counts.states.iter().filter(|(_, count)| *count > 0) {
        out::line(&format!("  {count:>6}  {}", state.as_str()))?;
    }
    if found.is_empty() {
        return Ok(());
    }
    let cells = found.iter().map(|one| {
        let words: Vec<&str> = one.states.iter().map(|state| state.as_str()).collect();
        let owner = if one.item.row.kind == "team" { String::new() } else { items::owner(one.item.owner.as_ref()) };
        let could = one.suggestions.first().map_or_else(String::new, |best| best.party.name.clone());
        vec![items::reference(&one.item.row), words.join(", "), owner, could]
    });
    out::lines(&out::table(&["ITEM", "STATE", "OWNER", "COULD BE"], &cells.collect::<Vec<_>>()))
}
