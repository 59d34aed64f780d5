//! Teams, who belongs to them, and the groups that feed them.

use super::answer::Answer;
use super::items::{self, Contact, HistoryEntry, ItemShown, Link, MemberShown, Place, Tag};
use super::listed::listed;
use super::request::{Request, encoded};
use super::table::{Access::May, Endpoint, Form, Param, delete, get, handler, param, patch, post, put};
use crate::intake::Failure;
use bailiwick_app::catalog::{self, Author, Feed, MemberPage, MemberPlace, Wanted};
use bailiwick_app::rows::ItemRow;
use bailiwick_domain::catalog::Kind;
use bailiwick_domain::policy::Action::{RuleManage, TeamEdit, TeamRead};
use bailiwick_scim::{Code, Error};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use serde_json::{Map, Value};

const LIST: &[Param] = &[
    param("search", Form::Text(200), "Title, name or alias contains this."),
    param("filter", Form::Filter, "A filter over the documents of teams."),
    param("parent", Form::Text(300), "Directly below this team."),
];
const MEMBERS: &[Param] = &[param("below", Form::Flag, "Whether members of the teams below belong to it, too.")];

pub(super) const ROUTES: &[Endpoint] = &[
    get(May(TeamRead), "/teams", "listTeams", handler!(list))
        .says("Lists teams in the order of their titles.")
        .query(LIST)
        .lists::<ItemShown>(),
    post(May(TeamEdit), "/teams", "createTeam", handler!(create))
        .says("Makes a team.")
        .takes::<TeamNew>()
        .makes::<ItemShown>(),
    get(May(TeamRead), "/teams/{ref}", "readTeam", handler!(read))
        .says("Shows a team: by id, name or any alias, the names it had before included.")
        .gives::<ItemShown>()
        .versioned(),
    patch(May(TeamEdit), "/teams/{ref}", "changeTeam", handler!(change))
        .says("Changes a team by a merge patch. A name it gives up leads to it still.")
        .takes::<TeamChange>()
        .gives::<ItemShown>()
        .versioned(),
    delete(May(TeamEdit), "/teams/{ref}", "deleteTeam", handler!(remove))
        .says("Deletes a team and ends its memberships. What it owned shows a missing owner.")
        .versioned(),
    get(May(TeamRead), "/teams/{ref}/history", "readTeamHistory", handler!(history))
        .says("Lists what happened to a team, the newest first.")
        .lists::<HistoryEntry>(),
    get(May(TeamRead), "/teams/{ref}/members", "listMembers", handler!(members))
        .says("Lists the members of a team with every origin of their membership.")
        .query(MEMBERS)
        .lists::<MemberShown>(),
    put(May(TeamEdit), "/teams/{ref}/members/{person}", "putMember", handler!(put_member))
        .says("Makes a person a member by hand: by id, userName or e-mail address.")
        .takes::<MembershipNew>(),
    delete(May(TeamEdit), "/teams/{ref}/members/{person}", "removeMember", handler!(remove_member))
        .says("Takes a membership by hand away. One that a group or rule gives is changed there.")
        .gives::<MembershipLeft>(),
    get(May(TeamRead), "/teams/{ref}/feeds", "listFeeds", handler!(feeds))
        .says("Lists the groups that feed a team.")
        .lists::<FeedShown>(),
    put(May(RuleManage), "/teams/{ref}/feeds/{group}", "putFeed", handler!(feed))
        .says("Feeds a team by a group: whoever is in it, nested groups included, joins in the background.")
        .takes::<MembershipNew>(),
    delete(May(RuleManage), "/teams/{ref}/feeds/{group}", "removeFeed", handler!(unfeed))
        .says("Ends a feed: whoever was in the team by it alone leaves in the background."),
];

/// A new team.
#[derive(Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
#[expect(dead_code, reason = "describes the body; the document is read by the catalog with every fault in its place")]
struct TeamNew {
    /// Name: letters, digits, `-`, `_` and `.`; unique among teams of the namespace, letter case ignored.
    #[schemars(regex(pattern = r"^[A-Za-z0-9][A-Za-z0-9_.-]{0,62}$"))]
    name: String,
    /// Namespace; `default` if nothing is said.
    #[schemars(regex(pattern = r"^[a-z0-9]([a-z0-9-]{0,61}[a-z0-9])?$"))]
    namespace: Option<String>,
    #[serde(flatten)]
    said: TeamSaid,
}

/// What to change; null takes away, what is not named stays. Lists are replaced as a whole.
#[derive(Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
#[expect(dead_code, reason = "describes the body")]
struct TeamChange {
    /// Another name; the one it had stays an alias.
    #[schemars(regex(pattern = r"^[A-Za-z0-9][A-Za-z0-9_.-]{0,62}$"))]
    name: Option<String>,
    #[serde(flatten)]
    said: TeamSaid,
}

#[derive(Deserialize, JsonSchema)]
#[expect(dead_code, reason = "describes the body")]
struct TeamSaid {
    /// What people call it.
    #[schemars(length(min = 1, max = 200))]
    title: Option<String>,
    /// What it is.
    #[schemars(length(max = 4000))]
    description: Option<String>,
    /// `squad`, `department` ...
    #[serde(rename = "type")]
    #[schemars(length(min = 1, max = 200))]
    team_type: Option<String>,
    /// The team above it: name, alias or reference. It must be there.
    #[schemars(length(min = 1, max = 200))]
    parent: Option<String>,
    /// What it answers for.
    #[schemars(length(max = 4000))]
    responsibilities: Option<String>,
    /// Tags.
    #[schemars(length(max = 200))]
    tags: Option<Vec<Tag>>,
    /// Links.
    #[schemars(length(max = 200))]
    links: Option<Vec<Link>>,
    /// Contacts.
    #[schemars(length(max = 200))]
    contacts: Option<Vec<Contact>>,
    /// Properties that are defined, by name.
    properties: Option<Map<String, Value>>,
    /// Further names.
    #[schemars(length(max = 100))]
    aliases: Option<Vec<String>>,
    /// Annotations: texts by name.
    annotations: Option<Map<String, Value>>,
    /// Labels: texts by name.
    labels: Option<Map<String, Value>>,
}

async fn team(request: &Request) -> Result<ItemRow, Failure> {
    let item =
        catalog::read_item(&request.app, &request.principal, request.path("ref"), &Kind::Team, Kind::is_team).await?;
    Ok(item.row)
}

async fn list(request: Request) -> Result<Answer, Failure> {
    let page = request.page::<Place>()?;
    let part_of = match request.param("parent") {
        Some(parent) => Some(catalog::find_item(&request.app, parent, &Kind::Team, Kind::is_team).await?.seq),
        None => None,
    };
    let wanted = Wanted {
        kinds: vec![Kind::Team],
        part_of,
        search: request.param("search").map(str::to_owned),
        filter: request.param("filter").map(str::to_owned),
        after: page.after,
        limit: page.limit,
        total: page.total,
        ..Wanted::default()
    };
    let listing = catalog::list_items(&request.app, &request.principal, wanted).await?;
    let items: Vec<ItemShown> = listing.items.into_iter().map(items::shown).collect::<Result<_, _>>()?;
    Answer::page(&request, &items, listing.next.as_ref(), listing.total)
}

async fn create(request: Request) -> Result<Answer, Failure> {
    let mut document = items::body(&request)?;
    let kind = document.entry("kind".to_owned()).or_insert_with(|| Value::from("team"));
    if kind.as_str() != Some("team") {
        return Err(
            Error::new(Code::ValueInvalid, "What is made here is a team. Entities have a place of their own.").into()
        );
    }
    let item = catalog::create_item(&request.app, &request.principal, &document, Author::Hand).await?;
    let tag = items::version(&request.app, &item.row);
    let path = format!("/teams/{}", encoded(&item.row.id));
    Ok(Answer::made(&request, &path, &items::shown(item)?)?.versioned(&tag))
}

async fn read(request: Request) -> Result<Answer, Failure> {
    let item =
        catalog::read_item(&request.app, &request.principal, request.path("ref"), &Kind::Team, Kind::is_team).await?;
    let tag = items::version(&request.app, &item.row);
    Ok(Answer::json(&items::shown(item)?)?.versioned(&tag))
}

async fn change(request: Request) -> Result<Answer, Failure> {
    let patch = items::body(&request)?;
    let row = team(&request).await?;
    let expected = items::expected(&request, &row)?;
    let item = catalog::change_item(&request.app, &request.principal, &row.id, &patch, Author::Hand, expected).await?;
    let tag = items::version(&request.app, &item.row);
    Ok(Answer::json(&items::shown(item)?)?.versioned(&tag))
}

async fn remove(request: Request) -> Result<Answer, Failure> {
    let row = team(&request).await?;
    let expected = items::expected(&request, &row)?;
    catalog::delete_item(&request.app, &request.principal, &row.id, expected).await?;
    Ok(Answer::empty())
}

async fn history(request: Request) -> Result<Answer, Failure> {
    let row = team(&request).await?;
    history_of(&request, &row).await
}

/// A page of the history of an item.
pub(super) async fn history_of(request: &Request, row: &ItemRow) -> Result<Answer, Failure> {
    let page = request.page::<i64>()?;
    let events = catalog::history(&request.app, &request.principal, row, page.after, page.limit).await?;
    let next = events.last().filter(|_| events.len() >= page.limit as usize).map(|event| event.seq);
    let entries: Vec<HistoryEntry> = events.into_iter().map(items::history_entry).collect();
    let total = match page.total {
        true => Some(catalog::count_history(&request.app, &request.principal, row).await?),
        false => None,
    };
    Answer::page(request, &entries, next.as_ref(), total)
}

async fn members(request: Request) -> Result<Answer, Failure> {
    let row = team(&request).await?;
    let page = request.page::<MemberPlace>()?;
    let below = request.flag("below");
    let found = catalog::team_members(&request.app, &request.principal, &row, below, page.after, page.limit).await?;
    let total = match page.total {
        true => Some(MemberPage::count(&request.app, &request.principal, &row, below).await?),
        false => None,
    };
    let shown: Vec<MemberShown> = found.members.into_iter().map(items::member).collect();
    Answer::page(&request, &shown, found.next.as_ref(), total)
}

/// What a member is to be.
#[derive(Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
struct MembershipNew {
    /// `manager`, `contributor` or another word; contributor if nothing is said.
    #[schemars(length(min = 1, max = 63))]
    role: Option<String>,
}

/// What is left of a membership.
#[derive(Serialize, JsonSchema)]
struct MembershipLeft {
    /// What still makes the person a member, in words; empty when they left.
    stays: Vec<String>,
}

async fn put_member(request: Request) -> Result<Answer, Failure> {
    let new: MembershipNew = request.body()?;
    let (team, person) = (request.path("ref"), request.path("person"));
    catalog::put_member(&request.app, &request.principal, team, person, new.role.as_deref()).await?;
    Ok(Answer::empty())
}

async fn remove_member(request: Request) -> Result<Answer, Failure> {
    let (team, person) = (request.path("ref"), request.path("person"));
    let removed = catalog::remove_member(&request.app, &request.principal, team, person).await?;
    Answer::json(&MembershipLeft { stays: removed.stays })
}

/// A group that feeds a team.
#[derive(Serialize, JsonSchema)]
struct FeedShown {
    /// Id of the group.
    group: String,
    /// What it is called today.
    display: String,
    /// Id of its integration.
    integration: String,
    /// The role its members have in the team.
    role: String,
}

async fn feeds(request: Request) -> Result<Answer, Failure> {
    let row = team(&request).await?;
    let feeds = catalog::list_feeds(&request.app, &request.principal, &row).await?;
    let shown = |feed: Feed| FeedShown {
        group: feed.group,
        display: feed.display,
        integration: feed.integration.printed(),
        role: feed.role,
    };
    listed(&request, feeds, |feed| feed.group.clone(), shown)
}

async fn feed(request: Request) -> Result<Answer, Failure> {
    let new: MembershipNew = request.body()?;
    let (team, group) = (request.path("ref"), request.path("group"));
    catalog::feed_team(&request.app, &request.principal, team, group, new.role.as_deref()).await?;
    Ok(Answer::empty())
}

async fn unfeed(request: Request) -> Result<Answer, Failure> {
    catalog::unfeed_team(&request.app, &request.principal, request.path("ref"), request.path("group")).await?;
    Ok(Answer::empty())
}
