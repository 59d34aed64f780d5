//! `import`: a file, a folder or a git checkout into the catalog.

use crate::args::ImportArgs;
use crate::out::{self, Done, Failure, refused};
use bailiwick_app::App;
use bailiwick_app::access::Principal;
use bailiwick_app::import::{self, BYTES, FILES, File, FileReport, Options, Report, Severity, Upload};
use bailiwick_domain::catalog::slug;
use bailiwick_domain::descriptor::{Format, location, people};
use serde_json::Value;
use std::collections::{HashMap, HashSet};
use std::fs;
use std::path::{Path, PathBuf};

/// Largest file that is read: that of a CSV; YAML is refused far below.
const FILE_BYTES: u64 = people::BYTES as u64 + 1;

/// Most folders and files that a walk looks at.
const ENTRIES: usize = 1_000_000;

pub(super) async fn run(app: &App, args: ImportArgs) -> Done {
    let upload = gather(&args)?;
    let options = Options { dry_run: args.dry_run, accept_removals: args.accept_removals, take_over: args.take_over };
    let report = import::run(app, &Principal::host(), &upload, options).await?;
    if args.json.json {
        let value: Value = serde_json::to_value(&report).unwrap_or_default();
        out::json(&value)?;
    } else {
        out::lines(&shown(&report))?;
    }
    match report.refused() {
        true => refused(format!(
            "{} refused; everything else was {}",
            wrong(&report),
            if args.dry_run { "planned" } else { "taken" }
        )),
        false => Ok(()),
    }
}

/// What was refused, in words.
fn wrong(report: &Report) -> String {
    match (&report.removals.refused, report.counts.refused) {
        (Some(_), 0) => "removals were".to_owned(),
        (Some(_), count) => format!("{count} and the removals were"),
        (None, 1) => "1 was".to_owned(),
        (None, count) => format!("{count} were"),
    }
}

/// The files of what was named.
fn gather(args: &ImportArgs) -> Result<Upload, Failure> {
    let cannot = |error: std::io::Error| Failure::Refused(format!("{}: {error}", args.path.display()));
    let path = fs::canonicalize(&args.path).map_err(cannot)?;
    let is_file = path.is_file();
    let root = match path.parent() {
        Some(parent) if is_file => parent.to_path_buf(),
        _ => path.clone(),
    };
    let name = |path: &Path| path.file_name().map(|name| name.to_string_lossy().into_owned()).unwrap_or_default();
    let named = if is_file { format!("{} {}", name(&root), name(&path)) } else { name(&path) };
    let source = match &args.source {
        Some(source) => source.clone(),
        None => match slug(&named).map(|slug| slug.replace(['.', '_'], "-")) {
            Some(source) => source,
            None => return refused("the folder gives no name for the source: say one with --source"),
        },
    };
    let mut files = match is_file {
        true => {
            let file = name(&path);
            let format = Format::of_given(&file);
            if format.is_none() {
                return refused(format!("{file:?} is no file that an import reads: YAML, JSON or a CSV of people"));
            }
            vec![File { format, text: read(&path), path: file }]
        }
        false => walk(&root)?,
    };
    follow(&root, &mut files);
    let commit = if is_file { None } else { commit(&root) };
    let kind = match (is_file, root.join(".git").exists()) {
        (true, _) => "file",
        (false, true) => "git",
        (false, false) => "folder",
    };
    Ok(Upload { source, kind, root: Some(root.display().to_string()), commit, files })
}

/// Every file below the folder whose name says what it is. Links are followed only to files that lie below it, too.
fn walk(root: &Path) -> Result<Vec<File>, Failure> {
    let mut files = Vec::new();
    let mut open = vec![root.to_path_buf()];
    let (mut seen, mut bytes) = (0, 0);
    while let Some(folder) = open.pop() {
        let unread = |error: std::io::Error| Failure::Refused(format!("{}: {error}", folder.display()));
        let mut entries: Vec<PathBuf> = Vec::new();
        for entry in fs::read_dir(&folder).map_err(unread)? {
            entries.push(entry.map_err(unread)?.path());
        }
        entries.sort_unstable();
        for path in entries {
            seen += 1;
            if seen > ENTRIES {
                return refused(format!("there are more than {ENTRIES} files and folders below {}", root.display()));
            }
            let name = path.file_name().map(|name| name.to_string_lossy().into_owned()).unwrap_or_default();
            let link = fs::symlink_metadata(&path).is_ok_and(|kind| kind.file_type().is_symlink());
            if name.starts_with('.') || name == "node_modules" {
                continue;
            }
            if path.is_dir() {
                if !link {
                    open.push(path);
                }
                continue;
            }
            let Some(format) = Format::of_name(&name) else { continue };
            if link && !fs::canonicalize(&path).is_ok_and(|target| target.starts_with(root)) {
                continue;
            }
            let text = read(&path);
            bytes += text.as_ref().map_or(0, String::len);
            files.push(File { path: below(root, &path), format: Some(format), text });
            if files.len() > FILES || bytes > BYTES {
                return refused(format!("an import may hold at most {FILES} files and {BYTES} bytes"));
            }
        }
    }
    Ok(files)
}

/// The path from the root, with `/`.
fn below(root: &Path, path: &Path) -> String {
    let inner = path.strip_prefix(root).unwrap_or(path);
    inner.components().map(|part| part.as_os_str().to_string_lossy()).collect::<Vec<_>>().join("/")
}

/// The text of a file, or why there is none.
fn read(path: &Path) -> Result<String, String> {
    let about = fs::metadata(path).map_err(|error| format!("cannot be read: {error}"))?;
    // To read a pipe or a device would wait for what may never come.
    if !about.is_file() {
        return Err("is no regular file".to_owned());
    }
    if about.len() > FILE_BYTES {
        return Err(format!("is larger than {FILE_BYTES} bytes"));
    }
    let bytes = fs::read(path).map_err(|error| format!("cannot be read: {error}"))?;
    String::from_utf8(bytes).map_err(|error| {
        let good = &error.as_bytes()[..error.utf8_error().valid_up_to()];
        let line = good.iter().filter(|byte| **byte == b'\n').count() + 1;
        format!("is not UTF-8 (line {line})")
    })
}

/// Adds the files that Locations point to, from one to the next.
fn follow(root: &Path, files: &mut Vec<File>) {
    let mut known: HashSet<String> = files.iter().map(|file| file.path.clone()).collect();
    let mut level: Vec<usize> = (0..files.len()).collect();
    for _ in 0..location::DEPTH {
        let mut next = Vec::new();
        for index in std::mem::take(&mut level) {
            let file = &files[index];
            let Some(text) = file.text.as_ref().ok().filter(|_| file.format == Some(Format::Backstage)) else {
                continue;
            };
            for target in import::targets(&file.path, text) {
                let path = root.join(&target);
                let inside = fs::canonicalize(&path).is_ok_and(|path| path.starts_with(root) && path.is_file());
                if !inside || files.len() >= FILES || !known.insert(target.clone()) {
                    continue;
                }
                next.push(files.len());
                files.push(File { format: Some(Format::Backstage), text: read(&path), path: target });
            }
        }
        level = next;
    }
}

/// The commit that is checked out, as `.git` says it.
fn commit(root: &Path) -> Option<String> {
    let git = root.join(".git");
    let head = fs::read_to_string(git.join("HEAD")).ok()?;
    let head = head.trim();
    let hash = |text: &str| {
        let text = text.trim();
        (text.len() >= 40 && text.bytes().all(|byte| byte.is_ascii_hexdigit())).then(|| text.to_owned())
    };
    let Some(name) = head.strip_prefix("ref: ") else { return hash(head) };
    // A name is no way out of the folder.
    if name.split('/').any(|step| step == ".." || step.is_empty()) {
        return None;
    }
    if let Some(commit) = fs::read_to_string(git.join(name)).ok().as_deref().and_then(hash) {
        return Some(commit);
    }
    let packed = fs::read_to_string(git.join("packed-refs")).ok()?;
    let refs: HashMap<&str, &str> =
        packed.lines().filter_map(|line| line.split_once(' ')).map(|(commit, name)| (name, commit)).collect();
    refs.get(name).copied().and_then(hash)
}

/// The report for people.
fn shown(report: &Report) -> Vec<String> {
    let mut lines = Vec::new();
    for file in &report.files {
        lines.extend(of_file(file));
    }
    lines.extend(report.removals.removed.iter().map(|what| format!("removed    {what}")));
    lines.extend(report.removals.left.iter().map(|what| format!("left       {what}")));
    lines.extend(report.removals.refused.iter().map(|reason| format!("refused    removals: {reason}")));
    let counts = report.counts;
    let commit = report.commit.as_deref().map(|commit| format!(" at {}", &commit[..commit.len().min(12)]));
    lines.push(format!(
        "{}{}{}: {} created, {} changed, {} unchanged, {} removed, {} refused, {} warnings",
        if report.dry_run { "would be, from " } else { "from " },
        report.source,
        commit.unwrap_or_default(),
        counts.created,
        counts.changed,
        counts.unchanged,
        counts.removed,
        counts.refused,
        counts.warnings
    ));
    lines
}

fn of_file(file: &FileReport) -> Vec<String> {
    let mut lines: Vec<String> = file.created.iter().map(|what| format!("created    {what}")).collect();
    lines.extend(file.changed.iter().map(|one| format!("changed    {} ({})", one.what, one.fields.join(", "))));
    lines.extend(file.problems.iter().map(|problem| {
        let severity = match problem.severity {
            Severity::Error => "error",
            Severity::Conflict => "conflict",
            Severity::Warning => "warning",
            Severity::Note => "note",
        };
        let field = if problem.field.is_empty() { String::new() } else { format!("{} ", problem.field) };
        format!("{}:{}:{}: {severity}: {field}{}", file.path, problem.line, problem.column, problem.message)
    }));
    lines
}
