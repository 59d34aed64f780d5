//! Child processes: started, watched, measured, ended with the value that holds them.

use std::io::{BufRead as _, BufReader};
use std::path::Path;
use std::process::{Child, Command, Stdio};

/// A server under load.
#[derive(Debug)]
pub(crate) struct Server {
    child: Child,
    pub(crate) address: String,
}

impl Server {
    /// Starts a command and waits for its `listening on http://ADDR` line.
    pub(crate) fn start(command: &mut Command) -> Result<Self, String> {
        let mut child = command
            .stdout(Stdio::piped())
            .stderr(Stdio::null())
            .spawn()
            .map_err(|error| format!("cannot start {command:?}: {error}"))?;
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

    /// Bailiwick on a folder, with its defaults.
    pub(crate) fn bailiwick(binary: &Path, folder: &Path) -> Result<Self, String> {
        Self::start(
            Command::new(binary).args(["serve", "--listen", "127.0.0.1:0", "--log", "error", "--data"]).arg(folder),
        )
    }

    /// CPU time spent so far, in microseconds. The kernel counts in ticks of 10 ms.
    pub(crate) fn cpu_us(&self) -> f64 {
        let stat = std::fs::read_to_string(format!("/proc/{}/stat", self.child.id())).unwrap_or_default();
        let fields: Vec<&str> = stat.rsplit(')').next().unwrap_or_default().split_whitespace().collect();
        let ticks = |index: usize| fields.get(index).and_then(|text| text.parse::<f64>().ok()).unwrap_or(0.0);
        (ticks(11) + ticks(12)) * 10_000.0
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

/// Creates an integration on the folder and returns its token.
pub(crate) fn integration(binary: &Path, folder: &Path) -> Result<String, String> {
    let output = Command::new(binary)
        .args(["integration", "create", "bench", "--preset", "entra", "--rate-limit", "off", "--json", "--data"])
        .arg(folder)
        .output()
        .map_err(|error| error.to_string())?;
    let text = String::from_utf8_lossy(&output.stdout).into_owned();
    let made: serde_json::Value = serde_json::from_str(&text)
        .map_err(|_| format!("integration create: {text}{}", String::from_utf8_lossy(&output.stderr)))?;
    made["token"].as_str().map(str::to_owned).ok_or_else(|| format!("no token in {text}"))
}
