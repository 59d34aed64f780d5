//! `cargo xtask bench`: builds the release binaries and runs the load beside the bare yardsticks of the same machine.

use crate::process::cargo;
use std::path::Path;
use std::process::Command;

/// Builds and runs; `arguments` go to the bench: `--users 1000,100000 --seconds 5`.
pub(crate) fn run(root: &Path, arguments: &[&str]) -> Result<(), String> {
    let mut build = cargo(root, &["build", "--release", "--package", "bailiwick", "--package", "bailiwick-bench"]);
    if !build.status().map_err(|error| format!("cargo: {error}"))?.success() {
        return Err("the release build failed".to_owned());
    }
    let release = root.join("target").join("release");
    let mut bench = Command::new(release.join("bailiwick-bench"));
    bench.arg(release.join("bailiwick")).args(arguments).current_dir(root);
    let ended = bench.status().map_err(|error| format!("bailiwick-bench: {error}"))?;
    if ended.success() { Ok(()) } else { Err("the bench failed".to_owned()) }
}
