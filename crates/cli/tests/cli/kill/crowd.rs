//! One Group whose members come and go, from two sides at once.

use super::bulk::members;
use super::{Target, list};
use crate::support::{Server, patch, string, user};
use serde_json::{Value, json as value};
use std::collections::BTreeSet;
use std::thread::Scope;

/// Users of a side; prime, so that the steps of a side reach every one of them.
const POOL: usize = 13;
/// Which Users a PATCH moves, counted from its first.
const MOVED: [usize; 3] = [0, 3, 7];

/// The Group and those who change it.
pub(super) struct Crowd {
    group: String,
    sides: [Side; 2],
}

/// A writer with Users of its own, so that it alone knows which of them are members.
struct Side {
    pool: Vec<String>,
    step: usize,
    members: BTreeSet<String>,
    /// What a PATCH without an answer may have led to.
    pending: Option<BTreeSet<String>>,
    acknowledged: usize,
}

impl Crowd {
    pub(super) fn gather(server: &Server, token: &str) -> Self {
        let make = |path: &str, body: &Value| {
            let (status, made) = server.call("POST", path, token, Some(body));
            assert_eq!(status, 201, "{made}");
            string(&made, "id")
        };
        let sides = ["left", "right"].map(|side| {
            let pool =
                (0..POOL).map(|number| make("/scim/v2/Users", &user(&format!("crowd-{side}-{number}")))).collect();
            Side { pool, step: 0, members: BTreeSet::new(), pending: None, acknowledged: 0 }
        });
        let group = value!({"schemas": ["urn:ietf:params:scim:schemas:core:2.0:Group"], "displayName": "crowd"});
        Self { group: make("/scim/v2/Groups", &group), sides }
    }

    /// Starts the writers.
    pub(super) fn write<'scope>(&'scope mut self, scope: &'scope Scope<'scope, '_>, target: Target<'scope>) {
        let path = format!("/scim/v2/Groups/{}", self.group);
        for side in &mut self.sides {
            let path = path.clone();
            scope.spawn(move || side.write(target, &path));
        }
    }

    /// The members are exactly those that were acknowledged, or those with the whole of a PATCH in flight.
    pub(super) fn check(&mut self, server: &Server, token: &str) {
        let (status, group) = server.call("GET", &format!("/scim/v2/Groups/{}", self.group), token, None);
        assert_eq!(status, 200, "{group}");
        let shown = members(&group);
        for side in &mut self.sides {
            side.check(&shown);
        }
        assert_eq!(shown.len(), self.sides.iter().map(|side| side.members.len()).sum::<usize>(), "{group}");
        // Users tell the same as the Group.
        for (id, user) in list(server, token, "Users?filter=userName%20sw%20%22crowd-%22") {
            let groups: &[Value] = user["groups"].as_array().map_or(&[], Vec::as_slice);
            let belongs = groups.iter().any(|group| group["value"] == self.group);
            assert_eq!(belongs, shown.contains(id.as_str()), "{user}");
        }
    }

    pub(super) fn acknowledged(&self) -> usize {
        self.sides.iter().map(|side| side.acknowledged).sum()
    }
}

impl Side {
    fn write(&mut self, target: Target<'_>, path: &str) {
        while target.goes_on() {
            let (body, next) = self.change();
            self.step += 1;
            if target.send("PATCH", path, &body).is_none() {
                self.pending = Some(next);
                return;
            }
            self.members = next;
            self.acknowledged += 1;
        }
    }

    /// A PATCH after which three Users are no longer what they were, and the members that it leads to.
    fn change(&self) -> (Value, BTreeSet<String>) {
        let moved = MOVED.map(|offset| &self.pool[(self.step + offset) % POOL]);
        let (gone, new): (Vec<_>, Vec<_>) = moved.into_iter().partition(|id| self.members.contains(*id));
        let mut next = self.members.clone();
        let mut operations = Vec::new();
        for id in gone {
            next.remove(id);
            operations.push(value!({"op": "remove", "path": format!("members[value eq \"{id}\"]")}));
        }
        if !new.is_empty() {
            let values: Vec<Value> = new.iter().map(|id| value!({"value": id})).collect();
            operations.push(value!({"op": "add", "path": "members", "value": values}));
            next.extend(new.into_iter().cloned());
        }
        (patch(Value::Array(operations)), next)
    }

    fn check(&mut self, shown: &BTreeSet<&str>) {
        let mine: BTreeSet<String> = self.pool.iter().filter(|id| shown.contains(id.as_str())).cloned().collect();
        let pending = self.pending.take();
        assert!(
            mine == self.members || Some(&mine) == pending.as_ref(),
            "{mine:?}, but acknowledged {:?}, in flight {pending:?}",
            self.members
        );
        self.members = mine;
    }
}
