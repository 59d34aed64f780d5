//! What the full run needs beside the Rust toolchain: Python with venv, for the conformance tools.

use crate::process::{run, succeeds};
use std::process::Command;
use std::time::Duration;

const PACKAGES: &str = "python3 python3-venv";

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
    if has_venv() {
        return Ok(());
    }
    if may_install() {
        let limit = Duration::from_secs(600);
        let script = format!("apt-get update -q && apt-get install -y -q --no-install-recommends {PACKAGES}");
        run(Command::new("sh").args(["-c", &script]).env("DEBIAN_FRONTEND", "noninteractive"), limit, true)?;
    }
    if has_venv() { Ok(()) } else { Err(format!("missing packages: {PACKAGES} (apt-get install {PACKAGES})")) }
}

fn has_venv() -> bool {
    succeeds(Command::new("python3").args(["-c", "import venv, ensurepip"]))
}

fn may_install() -> bool {
    let root = Command::new("id").arg("-u").output().is_ok_and(|output| output.stdout.trim_ascii() == b"0");
    root && succeeds(Command::new("apt-get").arg("--version"))
}
