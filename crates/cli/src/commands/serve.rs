//! `serve`: the server, from its flags to its last answer.

use crate::args::{LogFormat, ServeArgs};
use crate::config::{self, Config};
use crate::out::{self, Done, Failure, refused};
use crate::{demo, wiring};
use bailiwick_domain::ids::prefixed_id;
use bailiwick_server::{Gate, ServerOptions};
use bailiwick_store::{Location, Role};
use std::io::{self, IsTerminal as _};
use std::net::SocketAddr;
use tokio::signal::unix::{Signal, SignalKind, signal};
use tracing::level_filters::LevelFilter;
use tracing_subscriber::filter::Targets;
use tracing_subscriber::layer::SubscriberExt as _;
use tracing_subscriber::util::SubscriberInitExt as _;

pub(super) fn run(args: &ServeArgs, config: &Config) -> Done {
    check_address(args)?;
    let config = place(args, config);
    start_log(args, &config)?;
    super::runtime(tokio::runtime::Builder::new_multi_thread())?.block_on(serve(args, &config))
}

/// Tokens in the clear leave the machine only when somebody said so.
fn check_address(args: &ServeArgs) -> Done {
    let loopback = args.listen.ip().to_canonical().is_loopback();
    if args.demo && !loopback {
        return refused(format!("the demo listens on loopback only, not on {}", args.listen));
    }
    if !loopback && args.tls_cert.is_none() && !args.plain_http {
        return refused(format!(
            "plain HTTP on {} would show tokens to the network: give --tls-cert and --tls-key, or --plain-http when \
             something in front ends TLS",
            args.listen
        ));
    }
    Ok(())
}

/// A demo without a store gets a folder of its own.
fn place(args: &ServeArgs, config: &Config) -> Config {
    if !args.demo || config.named().is_some() {
        return config.clone();
    }
    let mut random = [0; 16];
    bailiwick_app::Ids::fill(&wiring::OsIds::new(), &mut random);
    config.with_dir(std::env::temp_dir().join(prefixed_id("bailiwick-demo-", random)))
}

fn start_log(args: &ServeArgs, config: &Config) -> Done {
    let level = match (args.log, &config.environment.log) {
        (Some(level), _) => level,
        (None, Some(text)) => match crate::args::level(text) {
            Ok(level) => level,
            Err(reason) => return refused(format!("BAILIWICK_LOG {text:?} cannot be used: {reason}")),
        },
        // A demo talks to people; what it does stands in its journal.
        (None, None) if args.demo => LevelFilter::WARN,
        (None, None) => LevelFilter::INFO,
    };
    // Libraries say at debug level what went over the wire; that is nobody's business.
    let targets = Targets::new().with_target("bailiwick", level).with_default(level.min(LevelFilter::WARN));
    let layer = tracing_subscriber::fmt::layer().with_writer(io::stderr).with_ansi(io::stderr().is_terminal());
    let log = tracing_subscriber::registry().with(targets);
    match args.log_format {
        LogFormat::Text => log.with(layer).init(),
        LogFormat::Json => log.with(layer.json().flatten_event(true)).init(),
    }
    Ok(())
}

async fn serve(args: &ServeArgs, config: &Config) -> Done {
    let chosen = config.public_url(args.public_url.as_deref())?;
    let registry = wiring::registry(&args.schema)?;
    let tls = match (&args.tls_cert, &args.tls_key) {
        (Some(chain), Some(key)) => Some((wiring::read(chain)?, wiring::read(key)?)),
        _ => None,
    };
    let secure = tls.is_some();
    let mut stop = Stop::new()?;
    let location = config.location();
    let store = wiring::open(location.clone(), Role::Serve).await?;
    let ready = if args.demo { Gate::loading() } else { Gate::opened() };
    let options = ServerOptions { tls, ready: ready.clone(), ..ServerOptions::new(args.listen) };
    let bound = bailiwick_server::bind(options)
        .await
        .or_else(|error| refused(format!("{} cannot be served: {error}", args.listen)))?;
    let address = bound.address;
    let url = wiring::server_url(&store, chosen, address, secure).await?;
    let place = config::shown(&location);
    tracing::info!(%address, public_url = %url, store = %place, version = env!("CARGO_PKG_VERSION"), "serving");
    if address.ip().is_unspecified() && url.contains(&address.to_string()) {
        tracing::warn!("no identity provider can reach the address in the links: give --public-url");
    }
    let app = wiring::app(store.clone(), registry, url);
    let running = bound.start(app.clone());
    tell(&[format!("listening on {}://{address}", if secure { "https" } else { "http" })])?;
    if args.demo {
        tokio::select! {
            done = show(&app, address, &location, &ready) => done?,
            () = stop.wait() => {}
        }
    }
    if !stop.seen {
        stop.wait().await;
    }
    tracing::info!("stopping");
    let polite = stop.polite;
    let end = async {
        if polite {
            running.give_notice().await;
        }
        running.stop().await;
    };
    tokio::select! {
        () = end => {}
        // Asked twice, it goes at once.
        () = stop.wait() => {}
    }
    store.close().await;
    Ok(())
}

/// Loads the demo and says what can be done with it.
async fn show(app: &bailiwick_app::App, address: SocketAddr, store: &Location, ready: &Gate) -> Done {
    let loaded = demo::load(app, address).await?;
    ready.set_ready();
    let command = std::env::args().next().unwrap_or_else(|| "bailiwick".to_owned());
    tell(&demo::invitation(loaded.as_ref(), address, store, &command))
}

/// A server goes on when nobody reads what it prints.
fn tell(lines: &[String]) -> Done {
    match out::lines(lines) {
        Err(Failure::Unread) => Ok(()),
        done => done,
    }
}

/// What ends a server: SIGTERM or SIGINT.
struct Stop {
    terminate: Signal,
    interrupt: Signal,
    seen: bool,
    /// Whether load balancers are to be told first: not when somebody waits at a terminal.
    polite: bool,
}

impl Stop {
    fn new() -> Result<Self, Failure> {
        let listen = |kind| signal(kind).map_err(|error| Failure::Refused(format!("no signals: {error}")));
        Ok(Self {
            terminate: listen(SignalKind::terminate())?,
            interrupt: listen(SignalKind::interrupt())?,
            seen: false,
            polite: false,
        })
    }

    async fn wait(&mut self) {
        tokio::select! {
            _ = self.terminate.recv() => self.polite = true,
            _ = self.interrupt.recv() => self.polite = false,
        }
        self.seen = true;
    }
}
