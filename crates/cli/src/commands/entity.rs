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
        EntityCommand::List { listing, kind, owner } => list(app, &host, listing, kind, owner).await,
        EntityCommand::Show { entity, json } => show(app, &host, &entity, json).await,
        EntityCommand::Create { kind, name, said, place, json } => {
            let mut document = items::patch(said, &[])?;
            document.insert("kind".to_owned(), kind.into());
            document.insert("name".to_owned(), name.into());
            placed(&mut document, place);
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
            placed(&mut patch, place);
            let id = &before.row.id;
            let item = catalog::change_item(app, &host, id, &patch, Author::Hand, None).await.map_err(items::said)?;
            done(json, &items::value(&item), &format!("{} is changed.", items::reference(&item.row)))
        }
        EntityCommand::Delete(gone) => delete(app, &host, gone).await,
        EntityCommand::History { entity, limit, json } => history(app, &host, &entity, limit, json).await,
    }
}

fn done(json: Json, value: &Value, line: &str) -> Done {
    if json.json { out::json(value) } else { out::line(line) }
}

fn placed(patch: &mut Object, place: Place) {
    items::put(patch, "owner", place.owner);
    items::put(patch, "system", place.system);
    items::put(patch, "domain", place.domain);
    items::put(patch, "parent", place.parent);
    items::put(patch, "tier", place.tier);
    items::put(patch, "lifecycle", place.lifecycle);
}

async fn read(app: &App, host: &Principal, entity: &str) -> Result<Item, Failure> {
    Ok(catalog::read_item(app, host, entity, &Kind::Component, |kind| !kind.is_team()).await?)
}

async fn list(app: &App, host: &Principal, listing: Listing, kind: Option<String>, owner: Option<String>) -> Done {
    let words = kind.as_deref().unwrap_or_default().split(',').map(str::trim).filter(|word| !word.is_empty());
    let kinds = words.map(Kind::parse).collect::<Result<Vec<_>, _>>().map_err(Failure::Usage)?;
    let (search, filter, limit) = (listing.search, listing.filter, listing.limit);
    let wanted = Wanted { kinds, owner, search, filter, limit, ..Wanted::default() };
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

async fn history(app: &App, host: &Principal, entity: &str, limit: u32, json: Json) -> Done {
    let item = read(app, host, entity).await?;
    let events = catalog::history(app, host, &item.row, None, limit).await?;
    if json.json {
        return out::json(&events.iter().map(items::event_value).collect());
    }
    let mut lines = Vec::new();
    for event in &events {
        lines.push(format!("{}  {}  by {}", out::moment(event.at), event.kind, event.actor));
        let changes = event.payload.as_ref().and_then(|payload| payload["changes"].as_array());
        for change in changes.into_iter().flatten() {
            let side = |key: &str| change.get(key).map_or_else(|| "nothing".to_owned(), Value::to_string);
            let path = change["path"].as_str().unwrap_or_default();
            lines.push(format!("    {path}: {} -> {}", side("before"), side("after")));
        }
    }
    out::lines(&lines)
}

pub(super) async fn ownership(app: &App, args: OwnershipArgs) -> Done {
    let host = Principal::host();
    let counts = HealthCounts::read(app, &host, Vec::new()).await?;
    let states: Vec<Unhealthy> = args.state.as_deref().and_then(Unhealthy::from_text).into_iter().collect();
    let mut found: Vec<Health> = Vec::new();
    let mut after = None;
    loop {
        let limit = args.limit - u32::try_from(found.len()).unwrap_or(args.limit);
        let query = HealthQuery { states: states.clone(), kinds: Vec::new(), after, limit };
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
            json!({ "states": words, "item": items::value(&one.item) })
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
        vec![items::reference(&one.item.row), words.join(", "), items::owner(one.item.owner.as_ref())]
    });
    out::lines(&out::table(&["ITEM", "STATE", "OWNER"], &cells.collect::<Vec<_>>()))
}
