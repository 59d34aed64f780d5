//! Reads of Users, Groups and members.

use super::{SCAN_BUDGET, Store};
use crate::error::Error;
use crate::query::PageQuery;
use crate::rows::{MemberRef, Page, ResourceRow};
use crate::sql::read::resources;
use bailiwick_domain::ids::{IntegrationId, Kind};

/// More members than this are read as a scan.
const FEW: u64 = 1_000;

impl Store {
    /// The User or Group of this id within an integration, Users with their groups if wanted.
    pub async fn resource(
        &self,
        integration: IntegrationId,
        kind: Kind,
        id: &str,
        with_groups: bool,
    ) -> Result<Option<ResourceRow>, Error> {
        self.engine.one(resources::by_id(integration, kind, id, with_groups)).await
    }

    /// What these ids stand for within an integration, in the same order; `None` for what it does not hold.
    pub async fn member_refs(
        &self,
        integration: IntegrationId,
        ids: &[String],
    ) -> Result<Vec<Option<MemberRef>>, Error> {
        let query = resources::member_refs(integration, ids);
        let found = match ids.len() as u64 <= FEW {
            true => self.engine.all(query).await?,
            false => self.engine.scan(SCAN_BUDGET, query.into_owned()).await?,
        };
        Ok(resources::in_order(ids, found))
    }

    /// Members of a group in the order of their rows, behind the row `after`.
    pub async fn members(&self, group: i64, after: Option<i64>, limit: u64) -> Result<Vec<MemberRef>, Error> {
        let query = resources::members(group, after, limit);
        match limit <= FEW {
            true => self.engine.all(query).await,
            false => self.engine.scan(SCAN_BUDGET, query).await,
        }
    }

    /// How many members a group has; counting stops at `limit`.
    pub async fn members_up_to(&self, group: i64, limit: u64) -> Result<u64, Error> {
        Ok(self.engine.one(resources::members_up_to(group, limit)).await?.unwrap_or(0))
    }

    /// A page of resources of one kind. Equal sort keys stand in the order of creation, whatever the direction; a walk
    /// begins with [`crate::query::From::Offset`] 0 and goes on with [`Page::next`].
    pub async fn page(&self, query: PageQuery) -> Result<Page, Error> {
        self.engine.page(query).await
    }
}
