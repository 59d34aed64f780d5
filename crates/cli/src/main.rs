//! The binary `bailiwick`: configuration, wiring, commands, the demo.
//!
//! It knows every room, once, where it wires them, and no rule of any kind: what a command decides is decided in `app`.
//! Where to start reading: `args` is what can be typed, `wiring` is where clock, randomness and store are put in.

mod args;
mod commands;
mod config;
mod demo;
mod out;
mod wiring;

use clap::Parser as _;
use std::process::ExitCode;

fn main() -> ExitCode {
    match commands::run(args::Cli::parse()) {
        Ok(()) => ExitCode::SUCCESS,
        Err(failure) => failure.report(),
    }
}
