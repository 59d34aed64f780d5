//! `docs/reference/cli.md` is what the commands say about themselves.

use super::Cli;
use clap::CommandFactory as _;
use std::fmt::Write as _;
use std::path::Path;

#[test]
fn the_definition_is_sound() {
    Cli::command().debug_assert();
}

/// Run it with `UPDATE=1` to renew the page.
#[test]
fn the_reference_is_what_help_says() {
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../docs/reference/cli.md");
    let expect = reference();
    if std::env::var_os("UPDATE").is_some() {
        std::fs::write(&path, &expect).unwrap();
    }
    let found = std::fs::read_to_string(&path).unwrap_or_default();
    assert!(found == expect, "docs/reference/cli.md is stale: UPDATE=1 cargo test -p bailiwick the_reference");
}

fn reference() -> String {
    let mut page = include_str!("reference.md").to_owned();
    let mut command = Cli::command().term_width(100);
    command.build();
    describe(&mut page, &mut command);
    page
}

fn describe(page: &mut String, command: &mut clap::Command) {
    let name = command.get_bin_name().unwrap_or_else(|| command.get_name()).to_owned();
    if name.split(' ').any(|word| word == "help") {
        return;
    }
    let help = command.render_long_help().to_string();
    let help: Vec<&str> = help.lines().map(str::trim_end).collect();
    let _ = write!(page, "\n## `{name}`\n\n```text\n{}\n```\n", help.join("\n").trim());
    let names: Vec<String> = command.get_subcommands().map(|sub| sub.get_name().to_owned()).collect();
    for name in names {
        if let Some(sub) = command.find_subcommand_mut(&name) {
            describe(page, sub);
        }
    }
}
