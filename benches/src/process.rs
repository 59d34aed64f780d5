//! Child processes: started, watched, measured, ended with the value that holds them.

use std::io::{BufRead as _, BufReader};
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};

/// Where a store is.
#[derive(Clone, Debug)]
pub(crate) enum Place {
    /// SQLite, in a folder.
    Folder(PathBuf),
    /// PostgreSQL, by the URL of a database.
    Database(String),
}

impl Place {
    fn name_to(&self, command: &mut Command) {
        match self {
            Self::Folder(folder) => command.arg("--data").arg(folder),
            Self::Database(url) => command.arg("--database-url").arg(url),
        };
    }
}

/// A server under load.
#[derive(Debug)]
pub(crate) struct Server {
    child: Child,
    pub(crate) address: String,
}

impl Server {
    /// Starts a command and waits for its `listening on http://ADDR` line.
    fn start(command: &mut Command) -> Result<Self, String> {
        let mut child =
            command.stdout(Stdio::piped()).spawn().map_err(|error| format!("cannot start {command:?}: {error}"))?;
        let stdout = child.stdout.take().ok_or("no output")?;
        for line in BufReader::new(stdout).lines() {
            let line = line.map_err(|error| error.to_string())?;
            if let Some(address) = line.strip_prefix("listening on http://") {
                return Ok(Self { child, address: address.to_owned() });
            }
        }
        Err(format!("{command:?} ended before it listened"))
    }

    /// The bare yardstick: this program's own `hello`.
    pub(crate) fn hello() -> Result<Self, String> {
        let own = std::env::current_exe().map_err(|error| error.to_string())?;
        Self::start(Command::new(own).arg("hello"))
    }

    /// Bailiwick on a store, with its defaults.
    pub(crate) fn bailiwick(binary: &Path, place: &Place) -> Result<Self, String> {
        let mut command = Command::new(binary);
        command.args(["serve", "--listen", "127.0.0.1:0", "--log", "error"]);
        place.name_to(&mut command);
        Self::start(&mut command)
    }

    /// CPU time spent so far, in microseconds.
    pub(crate) fn cpu_us(&self) -> f64 {
        Stat::of(self.child.id()).map_or(0.0, |stat| stat.own_us)
    }

    /// Peak resident memory, in MiB.
    pub(crate) fn peak_mib(&self) -> f64 {
        let status = std::fs::read_to_string(format!("/proc/{}/status", self.child.id())).unwrap_or_default();
        let line = status.lines().find(|line| line.starts_with("VmHWM:")).unwrap_or_default();
        line.split_whitespace().nth(1).and_then(|text| text.parse::<f64>().ok()).unwrap_or(0.0) / 1024.0
    }
}

impl Drop for Server {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

/// What the kernel counts of a process. It counts in ticks of 10 ms.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Stat {
    pub(crate) parent: u32,
    /// CPU time, user and system.
    pub(crate) own_us: f64,
    /// The same of its children that have ended.
    pub(crate) ended_us: f64,
}

impl Stat {
    pub(crate) fn of(process: u32) -> Option<Self> {
        let text = std::fs::read_to_string(format!("/proc/{process}/stat")).ok()?;
        // The name, in brackets, may hold blanks.
        let fields: Vec<&str> = text.rsplit_once(')')?.1.split_whitespace().collect();
        let ticks = |index: usize| fields.get(index).and_then(|text| text.parse::<f64>().ok()).unwrap_or(0.0);
        let us = |first: usize| (ticks(first) + ticks(first + 1)) * 10_000.0;
        Some(Self { parent: fields.get(1)?.parse().ok()?, own_us: us(11), ended_us: us(13) })
    }
}

/// Runs a command on the store and gives the JSON it prints.
pub(crate) fn bailiwick(binary: &Path, place: &Place, arguments: &[&str]) -> Result<serde_json::Value, String> {
    let mut command = Command::new(binary);
    command.args(arguments);
    place.name_to(&mut command);
    let output = command.output().map_err(|error| error.to_string())?;
    let text = String::from_utf8_lossy(&output.stdout).into_owned();
    let failed = || format!("{}: {text}{}", arguments.join(" "), String::from_utf8_lossy(&output.stderr));
    if !output.status.success() {
        return Err(failed());
    }
    serde_json::from_str(&text).map_err(|_| failed())
}

/// Creates an integration on the store and returns its token.
pub(crate) fn integration(binary: &Path, place: &Place) -> Result<String, String> {
    token(bailiwick(
        binary,
        place,
        &["integration", "create", "bench", "--preset", "entra", "--rate-limit", "off", "--json"],
    )?)
}

/// Makes a service token with the role admin.
pub(crate) fn admin(binary: &Path, place: &Place) -> Result<String, String> {
    let arguments = [
        "api-token",
        "create",
        "--service",
        "bench",
        "--role",
        "admin",
        "--scope",
        "admin",
        "--label",
        "bench",
        "--json",
    ];
    token(bailiwick(binary, place, &arguments)?)
}

fn token(made: serde_json::Value) -> Result<String, String> {
    made["token"].as_str().map(str::to_owned).ok_or_else(|| format!("no token in {made}"))
}
