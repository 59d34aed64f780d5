//! Words that belong to one machine or one network and never to the repository.

use super::Source;

/// Written in halves, so that this file does not name what it looks for.
const NEVER: &[(&str, &str)] = &[
    (concat!("/wo", "rk/"), "a path of one machine"),
    (concat!("/ro", "ot/"), "a path of one machine"),
    (concat!("/tmp/", "spec"), "a path of one machine"),
    (concat!("static.", "crates.io"), "the host of a registry"),
    (concat!("index.", "crates.io"), "the host of a registry"),
    (concat!("github.com/rust-lang/", "crates.io-index"), "the host of a registry"),
    (concat!("pypi.", "org/simple"), "the host of a registry"),
    (concat!("files.", "pythonhosted.org"), "the host of a registry"),
    (concat!("[sou", "rce."), "a replaced registry"),
    (concat!("replace-", "with ="), "a replaced registry"),
];

pub(crate) fn check(sources: &[Source]) -> Vec<String> {
    let mut findings = Vec::new();
    for source in sources.iter().filter(|source| source.path != "Cargo.lock") {
        for (number, line) in source.text.lines().enumerate() {
            if let Some((word, what)) = NEVER.iter().find(|(word, _)| line.contains(word)) {
                findings.push(format!("{}:{}: `{word}` is {what}", source.path, number + 1));
            }
        }
    }
    findings
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn paths_of_a_machine_are_found() {
        let source = |path: &str, text: String| Source { path: path.to_owned(), text };
        assert!(check(&[source("a.md", "see /etc/bailiwick".to_owned())]).is_empty());
        assert_eq!(check(&[source("a.md", format!("first\nsee {}here", NEVER[0].0))]).len(), 1);
        assert!(check(&[source("Cargo.lock", NEVER[5].0.to_owned())]).is_empty());
    }
}
