//! What can be done from the command line. Each file wires one group of use cases to what is printed.

mod access;
mod admin;
mod api_token;
mod audit;
mod conflict;
mod domain;
mod entity;
mod export;
mod handover;
mod hold;
mod import;
mod integration;
mod items;
mod leaver;
mod log;
mod migrate;
mod person;
mod role;
mod rule;
mod serve;
mod session;
mod standards;
mod team;
mod token;
mod webhook;

use crate::args::{Cli, Command, IntegrationCommand};
use crate::config::{Config, Environment};
use crate::out::{Done, Failure};
use crate::wiring;
use bailiwick_domain::catalog::levels::Scale;

/// Runs what was typed.
pub(crate) fn run(cli: Cli) -> Done {
    let single = tokio::runtime::Builder::new_current_thread;
    if let Command::Migrate(args) = &cli.command {
        return runtime(single())?.block_on(migrate::run(args, &cli.store));
    }
    let config = Config::new(&cli.store, Environment::read())?;
    match cli.command {
        Command::Serve(args) => serve::run(&args, &config),
        command => runtime(single())?.block_on(short(command, &config)),
    }
}

fn runtime(mut builder: tokio::runtime::Builder) -> Result<tokio::runtime::Runtime, Failure> {
    builder.enable_all().build().map_err(|error| Failure::Refused(format!("no runtime: {error}")))
}

/// A command that is done when it has answered.
async fn short(command: Command, config: &Config) -> Done {
    let url = match &command {
        Command::Integration(IntegrationCommand::Create { public_url, .. }) => public_url.clone(),
        _ => None,
    };
    let app = wiring::command(config, url.as_deref()).await?;
    match command {
        // These do not come here.
        Command::Migrate(_) | Command::Serve(_) => Ok(()),
        Command::Integration(command) => integration::run(&app, command).await,
        Command::Token(command) => token::run(&app, command).await,
        Command::Log(args) => log::run(&app, args).await,
        Command::Person(command) => person::run(&app, command).await,
        Command::Team(command) => team::run(&app, *command).await,
        Command::Entity(command) => entity::run(&app, *command).await,
        Command::Tier(command) => standards::level(&app, Scale::Tier, command).await,
        Command::Lifecycle(command) => standards::level(&app, Scale::Lifecycle, command).await,
        Command::Property(command) => standards::property(&app, command).await,
        Command::Ownership(args) => entity::ownership(&app, args).await,
        Command::Conflict(command) => conflict::run(&app, command).await,
        Command::Hold(command) => hold::run(&app, command).await,
        Command::Leaver(args) => leaver::run(&app, args).await,
        Command::Handover(command) => handover::run(&app, command).await,
        Command::Admin(command) => admin::run(&app, command).await,
        Command::Role(command) => role::run(&app, command).await,
        Command::ApiToken(command) => api_token::run(&app, command).await,
        Command::Session(command) => session::run(&app, command).await,
        Command::Invite(command) => session::invite(&app, command).await,
        Command::Rule(command) => rule::run(&app, command).await,
        Command::Access(args) => access::run(&app, args).await,
        Command::Domain(command) => domain::run(&app, command).await,
        Command::Audit(command) => audit::run(&app, command).await,
        Command::Import(args) => import::run(&app, args).await,
        Command::Export(args) => export::run(&app, args).await,
        Command::Webhook(command) => webhook::run(&app, command).await,
    }
}
