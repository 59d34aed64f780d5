//! Load against a running Bailiwick, beside the bare yardsticks of the same machine in the same run: axum that answers
//! one constant JSON, and grouped SQLite commits of the same rows.
//!
//! `bailiwick-bench BINARY [--users 1000,10000,100000] [--seconds 5] [--folder DIR]` prints a Markdown table. The server
//! runs with its defaults (synchronous=FULL, journal on) except for `--rate-limit off`.

#![expect(clippy::disallowed_methods, reason = "a benchmark measures real time")]

mod hello;
mod load;
mod process;
mod raw;
mod report;
mod run;
mod scenarios;
mod seed;

use std::path::PathBuf;
use std::process::ExitCode;

/// What was asked for.
#[derive(Clone, Debug)]
pub(crate) struct Options {
    pub(crate) binary: PathBuf,
    pub(crate) folder: PathBuf,
    pub(crate) users: Vec<usize>,
    pub(crate) seconds: f64,
}

fn main() -> ExitCode {
    let arguments: Vec<String> = std::env::args().skip(1).collect();
    if arguments.first().map(String::as_str) == Some("hello") {
        return hello::serve();
    }
    let options = match options(&arguments) {
        Ok(options) => options,
        Err(message) => {
            eprintln!("{message}");
            return ExitCode::from(2);
        }
    };
    match run::all(&options) {
        Ok(()) => ExitCode::SUCCESS,
        Err(message) => {
            eprintln!("bench: {message}");
            ExitCode::FAILURE
        }
    }
}

fn options(arguments: &[String]) -> Result<Options, String> {
    let usage = "usage: bailiwick-bench BINARY [--users 1000,10000] [--seconds 5] [--folder DIR]";
    let mut options = Options {
        binary: arguments.first().ok_or(usage)?.into(),
        folder: std::env::temp_dir().join(format!("bailiwick-bench-{}", std::process::id())),
        users: vec![1_000, 10_000, 100_000],
        seconds: 5.0,
    };
    let mut rest = arguments[1..].iter();
    while let Some(name) = rest.next() {
        let value = rest.next().ok_or(usage)?;
        let number = |text: &str| text.parse::<usize>().map_err(|_| format!("{text} is no number"));
        match name.as_str() {
            "--users" => options.users = value.split(',').map(number).collect::<Result<_, _>>()?,
            "--seconds" => options.seconds = value.parse().map_err(|_| format!("{value} is no number"))?,
            "--folder" => options.folder = value.into(),
            _ => return Err(usage.to_owned()),
        }
    }
    Ok(options)
}
