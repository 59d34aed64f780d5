//! Names and headers: migrations are twins and numbered, decisions are numbered, every crate says what it is.

use super::Source;

const ENGINES: &[&str] = &["sqlite", "postgres"];

pub(crate) fn check(sources: &[Source]) -> Vec<String> {
    let mut findings = migrations(sources);
    findings.extend(decisions(sources));
    findings.extend(headers(sources));
    findings
}

/// The names of the files directly in a folder.
fn names<'a>(sources: &'a [Source], folder: &str) -> Vec<&'a str> {
    let below = |source: &'a Source| source.path.strip_prefix(folder)?.strip_prefix('/');
    sources.iter().filter_map(below).filter(|name| !name.contains('/')).collect()
}

/// `NNNN_name.sql`, without a hole, with the same names for every engine.
fn migrations(sources: &[Source]) -> Vec<String> {
    let mut findings = Vec::new();
    let sets: Vec<(String, Vec<&str>)> = ENGINES
        .iter()
        .map(|engine| (format!("migrations/{engine}"), names(sources, &format!("migrations/{engine}"))))
        .filter(|(_, files)| !files.is_empty())
        .collect();
    for (folder, files) in &sets {
        findings.extend(numbered(folder, files, '_', ".sql"));
    }
    if let [(first, files), others @ ..] = sets.as_slice() {
        for (folder, twins) in others.iter().filter(|(_, twins)| twins != files) {
            let differ = files.iter().chain(twins).filter(|name| files.contains(name) != twins.contains(name));
            let differ: Vec<_> = differ.copied().collect();
            findings.push(format!("{first} and {folder} differ: {}", differ.join(", ")));
        }
    }
    findings
}

/// `docs/decisions/NNNN-title.md`, without a hole.
fn decisions(sources: &[Source]) -> Vec<String> {
    let mut files = names(sources, "docs/decisions");
    files.retain(|name| *name != "README.md");
    numbered("docs/decisions", &files, '-', ".md")
}

fn numbered(folder: &str, files: &[&str], separator: char, ending: &str) -> Vec<String> {
    let expected = |(index, name): (usize, &&str)| {
        let beginning = format!("{:04}{separator}", index + 1);
        (!(name.starts_with(&beginning) && name.ends_with(ending)))
            .then(|| format!("{folder}/{name}: the next name is {beginning}name{ending}"))
    };
    files.iter().enumerate().filter_map(expected).collect()
}

/// Every crate begins with what it is and must never know.
fn headers(sources: &[Source]) -> Vec<String> {
    let roots = sources.iter().filter(|source| {
        let top = source.path.ends_with("/src/lib.rs") || source.path.ends_with("/src/main.rs");
        top && source.path.matches('/').count() <= 3
    });
    roots
        .filter(|source| !source.text.starts_with("//! ") || source.text.starts_with("//! Placeholder"))
        .map(|source| format!("{}: a crate begins with `//!` and says what it is", source.path))
        .collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn check_paths(paths: &[&str], expect: &[&str]) {
        let source = |path: &&str| Source { path: (*path).to_owned(), text: "//! Text.".to_owned() };
        let sources: Vec<_> = paths.iter().map(source).collect();
        assert_eq!(check(&sources), expect, "{paths:?}");
    }

    #[test]
    fn migrations_are_numbered_twins() {
        check_paths(&["migrations/sqlite/0001_base.sql", "migrations/sqlite/0002_more.sql"], &[]);
        check_paths(
            &["migrations/sqlite/0002_more.sql"],
            &["migrations/sqlite/0002_more.sql: the next name is 0001_name.sql"],
        );
        check_paths(
            &["migrations/postgres/0001_base.sql", "migrations/sqlite/0001_other.sql"],
            &["migrations/sqlite and migrations/postgres differ: 0001_other.sql, 0001_base.sql"],
        );
    }

    #[test]
    fn decisions_are_numbered() {
        check_paths(&["docs/decisions/0001-a.md", "docs/decisions/0002-b.md", "docs/decisions/README.md"], &[]);
        check_paths(&["docs/decisions/0003-a.md"], &["docs/decisions/0003-a.md: the next name is 0001-name.md"]);
    }
}
