//! What the full run needs beside the Rust toolchain: Python with venv for the conformance tools, PostgreSQL for the
//! second engine, a proxy in front of replicas.

use crate::process::{run, succeeds};
use std::path::PathBuf;
use std::process::Command;
use std::time::Duration;

/// The oldest PostgreSQL that will do.
const POSTGRES: u32 = 15;

/// Packages of Debian, and how to tell that what they bring is there.
struct Need {
    packages: &'static str,
    there: fn() -> bool,
}

/// Debian starts a cluster of its own when it installs PostgreSQL; the tests leave that one alone.
const NEEDS: &[Need] = &[
    Need { packages: "python3 python3-venv", there: has_venv },
    Need { packages: "postgresql", there: has_postgres },
    Need { packages: "haproxy", there: has_haproxy },
];

/// Installs what is missing, or says in one line what to install.
pub(crate) fn ensure() -> Result<(), String> {
    for (component, subcommand) in [("rustfmt", "fmt"), ("clippy", "clippy")] {
        let there = || {
            succeeds(crate::process::cargo(&crate::root(), &[subcommand, "--version"]).env("RUSTUP_AUTO_INSTALL", "0"))
        };
        if there() {
            continue;
        }
        succeeds(Command::new("rustup").args(["component", "add", component]));
        if !there() {
            return Err(format!("missing: the Rust component {component} (rustup component add {component})"));
        }
    }
    let packages = missing();
    if !packages.is_empty() && may_install() {
        let limit = Duration::from_secs(600);
        let script = format!("apt-get update -q && apt-get install -y -q --no-install-recommends {packages}");
        run(Command::new("sh").args(["-c", &script]).env("DEBIAN_FRONTEND", "noninteractive"), limit, true)?;
    }
    let packages = missing();
    if packages.is_empty() {
        return Ok(());
    }
    let version = if has_postgres() { String::new() } else { format!("; PostgreSQL {POSTGRES} or newer is needed") };
    Err(format!("missing packages: {packages} (apt-get install {packages}){version}"))
}

/// The packages that are missing, with blanks between them.
fn missing() -> String {
    let missing: Vec<&str> = NEEDS.iter().filter(|need| !(need.there)()).map(|need| need.packages).collect();
    missing.join(" ")
}

fn has_venv() -> bool {
    succeeds(Command::new("python3").args(["-c", "import venv, ensurepip"]))
}

/// Programs that only an administrator starts lie outside of the usual search path.
fn has_haproxy() -> bool {
    ["haproxy", "/usr/sbin/haproxy"].iter().any(|program| succeeds(Command::new(program).arg("-v")))
}

/// Debian keeps the programs of a server out of the search path, in a folder per version.
fn has_postgres() -> bool {
    let debian = std::fs::read_dir("/usr/lib/postgresql").into_iter().flatten().flatten();
    let mut programs: Vec<PathBuf> = debian.map(|version| version.path().join("bin/initdb")).collect();
    programs.push(PathBuf::from("initdb"));
    programs.iter().any(|program| {
        let output = Command::new(program).arg("--version").output();
        output
            .is_ok_and(|output| major(&String::from_utf8_lossy(&output.stdout)).is_some_and(|found| found >= POSTGRES))
    })
}

/// The version in a line like "initdb (PostgreSQL) 15.8 (Debian 15.8-0+deb12u1)".
fn major(line: &str) -> Option<u32> {
    let (_, version) = line.split_once("(PostgreSQL) ")?;
    let digits: String = version.chars().take_while(char::is_ascii_digit).collect();
    digits.parse().ok()
}

fn may_install() -> bool {
    let root = Command::new("id").arg("-u").output().is_ok_and(|output| output.stdout.trim_ascii() == b"0");
    root && succeeds(Command::new("apt-get").arg("--version"))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn versions_are_read() {
        assert_eq!(major("initdb (PostgreSQL) 15.8 (Debian 15.8-0+deb12u1)\n"), Some(15));
        assert_eq!(major("initdb (PostgreSQL) 18beta1"), Some(18));
        assert_eq!(major("initdb 9.6"), None);
    }
}
