//! Who belongs to a team: by hand, by a group, by a rule, through a team below it.

use super::{ATTEMPTS, commit, event, find, gave_up, missing, owners, require_edit};
use crate::Refusal;
use crate::access::{self, Action, Principal};
use crate::app::App;
use crate::error::of_store;
use bailiwick_domain::catalog::check_alias;
use bailiwick_domain::event::EventKind;
use bailiwick_domain::failure::{self, ProductCode};
use bailiwick_domain::mapping::grant::{membership_rank, parse_path, path_text, strongest};
use bailiwick_domain::mapping::{GrantKind, Origin, Step, StepKind};
use bailiwick_domain::person::State;
use bailiwick_scim::Code;
use bailiwick_scim::text::match_key;
use bailiwick_store::change::{GrantsWrite, NewGrant, PersonKey};
use bailiwick_store::rows::{GrantRow, ItemRef, ItemRow, PersonRow};
use bailiwick_store::{ChangeSet, Guard, Write};
use serde_json::json;

/// The membership role of who is given none.
pub(crate) const CONTRIBUTOR: &str = "contributor";
/// Longest membership role, in characters.
const ROLE_CHARS: usize = 63;

/// A member of a team.
#[derive(Clone, Debug)]
pub struct Member {
    /// The person.
    pub person: PersonRow,
    /// The strongest membership role.
    pub role: String,
    /// Every grant that makes them a member.
    pub grants: Vec<GrantRow>,
    /// The team below through which they belong; `None` for members of the team itself.
    pub via: Option<ItemRef>,
}

/// A place in a list of members.
#[derive(Clone, Copy, Debug, PartialEq, Eq, serde::Serialize, serde::Deserialize)]
pub struct MemberPlace {
    /// Row of the team.
    pub team: i64,
    /// Row of the person.
    pub person: i64,
}

/// A page of members.
#[derive(Clone, Debug, Default)]
pub struct MemberPage {
    /// The team's own members first, then those of the teams below.
    pub members: Vec<Member>,
    /// Where the next page begins.
    pub next: Option<MemberPlace>,
}

/// What became of a membership that was taken away.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Removed {
    /// What still makes the person a member, in words.
    pub stays: Vec<String>,
}

/// Lists the members of a team; with `below`, also those of the teams below it.
///
/// # Errors
/// What the policy does not permit, or when the store cannot answer.
pub async fn team_members(
    app: &App,
    principal: &Principal,
    team: &ItemRow,
    below: bool,
    after: Option<MemberPlace>,
    limit: u32,
) -> Result<MemberPage, Refusal> {
    access::require(app, principal, Action::TeamRead, &access::Object::None).await?;
    let teams = teams(app, team, below).await?;
    let from = after.map_or(Some(0), |after| teams.iter().position(|seq| *seq == after.team));
    let Some(from) = from else { return Ok(MemberPage::default()) };
    let mut page = MemberPage::default();
    let mut behind = after.map_or(0, |after| after.person);
    for seq in teams.into_iter().skip(from) {
        let missing = limit as usize - page.members.len();
        if missing == 0 {
            // The page is full exactly at the end of a team; whether more follow, the next page tells.
            page.next = Some(MemberPlace { team: seq, person: 0 });
            return Ok(page);
        }
        let place = match seq == team.seq {
            true => None,
            false => app.store().item_by_seq(seq).await.map_err(of_store)?.as_ref().map(owners::reference),
        };
        let id = place.as_ref().map_or(&team.id, |place| &place.id).clone();
        let wanted = u32::try_from(missing).unwrap_or(u32::MAX);
        let held = app.store().holders(GrantKind::Team, &id, behind, wanted).await.map_err(of_store)?;
        let last = gather(held, place.as_ref(), &mut page.members);
        if page.members.len() == limit as usize
            && let Some(person) = last
        {
            page.next = Some(MemberPlace { team: seq, person });
            return Ok(page);
        }
        behind = 0;
    }
    Ok(page)
}

impl MemberPage {
    /// How many members [`team_members`] lists in all: who belongs to several teams counts once for each.
    ///
    /// # Errors
    /// What the policy does not permit, or when the store cannot answer.
    pub async fn count(app: &App, principal: &Principal, team: &ItemRow, below: bool) -> Result<u64, Refusal> {
        access::require(app, principal, Action::TeamRead, &access::Object::None).await?;
        let mut count = app.store().holder_count(GrantKind::Team, &team.id).await.map_err(of_store)?;
        for seq in teams(app, team, below).await?.into_iter().filter(|seq| *seq != team.seq) {
            if let Some(lower) = app.store().item_by_seq(seq).await.map_err(of_store)? {
                count += app.store().holder_count(GrantKind::Team, &lower.id).await.map_err(of_store)?;
            }
        }
        Ok(count)
    }
}

/// A team and, where asked for, those below it, by row.
async fn teams(app: &App, team: &ItemRow, below: bool) -> Result<Vec<i64>, Refusal> {
    let mut teams = vec![team.seq];
    if below {
        let mut lower = app.store().teams_below(&[team.seq]).await.map_err(of_store)?;
        lower.retain(|seq| *seq != team.seq);
        lower.sort_unstable();
        teams.extend(lower);
    }
    Ok(teams)
}

/// Puts the grants of each person together; tells the last person.
fn gather(held: Vec<(PersonRow, GrantRow)>, via: Option<&ItemRef>, members: &mut Vec<Member>) -> Option<i64> {
    let from = members.len();
    for (person, grant) in held {
        match members[from..].last_mut() {
            Some(member) if member.person.seq == person.seq => member.grants.push(grant),
            _ => members.push(Member { person, role: String::new(), grants: vec![grant], via: via.cloned() }),
        }
    }
    for member in &mut members[from..] {
        let roles = member.grants.iter().map(|grant| grant.value.as_str());
        member.role = strongest(roles, membership_rank).unwrap_or(CONTRIBUTOR).to_owned();
    }
    members[from..].last().map(|member| member.person.seq)
}

/// A membership role as it is kept.
pub(crate) fn membership_role(said: Option<&str>) -> Result<String, Refusal> {
    let Some(said) = said else { return Ok(CONTRIBUTOR.to_owned()) };
    let role = match_key(said).into_owned();
    if check_alias(&role).is_err() || role.chars().count() > ROLE_CHARS {
        let detail = "A membership role is manager, contributor or another word of at most 63 characters.";
        return Err(Refusal::new(Code::ValueInvalid, detail));
    }
    Ok(role)
}

/// Makes a person a member by hand, or gives the membership by hand another role.
///
/// # Errors
/// An unknown person, one that is closed, a role that is none, what the policy does not permit, or when the store
/// cannot answer.
pub async fn put_member(
    app: &App,
    principal: &Principal,
    team: &str,
    person: &str,
    role: Option<&str>,
) -> Result<(), Refusal> {
    let role = membership_role(role)?;
    for _ in 0..ATTEMPTS {
        let team = find::team(app, team).await?;
        require_edit(app, principal, &team).await?;
        let person = find::find_person(app, person).await?;
        if person.state == State::Closed {
            return Err(Refusal::new(Code::ValueInvalid, "This person is closed and takes part in nothing any more."));
        }
        let held = memberships(app, &person, &team).await?;
        let (same, other): (Vec<_>, Vec<_>) =
            held.into_iter().filter(is_by_hand).partition(|grant| grant.value == role);
        if !same.is_empty() && other.is_empty() {
            return Ok(());
        }
        let path = [Step {
            kind: StepKind::Hand,
            id: principal.actor().to_owned(),
            name: principal.person.as_ref().map_or_else(|| principal.id.clone(), |person| person.display.clone()),
        }];
        let grant = NewGrant {
            kind: GrantKind::Team,
            object: team.id.clone(),
            value: role.clone(),
            origin: Origin::Hand.to_string(),
            path: path_text(&path),
        };
        let before: Vec<&String> = other.iter().map(|grant| &grant.value).collect();
        let payload = json!({"team": team.id, "title": team.title, "role": role, "before": before});
        let write = grants(&person, vec![grant], other.iter().map(|grant| grant.seq).collect());
        if write_members(app, principal, EventKind::MemberAdd, &team, &person, write, payload).await? {
            return Ok(());
        }
    }
    Err(gave_up())
}

/// Takes a membership by hand away.
///
/// # Errors
/// `membership-managed` for one that a group, a rule or an import gives alone, nobody of that name, what the policy does not permit,
/// or when the store cannot answer.
pub async fn remove_member(app: &App, principal: &Principal, team: &str, person: &str) -> Result<Removed, Refusal> {
    for _ in 0..ATTEMPTS {
        let team = find::team(app, team).await?;
        require_edit(app, principal, &team).await?;
        let person = find::find_person(app, person).await?;
        let (by_hand, managed): (Vec<_>, Vec<_>) =
            memberships(app, &person, &team).await?.into_iter().partition(is_by_hand);
        let stays: Vec<String> = managed.iter().map(gives).collect();
        if by_hand.is_empty() && managed.is_empty() {
            return Err(missing(format!("{} is no member of the team {}.", person.display, team.name)));
        }
        if by_hand.is_empty() {
            let detail = format!(
                "{} belongs to the team {} {}. Change it there: in the group at the identity provider, in the rule, or \
                 in the file that is imported.",
                person.display,
                team.name,
                stays.join(" and ")
            );
            return Err(failure::error(ProductCode::MembershipManaged, detail));
        }
        let before: Vec<&String> = by_hand.iter().map(|grant| &grant.value).collect();
        let payload = json!({"team": team.id, "title": team.title, "before": before, "stays": stays});
        let write = grants(&person, Vec::new(), by_hand.iter().map(|grant| grant.seq).collect());
        if write_members(app, principal, EventKind::MemberRemove, &team, &person, write, payload).await? {
            return Ok(Removed { stays });
        }
    }
    Err(gave_up())
}

async fn memberships(app: &App, person: &PersonRow, team: &ItemRow) -> Result<Vec<GrantRow>, Refusal> {
    let mut held = app.store().grants_of(person.seq, true).await.map_err(of_store)?;
    held.retain(|grant| grant.kind == GrantKind::Team && grant.object == team.id);
    Ok(held)
}

/// What a source of an import says is the source's, as what a group or rule gives is theirs: taken by hand it would come
/// back with the next import.
fn is_by_hand(grant: &GrantRow) -> bool {
    Origin::parse(&grant.origin) == Some(Origin::Hand)
}

/// What gives a membership, in words.
fn gives(grant: &GrantRow) -> String {
    match Origin::parse(&grant.origin) {
        Some(Origin::Feed { group }) => format!("through the group {group} that feeds it"),
        Some(Origin::Rule { rule, .. }) => format!("by the rule {rule}"),
        Some(Origin::Hand) => "by hand".to_owned(),
        None => imported(grant),
    }
}

/// The file and line of a source that gives a membership, in words.
fn imported(grant: &GrantRow) -> String {
    let source = grant.origin.strip_prefix("import:").unwrap_or(&grant.origin);
    match parse_path(&grant.path).pop() {
        Some(step) => format!("by the import \"{source}\" ({})", step.name),
        None => format!("by the import \"{source}\""),
    }
}

fn grants(person: &PersonRow, open: Vec<NewGrant>, close: Vec<i64>) -> GrantsWrite {
    GrantsWrite { person: PersonKey::Seq(person.seq), open, close, settled: None }
}

/// Whether it was committed; if not, read and decide again.
async fn write_members(
    app: &App,
    principal: &Principal,
    kind: EventKind,
    team: &ItemRow,
    person: &PersonRow,
    write: GrantsWrite,
    payload: serde_json::Value,
) -> Result<bool, Refusal> {
    let mut event = event(app, principal, kind, &team.id, payload);
    event.person = Some(person.id.clone());
    let set = ChangeSet {
        at: app.clock().now(),
        guards: vec![
            Guard::Item { seq: team.seq, version: team.version },
            Guard::Person { seq: person.seq, epoch: person.epoch },
        ],
        writes: vec![Write::Grants(write)],
        events: vec![event],
    };
    Ok(commit(app, set).await?.is_some())
}
