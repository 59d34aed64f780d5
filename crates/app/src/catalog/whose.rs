//! Whose an item is, as the policy is asked about it. The gate of every edit and what explains access ask here, so that
//! they give one answer.

use super::find::{self, Found, by_reference};
use super::owners::{self, EffectiveOwner, OwnerOf};
use super::{document, edit_action, require_edit};
use crate::Refusal;
use crate::access::policy::Named;
use crate::access::{self, Action, Principal};
use crate::app::App;
use crate::error::of_store;
use bailiwick_domain::catalog::{Entity, Kind, Owner, schema};
use bailiwick_scim::Object;
use bailiwick_scim::text::match_key;
use bailiwick_store::rows::ItemRow;

/// Most items that are asked about one by one when a team takes a name they wait for.
const WAITING: u32 = 1_000;

/// An item with who answers for it.
pub(crate) struct Whose {
    seq: i64,
    kind: String,
    owner: Option<Named>,
    owner_person: Option<i64>,
    document: Object,
}

impl Whose {
    /// What the policy is asked about.
    pub(crate) fn object(&self) -> access::Object<'_> {
        access::Object::Item {
            seq: self.seq,
            kind: &self.kind,
            owner: self.owner,
            owner_person: self.owner_person,
            document: Some(&self.document),
        }
    }

    /// An entity with the owner that counts.
    fn entity(seq: i64, kind: &str, id: &str, document: &Object, owner: Option<&OwnerOf>) -> Self {
        let shown = owner.and_then(OwnerOf::as_domain);
        let (team, person) = match owner {
            None => (None, None),
            Some(OwnerOf::Team(team)) => (Some(Named::Team(team.seq)), None),
            Some(OwnerOf::Person { seq, .. }) => (None, Some(*seq)),
            Some(OwnerOf::Missing(_)) => (Some(Named::Missing), None),
        };
        let document = schema::searched(document, id, shown.as_ref());
        Self { seq, kind: kind.to_owned(), owner: team, owner_person: person, document }
    }

    /// A team, which belongs to its members and to those above it.
    fn team(seq: i64, id: &str, document: &Object, parent: Option<Named>) -> Self {
        let kind = Kind::Team.as_str().to_owned();
        Self { seq, kind, owner: parent, owner_person: None, document: schema::searched(document, id, None) }
    }
}

/// Whose an item is.
pub(crate) async fn of_row(app: &App, row: &ItemRow) -> Result<Whose, Refusal> {
    let document = document(row)?;
    if row.kind == Kind::Team.as_str() {
        let missing = row.parent_ref.as_ref().map(|_| Named::Missing);
        let parent = row.parent.as_ref().map(|parent| Named::Team(parent.seq)).or(missing);
        return Ok(Whose::team(row.seq, &row.id, &document, parent));
    }
    let owner = owners::effective(app, row).await?.map(|found| found.owner);
    Ok(Whose::entity(row.seq, &row.kind, &row.id, &document, owner.as_ref()))
}

/// Whose an item will be that is about to be made.
pub(super) async fn of_new(app: &App, entity: &Entity) -> Result<Whose, Refusal> {
    let document = entity.to_document();
    if entity.kind().is_team() {
        let parent = match &entity.parent {
            Some(parent) => Some(by_reference(app, parent).await?.map_or(Named::Missing, |row| Named::Team(row.seq))),
            None => None,
        };
        return Ok(Whose::team(0, "", &document, parent));
    }
    let owner = match &entity.owner {
        Some(owner) => Some(named(app, owner).await?),
        None => inherited(app, entity).await?.map(|found| found.owner),
    };
    Ok(Whose::entity(0, entity.kind().as_str(), "", &document, owner.as_ref()))
}

/// Whom an owner names today.
async fn named(app: &App, owner: &Owner) -> Result<OwnerOf, Refusal> {
    let found = match owner {
        Owner::Team(team) => by_reference(app, team).await?.map(|row| OwnerOf::Team(owners::reference(&row))),
        Owner::Person(person) => match find::living(app, person).await? {
            Found::One(row) => Some(owners::of_person(*row)),
            Found::Nobody | Found::Several(_) => None,
        },
    };
    Ok(found.unwrap_or_else(|| OwnerOf::Missing(owner.to_string())))
}

async fn inherited(app: &App, entity: &Entity) -> Result<Option<EffectiveOwner>, Refusal> {
    let Some(above) = entity.above() else { return Ok(None) };
    match by_reference(app, above).await? {
        Some(row) => owners::effective(app, &row).await,
        None => Ok(None),
    }
}

/// A team that takes a name takes what waits for one of that name, too: what a deleted team owned, and the teams that
/// stood below it. Whoever gives it the name must be allowed to edit all of that. Run under the guard `teams`, without
/// which no team goes.
pub(super) async fn require_names(app: &App, principal: &Principal, entity: &Entity) -> Result<(), Refusal> {
    let whole = |action| access::permits(principal, action, &access::Object::None);
    if !entity.kind().is_team() || (whole(Action::CatalogEdit) && whole(Action::TeamEdit)) {
        return Ok(());
    }
    let waiting = app.store().items_waiting(&names(entity), WAITING + 1).await.map_err(of_store)?;
    let told = |mut refusal: Refusal| {
        refusal.detail = format!(
            "A name or alias of the team {:?} is still named as owner or parent by what is in the catalog, which would \
             be this team's: {}",
            entity.reference.name, refusal.detail
        );
        refusal
    };
    if waiting.len() > WAITING as usize {
        for action in [Action::CatalogEdit, Action::TeamEdit] {
            access::require(app, principal, action, &access::Object::None).await.map_err(told)?;
        }
    }
    for row in &waiting {
        require_edit(app, principal, row).await.map_err(told)?;
    }
    Ok(())
}

/// What an item answers to: `kind:namespace/name`.
pub(super) fn names(entity: &Entity) -> Vec<String> {
    let space = entity.reference.space();
    let aliases = entity.aliases.iter().map(|alias| match_key(alias).into_owned());
    aliases.chain([entity.reference.name_key()]).map(|name| format!("{space}/{name}")).collect()
}

/// Asks whether the principal may make an item: they must be allowed to edit what it will be, of their own teams or of
/// nobody. A team below one's own is one's own.
pub(super) async fn require_create(app: &App, principal: &Principal, entity: &Entity) -> Result<(), Refusal> {
    let whose = of_new(app, entity).await?;
    access::require(app, principal, edit_action(entity.kind()), &whose.object()).await
}
