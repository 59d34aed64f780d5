//! Memberships: planned like any attribute, but handed to the caller as changes, because a store keeps them apart.

use super::plan::{Located, PatchPlan, Planner, Step};
use super::{Op, repair};
use crate::error::{Code, Error};
use crate::filter::{CompareOp, Filter, Operand, Resolved};
use crate::path::PathTarget;
use crate::schema::{GROUP, ResourceType, Target};
use serde_json::{Value, json};

/// One change of a group's members.
#[derive(Clone, Debug, PartialEq)]
pub enum MemberChange {
    /// These become members; those that are stay.
    Add(Vec<String>),
    /// No one is a member any more.
    Clear,
    /// These are no members any more; others were none.
    Remove(Vec<String>),
    /// Whoever satisfies the filter is no member any more. It is for [`crate::filter::matches_value`] on one member.
    RemoveWhere(Resolved),
    /// Exactly these are members.
    Set(Vec<String>),
}

/// What the steps on `members` do, in order; neighbours of the same kind are joined. Other steps are passed over.
///
/// # Errors
/// `value-invalid` if a step holds something else than members, which no plan for a group does.
pub fn member_changes(plan: &PatchPlan) -> Result<Vec<MemberChange>, Error> {
    let mut changes: Vec<MemberChange> = Vec::new();
    for step in plan.steps.iter().filter(|step| step.is_on("members")) {
        match (changes.last_mut(), member_change(step)?) {
            (Some(MemberChange::Add(ids)), MemberChange::Add(more))
            | (Some(MemberChange::Remove(ids)), MemberChange::Remove(more)) => ids.extend(more),
            (_, change) => changes.push(change),
        }
    }
    Ok(changes)
}

fn member_change(step: &Step) -> Result<MemberChange, Error> {
    if let PathTarget::Attribute { filter: Some(filter), .. } = &step.target {
        return Ok(match named_ids(filter) {
            Some(ids) => MemberChange::Remove(ids),
            None => MemberChange::RemoveWhere(filter.clone()),
        });
    }
    let Some(value) = &step.value else {
        return Ok(MemberChange::Clear);
    };
    let id = |member: &Value| member.get("value").and_then(Value::as_str).map(str::to_owned);
    let Some(ids) = value.as_array().and_then(|members| members.iter().map(id).collect()) else {
        return Err(Error::new(Code::ValueInvalid, "The members must be objects with a value."));
    };
    Ok(match step.op {
        Op::Add => MemberChange::Add(ids),
        Op::Remove => MemberChange::Remove(ids),
        Op::Replace => MemberChange::Set(ids),
    })
}

/// The ids of a filter that does nothing but name ids: `value eq "a" or value eq "b"`.
fn named_ids(filter: &Resolved) -> Option<Vec<String>> {
    match filter {
        Filter::Compare(target, CompareOp::Eq, Operand::Exact(id)) => {
            target.sub.as_ref().is_some_and(|sub| sub.name == "value").then(|| vec![id.clone()])
        }
        Filter::Or(parts) => {
            let ids: Option<Vec<_>> = parts.iter().map(named_ids).collect();
            ids.map(|ids| ids.concat())
        }
        _ => None,
    }
}

/// Whether this is the membership of a group, or a part of it.
pub(super) fn is_members(resource_type: &ResourceType, target: &Target) -> bool {
    target.extension.is_none() && target.attribute.name == "members" && &*resource_type.schema.id == GROUP
}

impl Planner<'_> {
    /// Plans a change of members. Only whole members come and go: what a member is cannot change (RFC 7643 section 4.2).
    pub(super) fn members(&mut self, op: Op, at: Located, value: Option<Value>) -> Result<(), Error> {
        if at.target.sub.is_some() {
            return Err(immutable(&at.target));
        }
        let place = at.place();
        let value = value.filter(|value| !value.is_null());
        match (op, &at.filter, value) {
            (Op::Remove, Some(_), _) | (Op::Remove, None, None) | (Op::Replace, _, None) => {
                let op = if at.filter.is_some() { Op::Remove } else { op };
                self.push(op, at, None, place);
            }
            (Op::Add, _, None) => {}
            (Op::Remove, None, Some(value)) => {
                repair::remove_by_value(&place, self.quirks, self.repairs)?;
                // Naming nobody removes nobody.
                if let Some(named) = self.value(&at.target, as_objects(value), &place)? {
                    self.push(Op::Remove, at, Some(named), place);
                }
            }
            (Op::Add | Op::Replace, None, Some(value)) => match self.value(&at.target, value, &place)? {
                None if op == Op::Add => {}
                named => self.push(op, at, named, place),
            },
            // `members[value eq "a"]` with the value a: it is to be a member. Anything else would turn one member
            // into another.
            (Op::Add | Op::Replace, Some((filter, _)), Some(value)) => {
                let Some(member) = self.element(&at.target, value, &place)? else { return Ok(()) };
                match (named_ids(filter).as_deref(), member.get("value").and_then(Value::as_str)) {
                    (Some([named]), Some(id)) if named == id => {
                        let at = Located::plain(at.target);
                        let place = at.place();
                        self.push(Op::Add, at, Some(Value::Array(vec![member])), place);
                    }
                    _ => return Err(immutable(&at.target)),
                }
            }
        }
        Ok(())
    }
}

/// Who removes members may name bare ids instead of objects.
fn as_objects(value: Value) -> Value {
    match value {
        Value::Array(items) => items.into_iter().map(as_objects).collect(),
        id @ Value::String(_) => json!({"value": id}),
        other => other,
    }
}

fn immutable(target: &Target) -> Error {
    let detail = format!("A member cannot be changed into another one through {target}: remove it and add the other.");
    Error::new(Code::ImmutableAttribute, detail)
}
