//! Starts a PostgreSQL cluster for tests, prints `url postgres://...` and runs until standard input ends or it is told
//! to stop; then nothing is left of it. With `--fsync` its commits are as durable as those of a real one.

use bailiwick_testkit::postgres::{Cluster, ClusterOptions};
use std::io::{Read as _, Write as _};
use std::process::ExitCode;
use tokio::signal::unix::{SignalKind, signal};
use tokio::sync::oneshot;

fn main() -> ExitCode {
    let arguments: Vec<String> = std::env::args().skip(1).collect();
    let words: Vec<&str> = arguments.iter().map(String::as_str).collect();
    let options = match words.as_slice() {
        [] => ClusterOptions::default(),
        ["--fsync"] => ClusterOptions { fsync: true },
        _ => {
            eprintln!("usage: throwaway-postgres [--fsync]");
            return ExitCode::from(2);
        }
    };
    let cluster = Cluster::with(options);
    let mut out = std::io::stdout();
    let said = writeln!(out, "url {}", cluster.url()).and_then(|()| out.flush());
    let waited = tokio::runtime::Builder::new_current_thread().enable_all().build().map(|runtime| {
        let waited = runtime.block_on(told_to_stop());
        runtime.shutdown_background();
        waited
    });
    drop(cluster);
    match said.and(waited).and_then(|waited| waited) {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            eprintln!("error: {error}");
            ExitCode::FAILURE
        }
    }
}

/// Waits for the end of standard input or for a signal.
async fn told_to_stop() -> std::io::Result<()> {
    let (ended, end) = oneshot::channel();
    std::thread::spawn(move || {
        let mut buffer = [0; 256];
        while std::io::stdin().read(&mut buffer).is_ok_and(|read| read > 0) {}
        let _ = ended.send(());
    });
    let (mut term, mut interrupt) = (signal(SignalKind::terminate())?, signal(SignalKind::interrupt())?);
    tokio::select! {
        _ = end => {}
        _ = term.recv() => {}
        _ = interrupt.recv() => {}
    }
    Ok(())
}
