//! From what somebody has and is to have to what must change.

use super::grant::{Grant, GrantKind, Origin, parse_path};

/// A grant that is open now.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct HeldGrant {
    /// Row in the store.
    pub seq: i64,
    /// What it gives.
    pub kind: GrantKind,
    /// Of what.
    pub object: String,
    /// How.
    pub value: String,
    /// Where it comes from, as [`Origin`] prints it.
    pub origin: String,
    /// How it came, as [`super::grant::path_text`] prints it.
    pub path: String,
}

/// What must change.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Diff {
    /// To be given.
    pub open: Vec<Grant>,
    /// To be taken.
    pub close: Vec<HeldGrant>,
    /// Stays, but came another way than the one that is written down: nobody gains or loses anything.
    pub moved: Vec<(HeldGrant, Grant)>,
    /// Rows that stay as they are, what was given by hand included.
    pub kept: Vec<i64>,
}

impl Diff {
    /// Whether nothing changes.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.open.is_empty() && self.close.is_empty() && self.moved.is_empty()
    }
}

/// Compares what is held with what is wanted. What was given by hand is never touched.
#[must_use]
pub fn diff(held: &[HeldGrant], wanted: &[Grant]) -> Diff {
    let mut diff = Diff::default();
    let mut missing: Vec<Option<(&Grant, String)>> =
        wanted.iter().map(|grant| Some((grant, grant.origin.to_string()))).collect();
    for have in held {
        if !Origin::is_derived(&have.origin) {
            diff.kept.push(have.seq);
            continue;
        }
        let same = |slot: &&mut Option<(&Grant, String)>| {
            slot.as_ref().is_some_and(|(grant, origin)| {
                grant.kind == have.kind
                    && grant.object == have.object
                    && grant.value == have.value
                    && *origin == have.origin
            })
        };
        match missing.iter_mut().find(same).and_then(Option::take) {
            Some((grant, _)) if same_way(have, grant) => diff.kept.push(have.seq),
            Some((grant, _)) => diff.moved.push((have.clone(), grant.clone())),
            None => diff.close.push(have.clone()),
        }
    }
    diff.open.extend(missing.into_iter().flatten().map(|(grant, _)| grant.clone()));
    diff
}

/// Whether the way written down leads over the same Users and groups; what they are called may have changed.
fn same_way(have: &HeldGrant, grant: &Grant) -> bool {
    let path = parse_path(&have.path);
    let ids = |steps: &[super::grant::Step]| steps.iter().map(|step| (step.kind, step.id.clone())).collect::<Vec<_>>();
    ids(&path) == ids(&grant.path)
}

/// What is held after the change. The rows of what is opened are numbered by `number`.
#[must_use]
pub fn apply(held: &[HeldGrant], diff: &Diff, mut number: impl FnMut() -> i64) -> Vec<HeldGrant> {
    let gone = |have: &HeldGrant| {
        diff.close.iter().any(|closed| closed.seq == have.seq)
            || diff.moved.iter().any(|(moved, _)| moved.seq == have.seq)
    };
    let mut after: Vec<HeldGrant> = held.iter().filter(|have| !gone(have)).cloned().collect();
    let opened = diff.open.iter().chain(diff.moved.iter().map(|(_, grant)| grant));
    after.extend(opened.map(|grant| HeldGrant {
        seq: number(),
        kind: grant.kind,
        object: grant.object.clone(),
        value: grant.value.clone(),
        origin: grant.origin.to_string(),
        path: super::grant::path_text(&grant.path),
    }));
    after
}
