//! Importing files into the catalog, and exporting it.
//!
//! [`run`] reads the files of one source whole, plans what each document would change ([`items`], [`people`]) and what
//! is gone ([`gone`]), and does it unless it was only asked ([`Options::dry_run`]). A document with a fault changes
//! nothing: its last good version stays, and everything else goes on. What another source keeps, or somebody edited by
//! hand, is a conflict and stays. A source that is empty or shrunken takes nothing away by itself.

mod export;
mod gone;
mod items;
mod people;
mod person;
mod read;
mod references;
mod report;

pub use export::{Exported, export};
pub use read::targets;
pub use report::{Changed, Counts, FileReport, Problem, Removals, Report, Severity};

use crate::Refusal;
use crate::access::{self, Action, Principal};
use crate::app::App;
use crate::catalog::standards;
use crate::error::of_store;
use crate::manage::{event, invalid};
use bailiwick_domain::descriptor::Format;
use bailiwick_domain::event::EventKind;
use bailiwick_domain::names;
use bailiwick_store::change::EntryWrite;
use bailiwick_store::{ChangeSet, Guard, Write};
use serde_json::{Value, json};

/// Most files of one import.
pub const FILES: usize = 100_000;
/// Most bytes of all files of one import together.
pub const BYTES: usize = 512 << 20;
/// How often what changed meanwhile is planned again.
const ATTEMPTS: usize = 8;
/// Where sources are kept.
const SOURCE: &str = "source";

/// The files of one source.
#[derive(Clone, Debug)]
pub struct Upload {
    /// Name of the source: what it kept before is compared with what it says now.
    pub source: String,
    /// `folder`, `git`, `file` or `upload`.
    pub kind: &'static str,
    /// Where it was read.
    pub root: Option<String>,
    /// The commit that was checked out.
    pub commit: Option<String>,
    /// Its files.
    pub files: Vec<File>,
}

/// One file.
#[derive(Clone, Debug)]
pub struct File {
    /// Path from the root of the source, with `/`.
    pub path: String,
    /// How it is read; by its name where nothing is said.
    pub format: Option<Format>,
    /// Its text, or why it cannot be read.
    pub text: Result<String, String>,
}

/// How an import is run.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Options {
    /// Tells what would change and changes nothing.
    pub dry_run: bool,
    /// Removes what is gone from the source also beyond the threshold.
    pub accept_removals: bool,
    /// Takes over what another source keeps or somebody edited by hand.
    pub take_over: bool,
}

/// Imports the files of a source.
///
/// # Errors
/// A source that cannot be named so or was another kind before, too many files, what the policy does not permit, or when
/// the store cannot answer. What is wrong with single documents is in the report.
pub async fn run(app: &App, principal: &Principal, upload: &Upload, options: Options) -> Result<Report, Refusal> {
    access::require(app, principal, Action::ImportRun, &access::Object::None).await?;
    check(upload)?;
    let before = app.store().entry(SOURCE, &upload.source).await.map_err(of_store)?;
    if let Some(row) = &before {
        let known: Value = serde_json::from_str(&row.doc).unwrap_or_default();
        if known["kind"] != upload.kind && !options.take_over {
            let detail = format!(
                "The source \"{}\" was a {} before and is a {} now. Give it another name, or take it over.",
                upload.source,
                known["kind"].as_str().unwrap_or("source"),
                upload.kind
            );
            return Err(invalid(detail));
        }
    }
    let standards = standards(app).await?;
    let mut report = Report::new(upload, options.dry_run);
    let mut found = read::read(upload, &standards, options.accept_removals, &mut report);
    let mut plan = items::plan(app, &upload.source, &mut found, &standards, options, &mut report).await?;
    references::check(app, &found, &plan, &mut report).await?;
    let mut folk = people::plan(app, &upload.source, &found, &plan, &standards, &mut report).await?;
    let gone = gone::plan(app, upload, &found, &plan, &mut folk, options, &mut report).await?;
    if !options.dry_run {
        items::apply(app, principal, &mut plan, &found, options, items::Phase::Teams, &mut report).await;
        people::apply(app, principal, &upload.source, &folk, options, &mut report).await;
        items::apply(app, principal, &mut plan, &found, options, items::Phase::Entities, &mut report).await;
        gone::apply(app, principal, &upload.source, &gone, options, &mut report).await;
        remember(app, upload, before.map_or(0, |row| row.version), &report).await?;
    }
    report.finish(&plan, &folk);
    Ok(report)
}

fn check(upload: &Upload) -> Result<(), Refusal> {
    names::integration_name(&upload.source)
        .map_err(|reason| invalid(format!("A source cannot be called so: {reason}.")))?;
    if upload.files.len() > FILES {
        return Err(invalid(format!("An import may hold at most {FILES} files.")));
    }
    let bytes: usize = upload.files.iter().filter_map(|file| file.text.as_ref().ok()).map(String::len).sum();
    if bytes > BYTES {
        return Err(invalid(format!("The files of an import may hold at most {BYTES} bytes.")));
    }
    let bad = |path: &str| {
        path.is_empty() || path.len() > 1_000 || path.starts_with('/') || path.chars().any(char::is_control)
    };
    let mut seen = std::collections::HashSet::new();
    for file in &upload.files {
        if bad(&file.path) || file.path.split('/').any(|step| step == "..") {
            return Err(invalid("A file of an import has a relative path of at most 1,000 characters, without `..`."));
        }
        if !seen.insert(&file.path) {
            return Err(invalid(format!("The file {:?} stands twice in the import.", file.path)));
        }
    }
    Ok(())
}

/// Notes the source and tells that it was imported.
async fn remember(app: &App, upload: &Upload, version: i64, report: &Report) -> Result<(), Refusal> {
    let doc = json!({"kind": upload.kind, "root": upload.root, "commit": upload.commit, "files": upload.files.len()});
    let mut version = version;
    for _ in 0..ATTEMPTS {
        let payload = json!({"source": upload.source, "kind": upload.kind, "commit": upload.commit,
            "files": upload.files.len(), "counts": report.counts_so_far()});
        let set = ChangeSet {
            at: app.clock().now(),
            guards: vec![Guard::Entry { collection: SOURCE.to_owned(), id: upload.source.clone(), version }],
            writes: vec![Write::PutEntry(EntryWrite {
                collection: SOURCE.to_owned(),
                id: upload.source.clone(),
                parent: None,
                state: None,
                due: None,
                doc: doc.to_string(),
            })],
            events: vec![event(app, EventKind::ImportRun, None, None, payload)],
        };
        if crate::manage::commit_guarded(app, set).await?.is_some() {
            return Ok(());
        }
        let row = app.store().entry(SOURCE, &upload.source).await.map_err(of_store)?;
        version = row.map_or(0, |row| row.version);
    }
    Err(of_store(bailiwick_store::Error::Stale))
}
