//! From the message to a plan: every operation tied to the schema, every value checked. The resource is not looked at,
//! so a plan can be made before anything is read.

use super::repair;
use super::request::{Op, Operation, PatchRequest};
use crate::Object;
use crate::error::{Code, Error};
use crate::filter::{Filter, Parsed, Resolved};
use crate::path::{AttributePath, PathTarget};
use crate::quirks::{Quirks, Repairs};
use crate::redact::{REDACTED, is_secret};
use crate::resource::{coerce_merge, shown};
use crate::schema::{Attribute, Mutability, Registry, ResourceType, Target, Type};
use serde_json::{Value, json};
use std::sync::Arc;

/// A PATCH ready to be applied.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct PatchPlan {
    /// What to do, in order.
    pub steps: Vec<Step>,
}

/// One change at one place.
#[derive(Clone, Debug, PartialEq)]
pub struct Step {
    /// What to do. A value that clears is always [`Op::Replace`].
    pub op: Op,
    /// Where.
    pub target: PathTarget,
    /// The checked value in the schema's spelling. `None` clears; of a remove it names the only values to remove.
    pub value: Option<Value>,
    /// The path in its canonical spelling.
    pub place: String,
    /// What the value filter of the path describes, if it describes one value.
    pub(super) entry: Option<Object>,
}

/// Plans a PATCH for a resource type (RFC 7644 section 3.5.2).
pub fn plan(
    registry: &Registry,
    resource_type: &ResourceType,
    request: PatchRequest,
    quirks: Quirks,
    repairs: &mut Repairs,
) -> Result<PatchPlan, Error> {
    let steps = Vec::with_capacity(request.operations.len());
    let mut planner = Planner { registry, resource_type, quirks, repairs, steps };
    for operation in request.operations {
        planner.operation(operation)?;
    }
    Ok(PatchPlan { steps: planner.steps })
}

impl PatchPlan {
    /// Whether there is nothing to do.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.steps.is_empty()
    }

    /// The steps on one core attribute, and the rest, each in order.
    #[must_use]
    pub fn split(self, core_attribute: &str) -> (PatchPlan, PatchPlan) {
        let (chosen, rest) = self.steps.into_iter().partition(|step| step.is_on(core_attribute));
        (PatchPlan { steps: chosen }, PatchPlan { steps: rest })
    }

    /// The attributes that the steps write, as an object of their names: what
    /// [`crate::projection::Projection::with_written`] asks for.
    #[must_use]
    pub fn written(&self) -> Object {
        let mut written = Object::new();
        for step in &self.steps {
            let PathTarget::Attribute { target, .. } = &step.target else { continue };
            let place = match &target.extension {
                None => Some(&mut written),
                Some(urn) => {
                    written.entry(urn.to_string()).or_insert_with(|| Value::Object(Object::new())).as_object_mut()
                }
            };
            if let Some(place) = place {
                place.insert(target.attribute.name.clone(), Value::Null);
            }
        }
        written
    }

    /// The plan as PATCH operations in their canonical form, for a journal. Secret values are left out.
    #[must_use]
    pub fn canonical(&self) -> Value {
        self.steps.iter().map(Step::canonical).collect()
    }
}

impl Step {
    /// Whether the step changes this core attribute or a part of it.
    pub(super) fn is_on(&self, core_attribute: &str) -> bool {
        match &self.target {
            PathTarget::Extension(_) => false,
            PathTarget::Attribute { target, .. } => {
                target.extension.is_none() && target.attribute.name == core_attribute
            }
        }
    }

    fn canonical(&self) -> Value {
        let mut operation = json!({"op": self.op.as_str(), "path": self.place});
        let value = match (&self.value, &self.target) {
            (None, _) if self.op == Op::Remove => return operation,
            (None, _) => Value::Null,
            (Some(value), PathTarget::Attribute { target, .. }) => public_value(target, value),
            (Some(value), PathTarget::Extension(_)) => value.clone(),
        };
        if let Some(operation) = operation.as_object_mut() {
            operation.insert("value".to_owned(), value);
        }
        operation
    }
}

/// A copy of a checked value without its secrets.
fn public_value(target: &Target, value: &Value) -> Value {
    fn without_secrets(attribute: &Attribute, value: &Value) -> Value {
        match value {
            Value::Array(items) => items.iter().map(|item| without_secrets(attribute, item)).collect(),
            Value::Object(object) => {
                let secret = |name: &str| attribute.sub(name).is_some_and(|sub| is_secret(sub));
                let show = |(name, value): (&String, &Value)| match secret(name) {
                    true => (name.clone(), Value::from(REDACTED)),
                    false => (name.clone(), value.clone()),
                };
                object.iter().map(show).collect()
            }
            simple => simple.clone(),
        }
    }
    match is_secret(&target.attribute) || is_secret(target.leaf()) {
        true => Value::from(REDACTED),
        false => without_secrets(target.leaf(), value),
    }
}

pub(super) struct Planner<'a> {
    pub(super) registry: &'a Registry,
    pub(super) resource_type: &'a ResourceType,
    pub(super) quirks: Quirks,
    pub(super) repairs: &'a mut Repairs,
    pub(super) steps: Vec<Step>,
}

/// A place as a path names it: the target and the value filter, resolved and as written.
pub(super) struct Located {
    pub(super) target: Target,
    pub(super) filter: Option<(Resolved, Parsed)>,
}

impl Located {
    /// The place without a filter.
    pub(super) fn plain(target: Target) -> Self {
        Self { target, filter: None }
    }

    /// The path in its canonical spelling.
    pub(super) fn place(&self) -> String {
        match (&self.filter, &self.target) {
            (None, target) => target.to_string(),
            (Some((_, written)), Target { extension, attribute, sub }) => {
                let whole = Target { extension: extension.clone(), attribute: Arc::clone(attribute), sub: None };
                let written = in_schema_spelling(attribute, written);
                match sub {
                    Some(sub) => format!("{whole}[{written}].{}", sub.name),
                    None => format!("{whole}[{written}]"),
                }
            }
        }
    }

    /// Whether whole values of a multi-valued attribute are meant, not a part of them.
    fn is_whole_list(&self) -> bool {
        self.target.leaf().multi_valued && (self.filter.is_none() || self.target.sub.is_some())
    }
}

impl Planner<'_> {
    fn operation(&mut self, operation: Operation) -> Result<(), Error> {
        let Operation { op, path, value } = operation;
        let Some(path) = path else {
            return match value {
                Some(Value::Object(attributes)) => self.attributes(op, attributes),
                _ => Err(Error::new(Code::ValueInvalid, "An operation without a path needs an object as value.")),
            };
        };
        match path.resolve(self.registry, self.resource_type, self.quirks, self.repairs)? {
            PathTarget::Extension(urn) => self.extension(op, &urn, value),
            PathTarget::Attribute { target, filter } => {
                if is_read_only(&target) {
                    return Err(Error::new(Code::ReadOnlyAttribute, format!("The attribute {target} is read-only.")));
                }
                self.located(op, Located { target, filter: filter.zip(path.filter) }, value)
            }
        }
    }

    /// Plans one change of an attribute that may be written.
    pub(super) fn located(&mut self, op: Op, at: Located, value: Option<Value>) -> Result<(), Error> {
        if at.target.extension.is_none() && at.target.attribute.name == "schemas" {
            return self.schemas(op, &at, value);
        }
        if super::members::is_members(self.resource_type, &at.target) {
            return self.members(op, at, value);
        }
        match (op, value) {
            (Op::Remove, value) => self.removal(at, value),
            (Op::Add | Op::Replace, Some(Value::Object(value))) if is_single_complex(&at) => {
                self.sub_attributes(op, at, value)
            }
            (Op::Add | Op::Replace, value) => self.writing(op, at, value.unwrap_or_default()),
        }
    }

    /// RFC 7644 section 3.5.2.2.
    fn removal(&mut self, at: Located, value: Option<Value>) -> Result<(), Error> {
        let place = at.place();
        let listed = match value {
            Some(value) if at.is_whole_list() && !value.is_null() => {
                repair::remove_by_value(&place, self.quirks, self.repairs)?;
                // Naming nothing removes nothing.
                let Some(listed) = self.value(&at.target, value, &place)? else { return Ok(()) };
                Some(listed)
            }
            // A value says nothing where the path says it all.
            _ => None,
        };
        if at.target.leaf().required && listed.is_none() && (at.filter.is_none() || at.target.sub.is_some()) {
            let detail = format!("The attribute {} is required and cannot be removed.", at.target);
            return Err(Error::new(Code::RequiredRemoved, detail));
        }
        self.push(Op::Remove, at, listed, place);
        Ok(())
    }

    /// RFC 7644 sections 3.5.2.1 and 3.5.2.3.
    pub(super) fn writing(&mut self, op: Op, at: Located, value: Value) -> Result<(), Error> {
        let place = at.place();
        let one_of_many = at.filter.is_some() && at.target.sub.is_none();
        let value = match one_of_many && at.target.attribute.multi_valued {
            true => self.element(&at.target, value, &place)?,
            false => self.value(&at.target, value, &place)?,
        };
        if value.is_some() {
            self.push(op, at, value, place);
            return Ok(());
        }
        if op == Op::Add && (one_of_many || at.target.leaf().multi_valued) {
            return Ok(()); // Nothing added to several values is nothing.
        }
        if at.target.leaf().required && !one_of_many {
            let detail = format!("The attribute {} is required and needs a value.", at.target);
            return Err(Error::new(Code::RequiredMissing, detail));
        }
        self.push(Op::Replace, at, None, place);
        Ok(())
    }

    /// An object for a single complex attribute: its sub-attributes are merged one by one, and those that are null are
    /// cleared (RFC 7644 section 3.5.2.3).
    fn sub_attributes(&mut self, op: Op, at: Located, value: Object) -> Result<(), Error> {
        let place = at.place();
        let value = coerce_merge(at.target.leaf(), Value::Object(value), self.quirks, self.repairs, &place)?;
        match &value {
            None => self.writing(Op::Replace, at, Value::Null),
            Some(Value::Object(parts)) if parts.is_empty() => Ok(()),
            Some(_) => {
                self.push(op, at, value, place);
                Ok(())
            }
        }
    }

    pub(super) fn push(&mut self, op: Op, at: Located, value: Option<Value>, place: String) {
        let Located { target, filter } = at;
        let entry = match &filter {
            Some((_, written)) if op != Op::Remove => repair::described_entry(&target.attribute, written, self.quirks),
            _ => None,
        };
        let filter = filter.map(|(resolved, _)| resolved);
        self.steps.push(Step { op, target: PathTarget::Attribute { target, filter }, value, place, entry });
    }

    /// A bare extension URN (RFC 7644 section 3.5.2): its object is merged attribute by attribute.
    pub(super) fn extension(&mut self, op: Op, urn: &Arc<str>, value: Option<Value>) -> Result<(), Error> {
        match (op, value) {
            (Op::Remove, _) => self.remove_extension(urn, Code::RequiredRemoved),
            (Op::Replace, Some(Value::Null)) => self.remove_extension(urn, Code::RequiredMissing),
            (Op::Add, Some(Value::Null)) => Ok(()),
            (_, Some(Value::Object(attributes))) => self.extension_attributes(op, urn, attributes),
            _ => Err(Error::new(Code::ValueInvalid, format!("The value of {} must be an object.", shown(urn)))),
        }
    }

    pub(super) fn remove_extension(&mut self, urn: &Arc<str>, code: Code) -> Result<(), Error> {
        if self.registry.extension(self.resource_type, urn).is_some_and(|extension| extension.required) {
            return Err(Error::new(code, format!("The extension {urn} is required and cannot be removed.")));
        }
        let target = PathTarget::Extension(Arc::clone(urn));
        self.steps.push(Step { op: Op::Remove, target, value: None, place: urn.to_string(), entry: None });
        Ok(())
    }
}

/// The filter with the names of sub-attributes as the schema writes them.
fn in_schema_spelling(attribute: &Attribute, filter: &Parsed) -> Parsed {
    let named = |path: &AttributePath| match attribute.sub(&path.0) {
        Some(sub) => AttributePath(sub.name.clone()),
        None => path.clone(),
    };
    let all = |parts: &[Parsed]| parts.iter().map(|part| in_schema_spelling(attribute, part)).collect();
    match filter {
        Filter::And(parts) => Filter::And(all(parts)),
        Filter::Or(parts) => Filter::Or(all(parts)),
        Filter::Not(inner) => Filter::Not(Box::new(in_schema_spelling(attribute, inner))),
        Filter::Values(path, inner) => Filter::Values(named(path), Box::new(in_schema_spelling(attribute, inner))),
        Filter::Compare(path, op, literal) => Filter::Compare(named(path), *op, literal.clone()),
        Filter::Present(path) => Filter::Present(named(path)),
        Filter::Constant(value) => Filter::Constant(*value),
    }
}

/// Whether the client may not write there (RFC 7643 section 7).
pub(super) fn is_read_only(target: &Target) -> bool {
    let read_only = |attribute: &Attribute| attribute.mutability == Mutability::ReadOnly;
    read_only(&target.attribute) || read_only(target.leaf())
}

fn is_single_complex(at: &Located) -> bool {
    at.target.sub.is_none() && at.target.attribute.kind == Type::Complex && !at.target.attribute.multi_valued
}
