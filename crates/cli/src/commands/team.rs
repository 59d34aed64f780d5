//! `team`: teams, who belongs to them, the groups that feed them.

use super::items;
use crate::args::{Gone, Json, Listing, MemberCommand, TeamCommand};
use crate::out::{self, Done, refused};
use bailiwick_app::App;
use bailiwick_app::access::Principal;
use bailiwick_app::catalog::{self, Author, Feed, Item, Member, Wanted};
use bailiwick_domain::catalog::Kind;
use bailiwick_domain::mapping::Origin;
use bailiwick_scim::Object;
use serde_json::{Value, json};

/// Members shown at once.
const MEMBERS: u32 = 1_000;

pub(super) async fn run(app: &App, command: TeamCommand) -> Done {
    let host = Principal::host();
    match command {
        TeamCommand::List { listing, parent } => list(app, &host, listing, parent).await,
        TeamCommand::Show { team, below, json } => show(app, &host, &team, below, json).await,
        TeamCommand::Create { name, namespace, said, parent, responsibilities, json } => {
            let mut document = items::patch(said, &[])?;
            items::put(&mut document, "namespace", namespace);
            items::put(&mut document, "responsibilities", responsibilities);
            document.insert("kind".to_owned(), "team".into());
            document.insert("name".to_owned(), name.into());
            items::put(&mut document, "parent", parent);
            let item = catalog::create_item(app, &host, &document, Author::Hand).await.map_err(items::said)?;
            done(json, &items::value(&item), &format!("Team {} is made: {}", item.row.name, item.row.id))
        }
        TeamCommand::Set { team, said, name, parent, responsibilities, json } => {
            let before = read(app, &host, &team).await?;
            let mut patch = items::patch(said, aliases(&before.document))?;
            items::put(&mut patch, "name", name);
            items::put(&mut patch, "parent", parent);
            items::put(&mut patch, "responsibilities", responsibilities);
            let id = &before.row.id;
            let item = catalog::change_item(app, &host, id, &patch, Author::Hand, None).await.map_err(items::said)?;
            done(json, &items::value(&item), &format!("Team {} is changed.", item.row.name))
        }
        TeamCommand::Delete(gone) => delete(app, &host, gone).await,
        TeamCommand::History { team, limit, json } => {
            let item = read(app, &host, &team).await?;
            items::print_history(app, &host, &item, limit, json).await
        }
        TeamCommand::Member(command) => member(app, &host, command).await,
        TeamCommand::Feed { team, group, role, json } => {
            catalog::feed_team(app, &host, &team, &group, Some(&role)).await?;
            let value = json!({ "team": team, "group": group, "role": role, "feeds": true });
            done(json, &value, &format!("The group {group} feeds the team {team}: its members join in the background."))
        }
        TeamCommand::Unfeed { team, group, json } => {
            catalog::unfeed_team(app, &host, &team, &group).await?;
            let value = json!({ "team": team, "group": group, "feeds": false });
            done(json, &value, &format!("The group {group} no longer feeds the team {team}."))
        }
        TeamCommand::Adopt { integration, pattern, role, json } => {
            adopt(app, &host, &integration, &pattern, &role, json).await
        }
    }
}

fn done(json: Json, value: &Value, line: &str) -> Done {
    if json.json { out::json(value) } else { out::line(line) }
}

/// The aliases a document says already.
pub(super) fn aliases(document: &Object) -> &[Value] {
    document.get("aliases").and_then(Value::as_array).map_or(&[], Vec::as_slice)
}

async fn read(app: &App, host: &Principal, team: &str) -> Result<Item, out::Failure> {
    Ok(catalog::read_item(app, host, team, &Kind::Team, Kind::is_team).await?)
}

async fn list(app: &App, host: &Principal, listing: Listing, parent: Option<String>) -> Done {
    let part_of = match parent {
        Some(parent) => Some(read(app, host, &parent).await?.row.seq),
        None => None,
    };
    let wanted = Wanted {
        kinds: vec![Kind::Team],
        part_of,
        search: listing.search,
        filter: listing.filter,
        limit: listing.limit,
        ..Wanted::default()
    };
    let teams = catalog::list_items(app, host, wanted).await?.items;
    if listing.json.json {
        return out::json(&teams.iter().map(items::value).collect());
    }
    if teams.is_empty() {
        return out::line("No team found.");
    }
    let cells = teams.iter().map(|team| {
        let parent = team.row.parent.as_ref().map(|parent| parent.name.clone()).unwrap_or_default();
        vec![team.row.name.clone(), team.row.title.clone(), parent, team.row.id.clone()]
    });
    out::lines(&out::table(&["NAME", "TITLE", "PARENT", "ID"], &cells.collect::<Vec<_>>()))
}

async fn show(app: &App, host: &Principal, team: &str, below: bool, json: Json) -> Done {
    let item = read(app, host, team).await?;
    let members = catalog::team_members(app, host, &item.row, below, None, MEMBERS).await?;
    let feeds = catalog::list_feeds(app, host, &item.row).await?;
    if json.json {
        let mut value = items::value(&item);
        if let Some(object) = value.as_object_mut() {
            object.insert("members".to_owned(), members.members.iter().map(member_value).collect());
            object.insert("more_members".to_owned(), members.next.is_some().into());
            object.insert("feeds".to_owned(), feeds.iter().map(feed_value).collect());
        }
        return out::json(&value);
    }
    let mut lines = items::sheet(&item);
    for feed in &feeds {
        lines.push(format!("  fed by       {} ({}) as {}", feed.display, feed.group, feed.role));
    }
    lines.push(String::new());
    if members.members.is_empty() {
        lines.push("No members.".to_owned());
    }
    let cells: Vec<Vec<String>> = members.members.iter().map(member_cells).collect();
    if !cells.is_empty() {
        lines.extend(out::table(&["MEMBER", "ROLE", "STATE", "BY", "PERSON"], &cells));
    }
    if members.next.is_some() {
        lines.push(format!("More than {MEMBERS} members; the rest is at /api/v1/teams/{}/members.", item.row.id));
    }
    out::lines(&lines)
}

fn member_cells(member: &Member) -> Vec<String> {
    let mut by: Vec<String> = member.grants.iter().map(|grant| origin(&grant.origin)).collect();
    by.dedup();
    if let Some(via) = &member.via {
        by.push(format!("below, in {}", via.name));
    }
    let person = &member.person;
    vec![
        person.display.clone(),
        member.role.clone(),
        person.state.as_str().to_owned(),
        by.join("; "),
        person.id.clone(),
    ]
}

fn origin(text: &str) -> String {
    match Origin::parse(text) {
        Some(Origin::Hand) => "hand".to_owned(),
        Some(Origin::Feed { group }) => format!("group {group}"),
        Some(Origin::Rule { rule, .. }) => format!("rule {rule}"),
        None => text.to_owned(),
    }
}

fn member_value(member: &Member) -> Value {
    let origins = member.grants.iter().map(|grant| {
        json!({ "origin": grant.origin, "role": grant.value, "since": grant.from.to_string(),
            "path": serde_json::from_str::<Value>(&grant.path).unwrap_or_default() })
    });
    json!({ "person": member.person.id, "display": member.person.display, "state": member.person.state.as_str(),
        "role": member.role, "origins": origins.collect::<Value>(), "via": member.via.as_ref().map(items::other) })
}

fn feed_value(feed: &Feed) -> Value {
    json!({ "group": feed.group, "display": feed.display, "integration": feed.integration.printed(),
        "role": feed.role })
}

async fn delete(app: &App, host: &Principal, gone: Gone) -> Done {
    let item = read(app, host, &gone.item).await?;
    if !gone.yes {
        let line = "It ends its memberships, and what it owns shows a missing owner. Say --yes to do it";
        return refused(format!("the team {} would be deleted. {line}", item.row.name));
    }
    catalog::delete_item(app, host, &item.row.id, None).await?;
    let value = json!({ "id": item.row.id, "deleted": true });
    done(gone.json, &value, &format!("The team {} is deleted.", item.row.name))
}

async fn member(app: &App, host: &Principal, command: MemberCommand) -> Done {
    match command {
        MemberCommand::Add { team, person, role, json } => {
            catalog::put_member(app, host, &team, &person, Some(&role)).await?;
            let value = json!({ "team": team, "person": person, "role": role, "member": true });
            done(json, &value, &format!("{person} is a member of {team} by hand, as {role}."))
        }
        MemberCommand::Remove { team, person, json } => {
            let removed = catalog::remove_member(app, host, &team, &person).await?;
            let member = !removed.stays.is_empty();
            let value = json!({ "team": team, "person": person, "member": member, "stays": removed.stays });
            let line = match member {
                false => format!("{person} is no member of {team} any more."),
                true => format!("The membership by hand is gone; {person} stays {}.", removed.stays.join(" and ")),
            };
            done(json, &value, &line)
        }
    }
}

async fn adopt(app: &App, host: &Principal, integration: &str, pattern: &str, role: &str, json: Json) -> Done {
    let adopted = catalog::adopt_groups(app, host, integration, pattern, Some(role)).await?;
    if json.json {
        let value = adopted.iter().map(|one| {
            json!({ "group": one.group, "display": one.display, "team": one.team, "name": one.name,
                "created": one.created })
        });
        return out::json(&value.collect());
    }
    if adopted.is_empty() {
        return out::line("No group is left to adopt.");
    }
    let cells = adopted.iter().map(|one| {
        let made = if one.created { "made" } else { "was there" };
        vec![one.display.clone(), one.name.clone(), made.to_owned(), one.team.clone()]
    });
    out::lines(&out::table(&["GROUP", "TEAM", "", "ID"], &cells.collect::<Vec<_>>()))
}
