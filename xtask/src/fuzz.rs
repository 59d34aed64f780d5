//! The fuzz targets, on stable: each is a test of `bailiwick-fuzz` that runs as long as it is told to.

use crate::check::{Counts, tested};
use crate::process::cargo;
use std::path::Path;
use std::time::Duration;

const TARGETS: &[&str] = &["filter", "json", "patch", "path", "yaml"];

/// Runs every target for so long, two at a time.
pub(crate) fn run_all(root: &Path, each: Duration) -> Result<Counts, String> {
    let mut command = cargo(root, &["test", "--package", "bailiwick-fuzz", "--lib", "--", "--test-threads", "2"]);
    command.env("BOLERO_RANDOM_TEST_TIME_MS", each.as_millis().to_string());
    let limit = Duration::from_secs(15 * 60) + each * u32::try_from(TARGETS.len()).unwrap_or(4) * 2;
    let counts = tested(command, limit)?;
    if counts.passed + counts.failed < TARGETS.len() as u64 {
        return Err(format!("fewer fuzz targets ran than there are: {}", TARGETS.join(", ")));
    }
    Ok(counts)
}

/// `cargo xtask fuzz [--seconds N | --minutes N]`
pub(crate) fn command(root: &Path, arguments: &[&str]) -> Result<(), String> {
    let number = |text: &str| text.parse::<u64>().map_err(|_| format!("not a number: {text}"));
    let each = match arguments {
        [] => 20,
        ["--seconds", text] => number(text)?,
        ["--minutes", text] => number(text)? * 60,
        _ => return Err("usage: cargo xtask fuzz [--seconds N | --minutes N]".to_owned()),
    };
    let counts = run_all(root, Duration::from_secs(each))?;
    println!("{} passed, {} failed", counts.passed, counts.failed);
    if counts.failed == 0 { Ok(()) } else { Err("a fuzz target failed; its input is printed above".to_owned()) }
}
