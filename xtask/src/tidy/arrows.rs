//! Which crate may know which: arrows go one way and are listed here once.

use super::Source;

/// A room: the crate, the crates of ours it may know, and what of others it must never know.
struct Room {
    krate: &'static str,
    folder: &'static str,
    knows: &'static [&'static str],
    never: &'static [&'static str],
}

const HTTP: &[&str] = &["axum", "http", "hyper", "hyper-util", "tower"];
const PURE: &[&str] =
    &["axum", "getrandom", "governor", "http", "hyper", "hyper-util", "rand", "rusqlite", "tokio", "tower", "tracing"];

const ROOMS: &[Room] = &[
    Room { krate: "bailiwick-scim", folder: "crates/scim", knows: &[], never: PURE },
    Room { krate: "bailiwick-domain", folder: "crates/domain", knows: &["bailiwick-scim"], never: PURE },
    Room {
        krate: "bailiwick-store",
        folder: "crates/store",
        knows: &["bailiwick-domain", "bailiwick-scim"],
        never: HTTP,
    },
    Room {
        krate: "bailiwick-app",
        folder: "crates/app",
        knows: &["bailiwick-domain", "bailiwick-scim", "bailiwick-store"],
        never: &["axum", "http", "hyper", "hyper-util", "rusqlite", "tower"],
    },
    Room {
        krate: "bailiwick-server",
        folder: "crates/server",
        knows: &["bailiwick-app", "bailiwick-domain", "bailiwick-scim"],
        never: &["rusqlite"],
    },
    Room {
        krate: "bailiwick",
        folder: "crates/cli",
        knows: &["bailiwick-app", "bailiwick-domain", "bailiwick-scim", "bailiwick-server", "bailiwick-store"],
        never: &["rusqlite"],
    },
    Room {
        krate: "bailiwick-testkit",
        folder: "crates/testkit",
        knows: &["bailiwick-app", "bailiwick-domain", "bailiwick-scim", "bailiwick-server", "bailiwick-store"],
        never: &[],
    },
    Room { krate: "bailiwick-bench", folder: "benches", knows: &["bailiwick-domain"], never: &[] },
    Room { krate: "bailiwick-fuzz", folder: "fuzz", knows: &["bailiwick-domain", "bailiwick-scim"], never: &[] },
    Room {
        krate: "xtask",
        folder: "xtask",
        knows: &["bailiwick-domain", "bailiwick-scim", "bailiwick-store"],
        never: &["bailiwick"],
    },
];

pub(crate) fn check(sources: &[Source]) -> Vec<String> {
    let mut findings = Vec::new();
    for manifest in sources.iter().filter(|source| source.path.ends_with("/Cargo.toml")) {
        let folder = manifest.path.trim_end_matches("/Cargo.toml");
        match ROOMS.iter().find(|room| room.folder == folder) {
            Some(room) => findings.extend(room_findings(room, manifest)),
            None => findings.push(format!(
                "{}: no room of that name: a new crate needs a decision record and a line in xtask/src/tidy/arrows.rs",
                manifest.path
            )),
        }
    }
    findings
}

fn room_findings(room: &Room, manifest: &Source) -> Vec<String> {
    let mut findings = Vec::new();
    for (section, name) in dependencies(&manifest.text) {
        let ours = ROOMS.iter().any(|other| other.krate == name);
        // Tests may start the whole thing.
        let allowed = if section == "dev-dependencies" {
            name == "bailiwick-testkit" || room.knows.contains(&name.as_str())
        } else {
            room.knows.contains(&name.as_str())
        };
        if ours && !allowed {
            findings.push(format!("{}: {} must not know {name}", manifest.path, room.krate));
        }
        if section != "dev-dependencies" && room.never.contains(&name.as_str()) {
            findings.push(format!("{}: {} must never know {name}", manifest.path, room.krate));
        }
    }
    if !manifest.text.contains(&format!("name = \"{}\"", room.krate)) {
        findings.push(format!("{}: the crate in this folder is called {}", manifest.path, room.krate));
    }
    findings
}

/// The dependencies named in a manifest, each with its section.
fn dependencies(manifest: &str) -> Vec<(String, String)> {
    let mut section = String::new();
    let mut found = Vec::new();
    for line in manifest.lines().map(str::trim) {
        if let Some(header) = line.strip_prefix('[').and_then(|line| line.strip_suffix(']')) {
            section = header.rsplit('.').next().unwrap_or(header).to_owned();
            // `[dependencies.tokio]`: the name is part of the header.
            let kind = header.split('.').rev().nth(1).unwrap_or_default();
            if kind.ends_with("dependencies") {
                found.push((kind.to_owned(), section.clone()));
            }
        } else if section.ends_with("dependencies")
            && let Some((key, _)) = line.split_once('=').filter(|_| !line.starts_with('#'))
        {
            let name = key.trim().split('.').next().unwrap_or_default();
            found.push((section.clone(), name.trim_matches('"').to_owned()));
        }
    }
    found
}

#[cfg(test)]
mod tests {
    use super::*;

    fn check_manifest(folder: &str, text: &str, expect: &[&str]) {
        let sources = [Source { path: format!("{folder}/Cargo.toml"), text: text.to_owned() }];
        assert_eq!(check(&sources), expect);
    }

    #[test]
    fn arrows_go_one_way() {
        let head = "[package]\nname = \"bailiwick-scim\"\n";
        check_manifest("crates/scim", &format!("{head}[dependencies]\nserde.workspace = true\n"), &[]);
        check_manifest(
            "crates/scim",
            &format!("{head}[dependencies]\nbailiwick-domain.workspace = true\ntokio = \"1\"\n"),
            &[
                "crates/scim/Cargo.toml: bailiwick-scim must not know bailiwick-domain",
                "crates/scim/Cargo.toml: bailiwick-scim must never know tokio",
            ],
        );
        check_manifest(
            "crates/scim",
            &format!("{head}[dependencies.tracing]\nversion = \"1\"\n"),
            &["crates/scim/Cargo.toml: bailiwick-scim must never know tracing"],
        );
        check_manifest("crates/scim", &format!("{head}[dev-dependencies]\ntokio = \"1\"\n"), &[]);
        assert_eq!(check(&[Source { path: "crates/new/Cargo.toml".to_owned(), text: String::new() }]).len(), 1);
    }
}
