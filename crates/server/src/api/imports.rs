//! Importing files, and the catalog as Backstage's descriptors.

use super::answer::Answer;
use super::request::Request;
use super::table::{Access::May, Endpoint, Form, Param, get, handler, param, post};
use crate::intake::Failure;
use bailiwick_app::import::{
    self, Changed, Counts, File, FileReport, Options, Problem, Removals, Report, Severity, Upload,
};
use bailiwick_domain::policy::Action::{CatalogRead, ImportRun};
use bailiwick_domain::yaml;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use serde_json::Value;

/// The media type of YAML (RFC 9512).
const YAML: &str = "application/yaml";

/// Longest name of a kind.
const KIND_CHARS: usize = 63;

const EXPORT: &[Param] = &[param(
    "kind",
    Form::Text(KIND_CHARS),
    "One kind only: component, api, resource, system, domain, group, user ...",
)];

pub(super) const ROUTES: &[Endpoint] = &[
    post(May(ImportRun), "/imports", "runImport", handler!(run))
        .says("Imports the files of a source: all of them, because what they do not name any more is removed. What is wrong is told with its place and changes nothing; the rest is taken.")
        .takes::<ImportNew>()
        .gives::<ImportReport>()
        .large()
        .slow(),
    get(May(CatalogRead), "/export", "exportCatalog", handler!(export))
        .says("Writes the catalog as descriptors of Backstage: as a list, or as a stream of YAML documents.")
        .query(EXPORT)
        .gives::<CatalogExport>()
        .also_text(YAML)
        .slow(),
];

/// Files to be imported.
#[derive(Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
struct ImportNew {
    /// Name of the source: small letters, digits and dashes, no dash in front. What it kept before is compared with what
    /// it says now.
    #[schemars(regex(pattern = r"^[a-z0-9][a-z0-9-]{0,62}$"))]
    source: String,
    /// All files of the source.
    files: Vec<ImportFile>,
    /// Tells what would change and changes nothing.
    #[serde(default)]
    dry_run: bool,
    /// Removes what is gone also when it is more than the guard lets pass, and teams that have members.
    #[serde(default)]
    accept_removals: bool,
    /// Takes over what another source keeps or somebody edited by hand.
    #[serde(default)]
    take_over: bool,
}

/// One file.
#[derive(Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
struct ImportFile {
    /// Path from the root of the source. The name says how the file is read: `catalog-info.yaml`, `opslevel.yml`,
    /// `people.csv`; other YAML is read as Backstage's.
    #[schemars(length(min = 1, max = 1000))]
    path: String,
    /// Its text.
    text: String,
}

/// What an import did, or would do.
#[derive(Debug, Serialize, JsonSchema)]
struct ImportReport {
    /// Name of the source.
    source: String,
    /// Nothing was changed: it was only asked.
    dry_run: bool,
    /// Whether anything was refused.
    refused: bool,
    /// By file, in order of their paths.
    files: Vec<ImportedFile>,
    /// What is gone from the source.
    removals: ImportRemovals,
    /// Totals.
    counts: ImportCounts,
}

/// What became of a file.
#[derive(Debug, Serialize, JsonSchema)]
struct ImportedFile {
    /// Path from the root of the source.
    path: String,
    /// What was created.
    created: Vec<String>,
    /// What was changed.
    changed: Vec<ImportChange>,
    /// How many are as they were.
    unchanged: u64,
    /// What is wrong, or worth knowing.
    problems: Vec<ImportProblem>,
}

/// Something that changed.
#[derive(Debug, Serialize, JsonSchema)]
struct ImportChange {
    /// What.
    what: String,
    /// The places in it.
    fields: Vec<String>,
}

/// Something about a place in a file.
#[derive(Debug, Serialize, JsonSchema)]
struct ImportProblem {
    /// An error was refused and its last good version stays; a conflict is kept by somebody else; a warning was taken
    /// and misses something; a note was taken.
    severity: ImportSeverity,
    /// The line, counted from 1.
    line: u32,
    /// The column, counted from 1.
    column: u32,
    /// The field as the file names it.
    field: String,
    /// What it is.
    message: String,
}

/// How bad it is.
#[derive(Debug, Serialize, JsonSchema)]
#[serde(rename_all = "lowercase")]
enum ImportSeverity {
    Error,
    Conflict,
    Warning,
    Note,
}

/// What is gone from the source.
#[derive(Debug, Serialize, JsonSchema)]
struct ImportRemovals {
    /// What was removed, or would be.
    removed: Vec<String>,
    /// What would be removed but was left, with the reason.
    left: Vec<String>,
    /// Why nothing was removed, if the guard stopped it.
    refused: Option<String>,
}

/// Totals.
#[derive(Debug, Serialize, JsonSchema)]
struct ImportCounts {
    created: u64,
    changed: u64,
    unchanged: u64,
    removed: u64,
    /// Errors and conflicts.
    refused: u64,
    warnings: u64,
}

impl From<Report> for ImportReport {
    fn from(report: Report) -> Self {
        let Removals { removed, left, refused } = report.removals.clone();
        let Counts { created, changed, unchanged, removed: gone, refused: failed, warnings } = report.counts;
        Self {
            refused: report.refused(),
            source: report.source,
            dry_run: report.dry_run,
            files: report.files.into_iter().map(ImportedFile::from).collect(),
            removals: ImportRemovals { removed, left, refused },
            counts: ImportCounts { created, changed, unchanged, removed: gone, refused: failed, warnings },
        }
    }
}

impl From<FileReport> for ImportedFile {
    fn from(file: FileReport) -> Self {
        let change = |Changed { what, fields }| ImportChange { what, fields };
        let FileReport { path, created, changed, unchanged, problems } = file;
        let changed = changed.into_iter().map(change).collect();
        Self { path, created, changed, unchanged, problems: problems.into_iter().map(ImportProblem::from).collect() }
    }
}

impl From<Problem> for ImportProblem {
    fn from(problem: Problem) -> Self {
        let Problem { severity, line, column, field, message } = problem;
        let severity = match severity {
            Severity::Error => ImportSeverity::Error,
            Severity::Conflict => ImportSeverity::Conflict,
            Severity::Warning => ImportSeverity::Warning,
            Severity::Note => ImportSeverity::Note,
        };
        Self { severity, line, column, field, message }
    }
}

async fn run(request: Request) -> Result<Answer, Failure> {
    let new: ImportNew = request.body()?;
    let options = Options { dry_run: new.dry_run, accept_removals: new.accept_removals, take_over: new.take_over };
    let file = |file: ImportFile| File { path: file.path, format: None, text: Ok(file.text) };
    let upload = Upload {
        source: new.source,
        kind: "upload",
        root: None,
        commit: None,
        files: new.files.into_iter().map(file).collect(),
    };
    let report = import::run(&request.app, &request.principal, &upload, options).await?;
    Answer::json(&ImportReport::from(report))
}

/// The catalog as descriptors.
#[derive(Debug, Serialize, JsonSchema)]
struct CatalogExport {
    /// Descriptors of Backstage.
    items: Vec<Value>,
}

async fn export(request: Request) -> Result<Answer, Failure> {
    let kinds: Vec<String> = request.param("kind").map(str::to_owned).into_iter().collect();
    let exported = import::export(&request.app, &request.principal, &kinds).await?;
    let items: Vec<Value> = exported.into_iter().map(|one| one.document).collect();
    if request.wants_second_form() {
        return Ok(Answer::text(YAML, yaml::write_all(&items)));
    }
    Answer::json(&CatalogExport { items })
}
