//! The third-party conformance tools, installed into a folder of their own and run against the real binary.

use crate::check::Counts;
use crate::process::{Background, cargo, now, run};
use serde_json::Value;
use std::io::{Read, Write};
use std::net::{SocketAddr, TcpStream};
use std::path::{Path, PathBuf};
use std::process::Command;
use std::time::Duration;

/// Pinned, so that a run next year says the same as today.
const TOOLS: &[&str] =
    &["scim2-cli==0.6.0", "scim2-tester==0.5.2", "scim2-client==0.13.2", "scim2-models==0.12.3", "scim-sanity==0.7.4"];
const INSTALL: Duration = Duration::from_secs(600);
const TOOL: Duration = Duration::from_secs(300);

/// Builds and starts the server, runs both tools, and asks the server to end.
pub(crate) fn run_all(root: &Path) -> Result<Counts, String> {
    let tools = install(root, "conformance", TOOLS)?;
    if !run(&mut cargo(root, &["build", "--package", "bailiwick"]), Duration::from_secs(1800), true)?.success() {
        return Err("the binary does not build".to_owned());
    }
    let served = Served::fresh(root, "conformance")?;
    let create = ["integration", "create", "conformance", "--rate-limit", "off", "--json"];
    let token = served.secret(&create)?;
    let counts = scim2(&tools, &served, &token)?.plus(sanity(&tools, &served, &token)?);
    Ok(counts.plus(served.end()))
}

/// Installs tools of PyPI into a folder of that name below `target`, once; the folder of their programs.
pub(crate) fn install(root: &Path, name: &str, tools: &[&str]) -> Result<PathBuf, String> {
    let folder = root.join("target").join(name);
    let marker = folder.join("installed.txt");
    let wanted = tools.join("\n");
    if std::fs::read_to_string(&marker).is_ok_and(|installed| installed == wanted) {
        return Ok(folder.join("bin"));
    }
    std::fs::remove_dir_all(&folder).ok();
    std::fs::create_dir_all(root.join("target")).map_err(|error| format!("{}: {error}", folder.display()))?;
    let made = run(Command::new("python3").args(["-m", "venv"]).arg(&folder), INSTALL, true)?;
    let mut pip = Command::new(folder.join("bin/pip"));
    pip.args(["install", "--quiet", "--disable-pip-version-check"]).args(tools);
    if !made.success() || !run(&mut pip, INSTALL, true)?.success() {
        return Err(format!("{} cannot be installed from PyPI", tools.join(", ")));
    }
    std::fs::write(&marker, wanted).map_err(|error| format!("{}: {error}", marker.display()))?;
    Ok(folder.join("bin"))
}

/// The binary that was just built lies beside this chore.
fn binary() -> Result<PathBuf, String> {
    let chore = std::env::current_exe().map_err(|error| format!("where am I: {error}"))?;
    Ok(chore.with_file_name("bailiwick"))
}

/// A running server with a fresh store.
pub(crate) struct Served {
    server: Background,
    binary: PathBuf,
    data: PathBuf,
    log: PathBuf,
    /// `http://127.0.0.1:1234`.
    pub(crate) origin: String,
}

impl Served {
    /// Starts one; its store and log are named so below `target`.
    pub(crate) fn fresh(root: &Path, name: &str) -> Result<Self, String> {
        let (binary, log) = (binary()?, root.join(format!("target/{name}.log")));
        let data = root.join(format!("target/{name}-data"));
        std::fs::remove_dir_all(&data).ok();
        Self::start(binary, data, &log)
            .map_err(|line| format!("{line}\n{}", std::fs::read_to_string(&log).unwrap_or_default()))
    }

    fn start(binary: PathBuf, data: PathBuf, log: &Path) -> Result<Self, String> {
        let mut serve = Command::new(&binary);
        serve.args(["serve", "--listen", "127.0.0.1:0", "--data"]).arg(&data);
        let server = Background::start(&mut serve, log)?;
        let url = server
            .line_after("listening on http://", Duration::from_secs(30))
            .ok_or("the server did not say `listening on http://ADDR` within 30 seconds")?;
        let address: SocketAddr =
            url.parse().map_err(|_| format!("the server listens on {url}, which is no address"))?;
        ready(address)?;
        Ok(Self { server, binary, data, log: log.to_path_buf(), origin: format!("http://{address}") })
    }

    /// The base URL of SCIM.
    fn base(&self) -> String {
        format!("{}/scim/v2", self.origin)
    }

    /// Runs a command on its store that makes a token; the token.
    pub(crate) fn secret(&self, words: &[&str]) -> Result<String, String> {
        let mut command = Command::new(&self.binary);
        let made = run(command.args(words).arg("--data").arg(&self.data), Duration::from_secs(30), false)?;
        let printed = made.lines.join("\n");
        let answer: Value =
            serde_json::from_str(&printed).map_err(|error| format!("{}: {error}: {printed}", words.join(" ")))?;
        Ok(answer["token"].as_str().ok_or_else(|| format!("{}: no token", words.join(" ")))?.to_owned())
    }

    /// Asks it to end, and removes its store. That it ends well counts.
    pub(crate) fn end(self) -> Counts {
        let stopped = self.server.stop(Duration::from_secs(15));
        if !stopped {
            println!("the server did not end well within 15 seconds of SIGTERM; its log is {}", self.log.display());
        }
        std::fs::remove_dir_all(&self.data).ok();
        Counts::one(stopped)
    }
}

/// Waits until `/readyz` says 200.
fn ready(address: SocketAddr) -> Result<(), String> {
    let started = now();
    while started.elapsed() < Duration::from_secs(30) {
        if probe(address).is_ok_and(|head| head.starts_with("HTTP/1.1 200")) {
            return Ok(());
        }
        std::thread::sleep(Duration::from_millis(50));
    }
    Err("the server did not become ready within 30 seconds".to_owned())
}

fn probe(address: SocketAddr) -> std::io::Result<String> {
    let second = Duration::from_secs(1);
    let mut stream = TcpStream::connect_timeout(&address, second)?;
    stream.set_read_timeout(Some(second))?;
    stream.write_all(format!("GET /readyz HTTP/1.1\r\nHost: {address}\r\nConnection: close\r\n\r\n").as_bytes())?;
    let mut answer = String::new();
    stream.read_to_string(&mut answer)?;
    Ok(answer)
}

/// scim2-tester prints one line for each check: its status, then what it checked.
fn scim2(tools: &Path, served: &Served, token: &str) -> Result<Counts, String> {
    let mut command = Command::new(tools.join("scim2"));
    // The header goes through the environment: arguments can be read by everyone on the machine.
    command.env("SCIM_CLI_HEADERS", format!("Authorization: Bearer {token}")).env("NO_COLOR", "1");
    let finished = run(command.args(["-u", &served.base(), "test"]), TOOL, false)?;
    let count = |wanted: &[&str]| {
        let status = |line: &&String| line.split(' ').next().is_some_and(|word| wanted.contains(&word));
        finished.lines.iter().filter(status).count() as u64
    };
    // COMPLIANT and ACCEPTABLE are its words for what the RFC recommends or allows; its exit status calls them failures.
    let passed = count(&["SUCCESS", "COMPLIANT", "ACCEPTABLE"]);
    let mut failed = count(&["ERROR", "CRITICAL", "DEVIATION"]);
    let complete = finished.success() || finished.status.is_some() && passed > 0;
    if failed == 0 && !complete {
        failed = 1;
    }
    if failed > 0 {
        explain(&finished.lines);
    }
    println!("scim2-tester: {passed} passed, {failed} failed");
    Ok(Counts { passed, failed })
}

/// Prints what scim2-tester says about what went wrong: a status line and what follows it.
fn explain(lines: &[String]) {
    let mut wrong = true;
    for line in lines {
        match line.split(' ').next() {
            Some("SUCCESS" | "COMPLIANT" | "ACCEPTABLE" | "SKIPPED") => wrong = false,
            Some("ERROR" | "CRITICAL" | "DEVIATION") => wrong = true,
            _ => {}
        }
        if wrong {
            println!("{}", line.chars().take(400).collect::<String>());
        }
    }
}

/// What scim-sanity asks for and is refused on purpose: check, answer, why.
const REFUSED: &[(&str, &str, &str)] = &[(
    "PATCH /Groups/{id} add member",
    "Expected 200, got 400",
    "it adds a member that does not exist; a reference to nobody is refused, so that no membership is lost unnoticed",
)];

/// scim-sanity answers with one JSON value.
fn sanity(tools: &Path, served: &Served, token: &str) -> Result<Counts, String> {
    let mut command = Command::new(tools.join("scim-sanity"));
    command.args(["probe", &served.base(), "--token", token, "--i-accept-side-effects", "--json-output"]);
    let finished = run(&mut command, TOOL, false)?;
    let text = finished.lines.join("\n");
    let Some(answer) = text.find('{').and_then(|start| serde_json::from_str::<Value>(&text[start..]).ok()) else {
        return Err(format!("scim-sanity printed no JSON:\n{text}"));
    };
    let mut counts = Counts::default();
    for result in answer["results"].as_array().into_iter().flatten() {
        let word = |key: &str| result[key].as_str().unwrap_or_default();
        let (name, message) = (word("name"), word("message"));
        let refused = REFUSED.iter().find(|(check, answer, _)| (*check, *answer) == (name, message));
        match (word("status").to_ascii_lowercase().as_str(), refused) {
            ("pass", _) => counts.passed += 1,
            ("fail", Some((_, _, why))) => println!("scim-sanity: {name}: refused on purpose: {why}"),
            ("fail" | "error" | "warn", _) => {
                println!("scim-sanity: {name}: {message}");
                counts.failed += 1;
            }
            _ => {}
        }
    }
    if counts.passed == 0 {
        return Err(format!("scim-sanity checked nothing:\n{text}"));
    }
    println!("scim-sanity: {} passed, {} failed", counts.passed, counts.failed);
    Ok(counts)
}

/// A port nobody listens on, for tests of the waiting itself.
#[cfg(test)]
fn free_address() -> SocketAddr {
    std::net::TcpListener::bind("127.0.0.1:0").and_then(|listener| listener.local_addr()).expect("a free port")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_probe_of_nobody_fails_at_once() {
        assert!(probe(free_address()).is_err());
    }
}
