//! Child processes that cannot outlive their time: run one to its end, or hold one in the background.

use std::io::{BufRead, BufReader, Read};
use std::path::{Path, PathBuf};
use std::process::{Child, Command, ExitStatus, Stdio};
use std::sync::mpsc;
use std::time::{Duration, Instant};

/// The only place that reads a clock.
#[expect(clippy::disallowed_methods, reason = "a chore measures how long its own steps take")]
pub(crate) fn now() -> Instant {
    Instant::now()
}

/// The cargo that runs this chore.
pub(crate) fn cargo(root: &Path, arguments: &[&str]) -> Command {
    let program = std::env::var_os("CARGO").map_or_else(|| PathBuf::from("cargo"), PathBuf::from);
    let mut command = Command::new(program);
    command.current_dir(root).args(arguments);
    command
}

/// Whether a program can be started and says yes.
pub(crate) fn succeeds(command: &mut Command) -> bool {
    command
        .stdin(Stdio::null())
        .stdout(Stdio::null())
        .stderr(Stdio::null())
        .status()
        .is_ok_and(|status| status.success())
}

/// What a command printed, and how it ended.
pub(crate) struct Finished {
    pub(crate) status: Option<ExitStatus>,
    pub(crate) lines: Vec<String>,
}

impl Finished {
    pub(crate) fn success(&self) -> bool {
        self.status.is_some_and(|status| status.success())
    }
}

/// Runs a command to its end, passing on each line it prints; at the end of the time it and all below it are killed.
pub(crate) fn run(command: &mut Command, limit: Duration, show: bool) -> Result<Finished, String> {
    let started = now();
    let mut child = command
        .stdin(Stdio::null())
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .spawn()
        .map_err(|error| format!("{:?} cannot be started: {error}", command.get_program()))?;
    let (sender, receiver) = mpsc::channel();
    for pipe in [child.stdout.take().map(boxed), child.stderr.take().map(boxed)].into_iter().flatten() {
        let sender = sender.clone();
        std::thread::spawn(move || forward(pipe, &sender));
    }
    drop(sender);
    let mut lines = Vec::new();
    loop {
        match receiver.recv_timeout(limit.saturating_sub(started.elapsed())) {
            Ok(line) => {
                if show {
                    println!("{line}");
                }
                lines.push(line);
            }
            Err(mpsc::RecvTimeoutError::Disconnected) => break,
            Err(mpsc::RecvTimeoutError::Timeout) => {
                kill_tree(&mut child);
                lines.push(format!("killed after {} s", limit.as_secs()));
                println!("killed after {} s", limit.as_secs());
                return Ok(Finished { status: None, lines });
            }
        }
    }
    let status = wait(&mut child, limit.saturating_sub(started.elapsed()).max(Duration::from_secs(5)));
    Ok(Finished { status, lines })
}

fn boxed(pipe: impl Read + Send + 'static) -> Box<dyn Read + Send> {
    Box::new(pipe)
}

fn forward(pipe: Box<dyn Read + Send>, sender: &mpsc::Sender<String>) {
    let mut reader = BufReader::new(pipe);
    let mut bytes = Vec::new();
    while reader.read_until(b'\n', &mut bytes).is_ok_and(|read| read > 0) {
        let line = String::from_utf8_lossy(&bytes).trim_end().to_owned();
        bytes.clear();
        if sender.send(line).is_err() {
            return;
        }
    }
}

/// Waits for the end of a child, at most so long; kills it then.
fn wait(child: &mut Child, limit: Duration) -> Option<ExitStatus> {
    let started = now();
    loop {
        match child.try_wait() {
            Ok(Some(status)) => return Some(status),
            Ok(None) if started.elapsed() < limit => std::thread::sleep(Duration::from_millis(20)),
            _ => {
                kill_tree(child);
                return None;
            }
        }
    }
}

/// Kills a child and everything it started. They share our process group, so that Ctrl-C reaches them too; the tree is
/// therefore read from `/proc`.
fn kill_tree(child: &mut Child) {
    let mut found = vec![child.id()];
    let parents = parents();
    let mut next = 0;
    while next < found.len() {
        let above = found[next];
        found.extend(parents.iter().filter(|(_, parent)| *parent == above).map(|(id, _)| *id));
        next += 1;
    }
    let ids: Vec<String> = found.iter().map(u32::to_string).collect();
    succeeds(Command::new("kill").arg("-KILL").args(ids));
    // The exit has to be collected, whatever kill said.
    child.kill().ok();
    child.wait().ok();
}

/// Every process with its parent.
fn parents() -> Vec<(u32, u32)> {
    let Ok(entries) = std::fs::read_dir("/proc") else { return Vec::new() };
    entries
        .flatten()
        .filter_map(|entry| {
            let id: u32 = entry.file_name().to_str()?.parse().ok()?;
            let stat = std::fs::read_to_string(entry.path().join("stat")).ok()?;
            // The name, in brackets, may hold blanks: what follows the last bracket is state and parent.
            let parent = stat.rsplit_once(')')?.1.split_whitespace().nth(1)?.parse().ok()?;
            Some((id, parent))
        })
        .collect()
}

/// A process in the background; dropping it ends it.
pub(crate) struct Background {
    child: Child,
    lines: mpsc::Receiver<String>,
}

impl Background {
    /// Starts it with its errors and log in a file.
    pub(crate) fn start(command: &mut Command, log: &Path) -> Result<Self, String> {
        Self::spawn(command.stdin(Stdio::null()), log)
    }

    /// The same for a process that ends by itself, and tidies up, when its standard input ends: however this one ends.
    pub(crate) fn attached(command: &mut Command, log: &Path) -> Result<Self, String> {
        Self::spawn(command.stdin(Stdio::piped()), log)
    }

    fn spawn(command: &mut Command, log: &Path) -> Result<Self, String> {
        // The build may keep what it makes elsewhere: the folder of the log is there or made.
        let made = log.parent().map_or(Ok(()), std::fs::create_dir_all).and_then(|()| std::fs::File::create(log));
        let file = made.map_err(|error| format!("{}: {error}", log.display()))?;
        let mut child = command
            .stdout(Stdio::piped())
            .stderr(file)
            .spawn()
            .map_err(|error| format!("{:?} cannot be started: {error}", command.get_program()))?;
        let (sender, lines) = mpsc::channel();
        if let Some(pipe) = child.stdout.take() {
            std::thread::spawn(move || forward(boxed(pipe), &sender));
        }
        Ok(Self { child, lines })
    }

    /// The first line of its output that starts so, without that beginning.
    pub(crate) fn line_after(&self, beginning: &str, limit: Duration) -> Option<String> {
        let started = now();
        loop {
            let line = self.lines.recv_timeout(limit.saturating_sub(started.elapsed())).ok()?;
            if let Some(rest) = line.strip_prefix(beginning) {
                return Some(rest.trim().to_owned());
            }
        }
    }

    /// Asks it to end and waits; whether it ended well and in time.
    pub(crate) fn stop(mut self, limit: Duration) -> bool {
        succeeds(Command::new("kill").arg("-TERM").arg(self.child.id().to_string()));
        wait(&mut self.child, limit).is_some_and(|status| status.success())
    }
}

impl Drop for Background {
    fn drop(&mut self) {
        if self.child.stdin.take().is_some() {
            wait(&mut self.child, Duration::from_secs(15));
        }
        if matches!(self.child.try_wait(), Ok(None)) {
            kill_tree(&mut self.child);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_command_that_hangs_is_killed_with_its_children() {
        let started = now();
        let mut command = Command::new("sh");
        command.args(["-c", "sleep 61 & echo started; sleep 62"]);
        let finished = run(&mut command, Duration::from_millis(400), false).expect("sh");
        assert!(!finished.success());
        assert_eq!(finished.lines[0], "started");
        assert!(started.elapsed() < Duration::from_secs(20));
    }

    #[test]
    fn both_outputs_are_collected() {
        let mut command = Command::new("sh");
        command.args(["-c", "echo out; echo err >&2; exit 3"]);
        let mut finished = run(&mut command, Duration::from_secs(20), false).expect("sh");
        finished.lines.sort();
        assert_eq!(finished.lines, ["err", "out"]);
        assert_eq!(finished.status.and_then(|status| status.code()), Some(3));
    }
}
