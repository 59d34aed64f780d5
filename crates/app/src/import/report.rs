//! What an import did, or would do, file by file.

use super::items::Plan;
use super::people::Folk;
use super::{Options, Upload};
use bailiwick_domain::descriptor::Fault;
use std::collections::BTreeMap;

/// What an import did, or would do.
#[derive(Clone, Debug, serde::Serialize)]
pub struct Report {
    /// Name of the source.
    pub source: String,
    /// Its kind.
    pub kind: &'static str,
    /// The commit that was checked out.
    pub commit: Option<String>,
    /// Nothing was changed.
    pub dry_run: bool,
    /// By file, in order of their paths.
    pub files: Vec<FileReport>,
    /// What is gone from the source.
    pub removals: Removals,
    /// Totals.
    pub counts: Counts,
}

/// What became of a file.
#[derive(Clone, Debug, Default, serde::Serialize)]
pub struct FileReport {
    /// Path from the root of the source.
    pub path: String,
    /// What was created.
    pub created: Vec<String>,
    /// What was changed.
    pub changed: Vec<Changed>,
    /// How many are as they were.
    pub unchanged: u64,
    /// What is wrong, or worth knowing.
    pub problems: Vec<Problem>,
}

/// Something that changed.
#[derive(Clone, Debug, serde::Serialize)]
pub struct Changed {
    /// What.
    pub what: String,
    /// The places in it.
    pub fields: Vec<String>,
}

/// How bad it is.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, serde::Serialize)]
#[serde(rename_all = "lowercase")]
pub enum Severity {
    /// It was refused; the last good version stays.
    Error,
    /// Somebody else keeps it; it stays as it is.
    Conflict,
    /// It was taken, but something about it is not there.
    Warning,
    /// It was taken; the author should know this.
    Note,
}

/// Something about a place in a file.
#[derive(Clone, Debug, PartialEq, Eq, serde::Serialize)]
pub struct Problem {
    /// How bad it is.
    pub severity: Severity,
    /// The line, counted from 1.
    pub line: u32,
    /// The column, counted from 1.
    pub column: u32,
    /// The field as the file names it.
    pub field: String,
    /// What it is.
    pub message: String,
}

impl Problem {
    /// A problem at the place of a fault.
    #[must_use]
    pub fn of(severity: Severity, fault: Fault) -> Self {
        let Fault { line, column, field, message } = fault;
        Self { severity, line, column, field, message }
    }
}

/// What is gone from the source.
#[derive(Clone, Debug, Default, serde::Serialize)]
pub struct Removals {
    /// What was removed, or would be.
    pub removed: Vec<String>,
    /// What would be removed but was left, with the reason.
    pub left: Vec<String>,
    /// Why nothing was removed, if the guard stopped it.
    pub refused: Option<String>,
}

/// Totals.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, serde::Serialize)]
pub struct Counts {
    /// Created.
    pub created: u64,
    /// Changed.
    pub changed: u64,
    /// As they were.
    pub unchanged: u64,
    /// Removed.
    pub removed: u64,
    /// Refused, conflicts included.
    pub refused: u64,
    /// Warnings.
    pub warnings: u64,
}

impl Report {
    pub(super) fn new(upload: &Upload, dry_run: bool) -> Self {
        let empty = |path: &String| FileReport { path: path.clone(), ..FileReport::default() };
        Self {
            source: upload.source.clone(),
            kind: upload.kind,
            commit: upload.commit.clone(),
            dry_run,
            files: upload.files.iter().map(|file| empty(&file.path)).collect(),
            removals: Removals::default(),
            counts: Counts::default(),
        }
    }

    pub(super) fn tell(&mut self, file: usize, severity: Severity, fault: Fault) {
        if let Some(report) = self.files.get_mut(file) {
            report.problems.push(Problem::of(severity, fault));
        }
    }

    /// Whether anything was refused.
    #[must_use]
    pub fn refused(&self) -> bool {
        self.removals.refused.is_some() || self.counts_so_far().refused > 0
    }

    pub(super) fn counts_so_far(&self) -> Counts {
        let problems = |wanted: fn(Severity) -> bool| {
            let all = self.files.iter().flat_map(|file| &file.problems);
            all.filter(|problem| wanted(problem.severity)).count() as u64
        };
        Counts {
            refused: problems(|severity| severity <= Severity::Conflict),
            warnings: problems(|severity| severity == Severity::Warning),
            removed: self.removals.removed.len() as u64,
            ..self.counts
        }
    }

    /// Puts what was planned, and not refused while it was done, into the report.
    pub(super) fn finish(&mut self, plan: &Plan, folk: &Folk) {
        plan.tell(self);
        folk.tell(self);
        for file in &mut self.files {
            file.problems.sort_by(|left, right| {
                (left.line, left.column, left.severity, &left.field).cmp(&(
                    right.line,
                    right.column,
                    right.severity,
                    &right.field,
                ))
            });
            file.problems.dedup();
            self.counts.created += file.created.len() as u64;
            self.counts.changed += file.changed.len() as u64;
            self.counts.unchanged += file.unchanged;
        }
        self.counts = self.counts_so_far();
        let mut by_path: BTreeMap<String, FileReport> = BTreeMap::new();
        for file in std::mem::take(&mut self.files) {
            by_path.insert(file.path.clone(), file);
        }
        self.files = by_path.into_values().collect();
    }
}

impl Options {
    /// How much of a source may go by itself: at least so many, and more than this share.
    pub(super) const REMOVALS: (usize, usize) = (5, 10);

    /// Whether so many removals of so many stay below the threshold.
    pub(super) fn permits(self, removed: usize, of: usize) -> bool {
        let (people, percent) = Self::REMOVALS;
        self.accept_removals || removed < people || removed * 100 <= percent * of
    }
}
