//! Chores of the repository: `cargo xtask tidy | gen [--check] | test | fuzz [--seconds N | --minutes N] | conformance
//! [--api] | bench`.
//!
//! `tidy` guards what the compiler cannot see (arrows between crates, purity, sizes), `gen` writes the generated part of
//! the documentation, `test` runs everything there is.

mod bench;
mod check;
mod conformance;
mod fuzz;
mod gen_docs;
mod needs;
mod process;
mod schemathesis;
mod tidy;

use std::path::{Path, PathBuf};
use std::process::ExitCode;

const USAGE: &str = "usage: cargo xtask tidy | gen [--check] | test | fuzz [--seconds N | --minutes N] | conformance [--api] | \
     bench [--engine sqlite|postgres|both] [--users 1000,10000] [--growth 100000,1000000] [--catalog 100000] [--seconds 5] \
     [--database-url URL]";

fn main() -> ExitCode {
    let arguments: Vec<String> = std::env::args().skip(1).collect();
    let words: Vec<&str> = arguments.iter().map(String::as_str).collect();
    let root = root();
    let done = match words.as_slice() {
        ["tidy"] => tidy::run(&root),
        ["gen"] => gen_docs::write(&root).and_then(|()| gen_docs::renew(&root)),
        ["gen", "--check"] => report(gen_docs::stale(&root)),
        ["test"] => check::everything(&root),
        ["fuzz", rest @ ..] => fuzz::command(&root, rest),
        ["bench", rest @ ..] => bench::run(&root, rest),
        ["conformance"] => check::conformance_only(&root),
        ["conformance", "--api"] => check::api_only(&root),
        _ => {
            eprintln!("{USAGE}");
            return ExitCode::from(2);
        }
    };
    match done {
        Ok(()) => ExitCode::SUCCESS,
        Err(line) => {
            eprintln!("{line}");
            ExitCode::FAILURE
        }
    }
}

/// The root of the repository: this crate lies directly below it.
fn root() -> PathBuf {
    let here = Path::new(env!("CARGO_MANIFEST_DIR"));
    here.parent().unwrap_or(here).to_path_buf()
}

/// Findings as one error, or none.
fn report(findings: Vec<String>) -> Result<(), String> {
    match findings.len() {
        0 => Ok(()),
        count => Err(format!("{}\n{count} findings", findings.join("\n"))),
    }
}
