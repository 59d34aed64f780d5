//! Making teams of groups: one team for each, fed by it.

use super::{Author, Invalid, create_item, feed_team, find};
use crate::Refusal;
use crate::access::{self, Action, Principal};
use crate::app::App;
use crate::error::of_store;
use bailiwick_domain::catalog::limits::{LINE_CHARS, NAME_CHARS};
use bailiwick_domain::catalog::{Kind, Reference, slug};
use bailiwick_domain::ids::Kind as ResourceKind;
use bailiwick_domain::mapping::pattern::Pattern;
use bailiwick_domain::names::unfit_in_line;
use bailiwick_scim::text::match_key;
use bailiwick_scim::{Code, Object};
use bailiwick_store::query::{From, PageQuery};
use bailiwick_store::rows::{ItemRow, ResourceRow};
use serde_json::json;

/// What became of a group.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Adopted {
    /// Id of the group.
    pub group: String,
    /// What it is called.
    pub display: String,
    /// Id of the team.
    pub team: String,
    /// Name of the team.
    pub name: String,
    /// Whether the team was made for it; otherwise there was one of that title.
    pub created: bool,
}

/// Groups read at once.
const PAGE: u64 = 500;
/// How many numbers are tried where a name is taken.
const NUMBERS: usize = 100;

/// Makes a team of every group of an integration whose name matches the pattern (`*` stands for anything), fed by it.
/// A group that feeds a team already is left alone; where a team of that title is there, it is fed. Repeating it does
/// what is left.
///
/// # Errors
/// An unknown integration, a pattern that is none, what the policy does not permit, or when the store cannot answer.
pub async fn adopt_groups(
    app: &App,
    principal: &Principal,
    integration: &str,
    pattern: &str,
    role: Option<&str>,
) -> Result<Vec<Adopted>, Refusal> {
    access::require(app, principal, Action::RuleManage, &access::Object::None).await?;
    let integration = crate::manage::find_integration(app, integration).await?.id;
    let pattern =
        Pattern::parse(pattern).map_err(|reason| Refusal::new(Code::ValueInvalid, format!("The pattern {reason}.")))?;
    let fed: Vec<i64> = app.store().feeds().await.map_err(of_store)?.into_iter().map(|feed| feed.group).collect();
    let mut adopted = Vec::new();
    let mut from = From::Offset(0);
    loop {
        let query = PageQuery {
            integration,
            kind: ResourceKind::Group,
            filter: None,
            sort: None,
            from,
            count: PAGE,
            with_groups: false,
            total: false,
            base: app.scim_base().to_owned(),
            etag_key: *app.etag_key(),
        };
        let page = app.store().page(query).await.map_err(of_store)?;
        for group in page.rows.iter().filter(|group| !fed.contains(&group.seq)) {
            if pattern.captured(&match_key(&group.display)).is_some() {
                adopted.push(adopt(app, principal, group, role).await?);
            }
        }
        match page.next {
            Some(next) => from = From::After(next),
            None => return Ok(adopted),
        }
    }
}

async fn adopt(app: &App, principal: &Principal, group: &ResourceRow, role: Option<&str>) -> Result<Adopted, Refusal> {
    let (team, created) = team_for(app, principal, group).await?;
    feed_team(app, principal, &team.id, &group.id, role).await?;
    let (group, display) = (group.id.clone(), group.display.clone());
    Ok(Adopted { group, display, team: team.id, name: team.name, created })
}

/// The team of that title, or a new one under the first name that is free.
async fn team_for(app: &App, principal: &Principal, group: &ResourceRow) -> Result<(ItemRow, bool), Refusal> {
    let title: String = group.display.chars().filter(|one| !unfit_in_line(*one)).take(LINE_CHARS).collect();
    let title = title.trim();
    let base = slug(title).unwrap_or_else(|| format!("group-{}", &group.id[..8.min(group.id.len())]));
    for number in 1..=NUMBERS {
        let name = match number {
            1 => base.clone(),
            _ => {
                let tail = format!("-{number}");
                let kept: String = base.chars().take(NAME_CHARS - tail.len()).collect();
                format!("{kept}{tail}")
            }
        };
        match find::by_reference(app, &Reference::of(Kind::Team, name.as_str())).await? {
            Some(team) if team.title_key == match_key(title) => return Ok((team, false)),
            Some(_) => {}
            None => {
                let mut document = Object::new();
                document.insert("kind".to_owned(), json!("team"));
                document.insert("name".to_owned(), json!(name));
                if !title.is_empty() {
                    document.insert("title".to_owned(), json!(title));
                }
                match create_item(app, principal, &document, Author::Hand).await {
                    Ok(item) => return Ok((item.row, true)),
                    // Somebody was faster: look again under the same number's successor.
                    Err(Invalid { refusal, .. }) if refusal.code == Code::Uniqueness.as_str() => {}
                    Err(invalid) => return Err(invalid.into()),
                }
            }
        }
    }
    let detail = format!("No name is free for a team of the group \"{}\". Make one by hand and feed it.", title);
    Err(Refusal::new(Code::Uniqueness, detail))
}
