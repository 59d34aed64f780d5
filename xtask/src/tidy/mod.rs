//! What the compiler cannot see: arrows between crates, purity, sizes, names, words. Runs in the tests, too.

mod arrows;
mod mask;
mod names;
mod purity;
mod sizes;
mod words;

use crate::gen_docs;
use std::path::Path;

/// A text file of the repository, with its path below the root.
pub(crate) struct Source {
    pub(crate) path: String,
    pub(crate) text: String,
}

impl Source {
    fn is_rust(&self) -> bool {
        self.path.ends_with(".rs")
    }
}

/// Prints what is wrong.
pub(crate) fn run(root: &Path) -> Result<(), String> {
    crate::report(findings(root))
}

/// Everything that is wrong, one line each.
pub(crate) fn findings(root: &Path) -> Vec<String> {
    let sources = sources(root);
    let mut findings = arrows::check(&sources);
    findings.extend(purity::check(&sources));
    findings.extend(sizes::check(&sources));
    findings.extend(names::check(&sources));
    findings.extend(words::check(&sources));
    findings.extend(gen_docs::stale(root));
    findings
}

/// Every text file that belongs to the repository.
fn sources(root: &Path) -> Vec<Source> {
    let mut folders = vec![root.to_path_buf()];
    let mut sources = Vec::new();
    while let Some(folder) = folders.pop() {
        let Ok(entries) = std::fs::read_dir(&folder) else { continue };
        for path in entries.flatten().map(|entry| entry.path()) {
            if path.is_symlink() {
                continue;
            }
            if path.is_dir() {
                if !skipped(&path) {
                    folders.push(path);
                }
            } else if let Ok(text) = std::fs::read_to_string(&path) {
                let below = path.strip_prefix(root).unwrap_or(&path);
                sources.push(Source { path: below.to_string_lossy().into_owned(), text });
            }
        }
    }
    sources.sort_by(|a, b| a.path.cmp(&b.path));
    sources
}

/// Folders that hold what was built or kept, not what was written.
fn skipped(folder: &Path) -> bool {
    let name = folder.file_name().and_then(|name| name.to_str()).unwrap_or_default();
    matches!(
        name,
        "target" | ".git" | "bailiwick-data" | "node_modules" | "__fuzz__" | "corpus" | "proptest-regressions"
    )
}

#[cfg(test)]
mod tests {
    #[test]
    fn the_repository_is_tidy() {
        let findings = super::findings(&crate::root());
        assert!(findings.is_empty(), "\n{}", findings.join("\n"));
    }
}
