//! Reads of Users, Groups and members.

use bailiwick_domain::ids::{IntegrationId, Kind};

use super::Store;
use crate::error::Error;
use crate::query::PageQuery;
use crate::rows::{MemberRef, Page, ResourceRow};

impl Store {
    /// The User or Group of this id within an integration, Users with their groups if wanted.
    pub async fn resource(
        &self,
        integration: IntegrationId,
        kind: Kind,
        id: &str,
        with_groups: bool,
    ) -> Result<Option<ResourceRow>, Error> {
        self.engine.resource(integration, kind, id, with_groups).await
    }

    /// What these ids stand for within an integration, in the same order; `None` for what it does not hold.
    pub async fn member_refs(
        &self,
        integration: IntegrationId,
        ids: &[String],
    ) -> Result<Vec<Option<MemberRef>>, Error> {
        self.engine.member_refs(integration, ids).await
    }

    /// Members of a group in the order of their rows, behind the row `after`.
    pub async fn members(&self, group: i64, after: Option<i64>, limit: u64) -> Result<Vec<MemberRef>, Error> {
        self.engine.members(group, after, limit).await
    }

    /// How many members a group has; counting stops at `limit`.
    pub async fn members_up_to(&self, group: i64, limit: u64) -> Result<u64, Error> {
        self.engine.members_up_to(group, limit).await
    }

    /// A page of resources of one kind. Equal sort keys stand in the order of creation, whatever the direction; a walk
    /// begins with [`crate::query::From::Offset`] 0 and goes on with [`Page::next`].
    pub async fn page(&self, query: PageQuery) -> Result<Page, Error> {
        self.engine.page(query).await
    }
}
