//! Who is evaluated: a person with their Users and all groups those belong to, directly or through nesting.

use crate::ids::IntegrationId;
use crate::person::State;
use bailiwick_scim::Object;
use std::collections::{HashMap, HashSet};
use std::sync::Arc;

/// Levels of groups within groups that count, the direct group included.
pub const NESTING_LEVELS: usize = 32;

/// A person, as far as rules look.
#[derive(Clone, Debug)]
pub struct Subject {
    /// Id of the person.
    pub person: String,
    /// Where the person stands.
    pub state: State,
    /// Their Users.
    pub users: Vec<SubjectUser>,
}

/// A User of a person.
#[derive(Clone, Debug)]
pub struct SubjectUser {
    /// Row in the store.
    pub seq: i64,
    /// Id.
    pub id: String,
    /// What it is called in a path.
    pub name: String,
    /// Whose.
    pub integration: IntegrationId,
    /// Whether it is the person's authority.
    pub authority: bool,
    /// `active`.
    pub active: bool,
    /// The document.
    pub document: Arc<Object>,
    /// Every group it belongs to, once.
    pub groups: Vec<SubjectGroup>,
}

impl SubjectUser {
    /// Whether this User gives its person anything. The authority does even while it is switched off: memberships are
    /// kept for a return, and who is not active has no use of them.
    #[must_use]
    pub fn counts(&self) -> bool {
        self.active || self.authority
    }
}

/// A group a User belongs to.
#[derive(Clone, Debug)]
pub struct SubjectGroup {
    /// The group.
    pub group: Arc<GroupNode>,
    /// The way to it: from the group the User is a member of to this one, both included.
    pub path: Vec<Arc<GroupNode>>,
}

/// A group.
#[derive(Clone, Debug)]
pub struct GroupNode {
    /// Row in the store.
    pub seq: i64,
    /// Id.
    pub id: String,
    /// Whose.
    pub integration: IntegrationId,
    /// displayName.
    pub display: String,
    /// externalId.
    pub external_id: Option<String>,
    /// Version of its document.
    pub version: i64,
    /// The document.
    pub document: Arc<Object>,
}

/// Groups and which of them lie in which.
#[derive(Clone, Debug, Default)]
pub struct Web {
    groups: HashMap<i64, Arc<GroupNode>>,
    parents: HashMap<i64, Vec<i64>>,
}

impl Web {
    /// Builds the web from groups and edges (child, parent). An edge to a group that is not there is left out.
    #[must_use]
    pub fn new(groups: impl IntoIterator<Item = GroupNode>, edges: &[(i64, i64)]) -> Self {
        let groups: HashMap<i64, Arc<GroupNode>> =
            groups.into_iter().map(|group| (group.seq, Arc::new(group))).collect();
        let mut web = Self { groups, parents: HashMap::new() };
        for &(child, parent) in edges {
            if web.groups.contains_key(&child) && web.groups.contains_key(&parent) {
                web.parents.entry(child).or_default().push(parent);
            }
        }
        let groups = &web.groups;
        for parents in web.parents.values_mut() {
            // By id, so that of two ways of one length everybody finds the same one.
            parents.sort_unstable_by(|left, right| order(groups, *left, *right));
            parents.dedup();
        }
        web
    }

    /// The group of that row.
    #[must_use]
    pub fn group(&self, seq: i64) -> Option<&Arc<GroupNode>> {
        self.groups.get(&seq)
    }

    /// Puts a group in the place of the one of that row, or beside the others.
    pub fn put(&mut self, group: GroupNode) {
        self.groups.insert(group.seq, Arc::new(group));
    }

    /// Forgets a group with all that leads to and from it.
    pub fn drop_group(&mut self, seq: i64) {
        self.groups.remove(&seq);
        self.parents.remove(&seq);
        for parents in self.parents.values_mut() {
            parents.retain(|parent| *parent != seq);
        }
    }
}

fn order(groups: &HashMap<i64, Arc<GroupNode>>, left: i64, right: i64) -> std::cmp::Ordering {
    let id = |seq: i64| groups.get(&seq).map(|group| group.id.as_str());
    id(left).cmp(&id(right))
}

/// What [`closure`] found.
#[derive(Clone, Debug, Default)]
pub struct Closure {
    /// Every group reached, once, the nearest first, each by its shortest way.
    pub groups: Vec<SubjectGroup>,
    /// Groups that lie deeper than [`NESTING_LEVELS`]: they do not count.
    pub too_deep: Vec<Arc<GroupNode>>,
}

/// The groups somebody belongs to who is a member of `direct`: those and every group above, whatever the cycles.
#[must_use]
pub fn closure(direct: &[i64], web: &Web) -> Closure {
    let mut start: Vec<i64> = direct.iter().copied().filter(|seq| web.groups.contains_key(seq)).collect();
    start.sort_unstable_by(|left, right| order(&web.groups, *left, *right));
    start.dedup();
    let mut seen: HashSet<i64> = start.iter().copied().collect();
    let mut found = Closure::default();
    let one = |seq: &i64| web.groups.get(seq).map(|group| (*seq, vec![group.clone()]));
    let mut level: Vec<(i64, Vec<Arc<GroupNode>>)> = start.iter().filter_map(one).collect();
    for depth in 1.. {
        let mut next = Vec::new();
        for (seq, path) in level {
            for parent in web.parents.get(&seq).into_iter().flatten() {
                let Some(group) = web.groups.get(parent).filter(|_| seen.insert(*parent)) else { continue };
                if depth == NESTING_LEVELS {
                    found.too_deep.push(group.clone());
                    continue;
                }
                let mut longer = Vec::with_capacity(path.len() + 1);
                longer.extend_from_slice(&path);
                longer.push(group.clone());
                next.push((*parent, longer));
            }
            if let Some(group) = path.last() {
                found.groups.push(SubjectGroup { group: group.clone(), path });
            }
        }
        if next.is_empty() || depth == NESTING_LEVELS {
            break;
        }
        level = next;
    }
    found
}

#[cfg(test)]
mod tests {
    use super::*;

    fn group(seq: i64) -> GroupNode {
        GroupNode {
            seq,
            id: format!("g{seq:03}"),
            integration: IntegrationId(1),
            display: format!("Group {seq}"),
            external_id: None,
            version: 1,
            document: Arc::default(),
        }
    }

    fn ways(direct: &[i64], edges: &[(i64, i64)]) -> Vec<Vec<i64>> {
        let web = Web::new((1..=40).map(group), edges);
        let found = closure(direct, &web);
        found.groups.iter().map(|group| group.path.iter().map(|node| node.seq).collect()).collect()
    }

    #[test]
    fn every_group_above_is_reached_by_its_shortest_way() {
        let check = |direct: &[i64], edges: &[(i64, i64)], expect: &[&[i64]]| {
            assert_eq!(ways(direct, edges), expect, "{direct:?} {edges:?}");
        };
        check(&[], &[(1, 2)], &[]);
        check(&[2, 1, 2], &[], &[&[1], &[2]]);
        check(&[1], &[(1, 2), (2, 3)], &[&[1], &[1, 2], &[1, 2, 3]]);
        check(&[1], &[(1, 2), (2, 1)], &[&[1], &[1, 2]]);
        check(&[1], &[(1, 1)], &[&[1]]);
        check(&[1], &[(1, 3), (1, 2), (2, 4), (3, 4)], &[&[1], &[1, 2], &[1, 3], &[1, 2, 4]]);
        check(&[1, 4], &[(1, 2), (2, 4)], &[&[1], &[4], &[1, 2]]);
        check(&[1, 99], &[(1, 98)], &[&[1]]);
    }

    #[test]
    fn what_is_nested_too_deep_does_not_count() {
        let edges: Vec<(i64, i64)> = (1..40).map(|seq| (seq, seq + 1)).collect();
        let found = closure(&[1], &Web::new((1..=40).map(group), &edges));
        assert_eq!(found.groups.len(), NESTING_LEVELS);
        assert_eq!(found.groups.last().unwrap().path.len(), NESTING_LEVELS);
        assert_eq!(found.too_deep.iter().map(|group| group.seq).collect::<Vec<_>>(), [33]);
    }

    #[test]
    fn a_group_can_be_taken_out_or_replaced() {
        let mut web = Web::new((1..=3).map(group), &[(1, 2), (2, 3)]);
        web.put(GroupNode { display: "New".to_owned(), ..group(3) });
        assert_eq!(web.group(3).unwrap().display, "New");
        web.drop_group(2);
        assert_eq!(closure(&[1], &web).groups.len(), 1);
    }
}
