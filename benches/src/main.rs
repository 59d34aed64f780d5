//! Load against a running Bailiwick, beside the bare yardsticks of the same machine in the same run: axum that answers
//! one constant JSON, grouped SQLite commits of the same rows, and the same rows and look-ups through the driver of
//! PostgreSQL.
//!
//! `bailiwick-bench BINARY [--engine sqlite|postgres|both] [--users 1000,10000,100000] [--growth 100000,1000000]
//! [--catalog 100000] [--seconds 5] [--folder DIR] [--cluster PROGRAM | --database-url URL]` prints a Markdown table for each engine. The
//! server runs with its defaults (durable commits, journal on) except for `--rate-limit off`. PROGRAM starts a cluster
//! for the run; at URL, databases named `bailiwick_bench...` are made and dropped.

#![expect(clippy::disallowed_methods, reason = "a benchmark measures real time")]

mod catalog;
mod cluster;
mod filler;
mod hello;
mod load;
mod process;
mod raw;
mod report;
mod rows;
mod run;
mod scenarios;
mod seed;

use cluster::Source;
use std::path::PathBuf;
use std::process::ExitCode;

/// Which engines are measured.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Engines {
    Both,
    Postgres,
    Sqlite,
}

impl Engines {
    pub(crate) fn postgres(self) -> bool {
        self != Self::Sqlite
    }

    pub(crate) fn sqlite(self) -> bool {
        self != Self::Postgres
    }
}

/// What was asked for.
#[derive(Clone, Debug)]
pub(crate) struct Options {
    pub(crate) binary: PathBuf,
    pub(crate) folder: PathBuf,
    pub(crate) engines: Engines,
    pub(crate) cluster: Option<Source>,
    pub(crate) users: Vec<usize>,
    /// Sizes that one store is grown to; then nothing else is measured.
    pub(crate) growth: Vec<usize>,
    /// People of a company whose catalog is measured; then nothing else is measured.
    pub(crate) catalog: Option<usize>,
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

const USAGE: &str = "usage: bailiwick-bench BINARY [--engine sqlite|postgres|both] [--users 1000,10000] \
     [--growth 100000,1000000] [--catalog 100000] [--seconds 5] [--folder DIR] \
     [--cluster PROGRAM | --database-url URL]";

fn options(arguments: &[String]) -> Result<Options, String> {
    let mut options = Options {
        binary: arguments.first().ok_or(USAGE)?.into(),
        folder: std::env::temp_dir().join(format!("bailiwick-bench-{}", std::process::id())),
        engines: Engines::Sqlite,
        cluster: None,
        users: vec![1_000, 10_000, 100_000],
        growth: Vec::new(),
        catalog: None,
        seconds: 5.0,
    };
    let mut rest = arguments[1..].iter();
    while let Some(name) = rest.next() {
        let value = rest.next().ok_or(USAGE)?;
        let number = |text: &str| text.parse::<usize>().map_err(|_| format!("{text} is no number"));
        let sizes = || value.split(',').map(number).collect::<Result<Vec<usize>, _>>();
        match name.as_str() {
            "--catalog" => options.catalog = Some(number(value)?),
            "--cluster" => options.cluster = Some(Source::Program(value.into())),
            "--database-url" => options.cluster = Some(Source::Url(value.clone())),
            "--engine" => {
                options.engines = match value.as_str() {
                    "both" => Engines::Both,
                    "postgres" => Engines::Postgres,
                    "sqlite" => Engines::Sqlite,
                    _ => return Err(USAGE.to_owned()),
                }
            }
            "--folder" => options.folder = value.into(),
            "--growth" => options.growth = sizes()?,
            "--seconds" => options.seconds = value.parse().map_err(|_| format!("{value} is no number"))?,
            "--users" => options.users = sizes()?,
            _ => return Err(USAGE.to_owned()),
        }
    }
    Ok(options)
}
