//! `cargo xtask bench`: builds the release binaries and runs the load beside the bare yardsticks of the same machine.

use crate::process::cargo;
use std::path::Path;
use std::process::Command;

/// Builds and runs; `arguments` go to the bench: `--engine both --users 1000,100000 --seconds 5`. PostgreSQL is measured
/// on a cluster made for the run, unless the arguments name one.
pub(crate) fn run(root: &Path, arguments: &[&str]) -> Result<(), String> {
    let engine = arguments.iter().position(|word| *word == "--engine").and_then(|at| arguments.get(at + 1));
    let own_cluster = engine.is_some_and(|engine| *engine != "sqlite") && !arguments.contains(&"--database-url");
    build(root, &["--package", "bailiwick", "--package", "bailiwick-bench"])?;
    let release = root.join("target").join("release");
    let mut bench = Command::new(release.join("bailiwick-bench"));
    bench.arg(release.join("bailiwick")).args(arguments).current_dir(root);
    if own_cluster {
        build(root, &["--package", "bailiwick-testkit", "--bin", "throwaway-postgres"])?;
        bench.arg("--cluster").arg(release.join("throwaway-postgres"));
    }
    let ended = bench.status().map_err(|error| format!("bailiwick-bench: {error}"))?;
    if ended.success() { Ok(()) } else { Err("the bench failed".to_owned()) }
}

fn build(root: &Path, what: &[&str]) -> Result<(), String> {
    let mut build = cargo(root, &["build", "--release"]);
    let ended = build.args(what).status().map_err(|error| format!("cargo: {error}"))?;
    if ended.success() { Ok(()) } else { Err("the release build failed".to_owned()) }
}
