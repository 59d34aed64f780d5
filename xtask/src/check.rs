//! `cargo xtask test`: every check there is, each with its name and time, then one line that counts.

use crate::process::{Background, cargo, now, run, succeeds};
use crate::{conformance, fuzz, needs, schemathesis, tidy};
use std::path::Path;
use std::process::Command;
use std::time::Duration;

/// How many checks of a step went well and how many did not.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(crate) struct Counts {
    pub(crate) passed: u64,
    pub(crate) failed: u64,
}

impl Counts {
    pub(crate) fn one(passed: bool) -> Self {
        Self { passed: u64::from(passed), failed: u64::from(!passed) }
    }

    pub(crate) fn plus(self, other: Self) -> Self {
        Self { passed: self.passed + other.passed, failed: self.failed + other.failed }
    }
}

const MINUTE: Duration = Duration::from_secs(60);
/// Tells tests in which database to keep their stores.
const DATABASE: &str = "BAILIWICK_TEST_POSTGRES";

/// Runs everything; the first failed step does not hide the others.
pub(crate) fn everything(root: &Path) -> Result<(), String> {
    needs::ensure()?;
    let mut run = Run::default();
    run.step("fmt", || plain(cargo(root, &["fmt", "--all", "--", "--check"]), 2 * MINUTE));
    run.step("clippy", || {
        plain(cargo(root, &["clippy", "--workspace", "--all-targets", "--", "-D", "warnings"]), 30 * MINUTE)
    });
    run.step("tidy", || {
        let findings = tidy::findings(root);
        findings.iter().for_each(|finding| println!("{finding}"));
        Ok(Counts::one(findings.is_empty()))
    });
    run.step("tests", || tests(root));
    run.step("tests on PostgreSQL", || tests_on_postgres(root));
    run.step("doc tests", || tested(cargo(root, &["test", "--workspace", "--doc"]), 10 * MINUTE));
    run.step("fuzz", || fuzz::run_all(root, Duration::from_secs(20)));
    run.step("conformance", || conformance::run_all(root));
    run.step("schemathesis", || schemathesis::run_all(root));
    run.finish()
}

/// Only schemathesis.
pub(crate) fn api_only(root: &Path) -> Result<(), String> {
    needs::ensure()?;
    let mut run = Run::default();
    run.step("schemathesis", || schemathesis::run_all(root));
    run.finish()
}

/// Only the third-party tools for SCIM.
pub(crate) fn conformance_only(root: &Path) -> Result<(), String> {
    needs::ensure()?;
    let mut run = Run::default();
    run.step("conformance", || conformance::run_all(root));
    run.finish()
}

#[derive(Default)]
struct Run {
    counts: Counts,
    failed: Vec<&'static str>,
}

impl Run {
    fn step(&mut self, name: &'static str, work: impl FnOnce() -> Result<Counts, String>) {
        println!("== {name}");
        let started = now();
        let counts = work().unwrap_or_else(|line| {
            println!("{line}");
            Counts { passed: 0, failed: 1 }
        });
        let word = if counts.failed == 0 { "ok" } else { "FAILED" };
        println!("== {name}: {word}, {:.1} s", started.elapsed().as_secs_f64());
        if counts.failed > 0 {
            self.failed.push(name);
        }
        self.counts = self.counts.plus(counts);
    }

    fn finish(self) -> Result<(), String> {
        if !self.failed.is_empty() {
            println!("failed: {}", self.failed.join(", "));
        }
        println!("{} passed, {} failed", self.counts.passed, self.counts.failed);
        if self.counts.failed == 0 { Ok(()) } else { Err(String::new()) }
    }
}

fn plain(mut command: Command, limit: Duration) -> Result<Counts, String> {
    Ok(Counts::one(run(&mut command, limit, true)?.success()))
}

/// Every test, the store in folders.
fn tests(root: &Path) -> Result<Counts, String> {
    let mut command = if succeeds(&mut cargo(root, &["nextest", "--version"])) {
        cargo(root, &["nextest", "run", "--workspace", "--no-fail-fast", "--status-level", "fail"])
    } else {
        cargo(root, &["test", "--workspace", "--no-fail-fast", "--lib", "--bins", "--tests", "--examples"])
    };
    command.env_remove(DATABASE);
    tested(command, 30 * MINUTE)
}

/// Everything that keeps a store, once more on a cluster that is thrown away. Tests that need PostgreSQL are ignored
/// elsewhere; those in a module `sqlite_only` are about files.
fn tests_on_postgres(root: &Path) -> Result<Counts, String> {
    const CRATES: &[&str] = &[
        "-p",
        "bailiwick-store",
        "-p",
        "bailiwick-testkit",
        "-p",
        "bailiwick-server",
        "-p",
        "bailiwick",
        "-p",
        "bailiwick-bench",
    ];
    const CLUSTER: &[&str] = &["--quiet", "-p", "bailiwick-testkit", "--bin", "throwaway-postgres"];
    // Built before it is started, so that it starts at once.
    if !run(cargo(root, &["build"]).args(CLUSTER), 30 * MINUTE, true)?.success() {
        return Err("throwaway-postgres does not build".to_owned());
    }
    let log = root.join("target/throwaway-postgres.log");
    let cluster = Background::attached(cargo(root, &["run"]).args(CLUSTER), &log)?;
    let url = cluster.line_after("url ", MINUTE).ok_or_else(|| {
        format!("PostgreSQL did not start within a minute\n{}", std::fs::read_to_string(&log).unwrap_or_default())
    })?;
    let mut command = if succeeds(&mut cargo(root, &["nextest", "--version"])) {
        let mut command = cargo(root, &["nextest", "run", "--no-fail-fast", "--status-level", "fail"]);
        command.args(["--run-ignored", "all", "-E", "not test(sqlite_only)"]).args(CRATES);
        command
    } else {
        let mut command = cargo(root, &["test", "--no-fail-fast", "--lib", "--bins", "--tests"]);
        command.args(CRATES).args(["--", "--include-ignored", "--skip", "sqlite_only"]);
        command
    };
    command.env(DATABASE, url);
    let counts = tested(command, 30 * MINUTE)?;
    let stopped = cluster.stop(MINUTE / 2);
    if !stopped {
        println!("the cluster did not end well within 30 seconds of SIGTERM; its log is {}", log.display());
    }
    Ok(counts.plus(Counts::one(stopped)))
}

/// Runs a test command and counts from its summary lines; a failure without a count is one failure.
pub(crate) fn tested(mut command: Command, limit: Duration) -> Result<Counts, String> {
    let finished = run(&mut command, limit, true)?;
    let mut counts = finished.lines.iter().filter_map(|line| summary(line)).fold(Counts::default(), Counts::plus);
    if !finished.success() && counts.failed == 0 {
        counts.failed = 1;
    }
    Ok(counts)
}

/// The counts of a summary line: "test result: ok. 4 passed; 0 failed; ..." or
/// "Summary [ 1.2s] 12 tests run: 11 passed, 1 failed, 2 timed out, 0 skipped".
fn summary(line: &str) -> Option<Counts> {
    let line = line.trim_start();
    let rest = match line.strip_prefix("test result:") {
        Some(rest) => rest,
        None => line.strip_prefix("Summary [")?.split_once("run:")?.1,
    };
    let mut counts = Counts::default();
    for part in rest.split([';', ',', '.']) {
        let mut words = part.split_whitespace();
        let Some(count) = words.next().and_then(|word| word.parse::<u64>().ok()) else { continue };
        match words.next() {
            Some("passed") => counts.passed += count,
            Some("failed" | "timed") => counts.failed += count,
            _ => {}
        }
    }
    Some(counts)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn check(line: &str, expect: Option<(u64, u64)>) {
        assert_eq!(summary(line), expect.map(|(passed, failed)| Counts { passed, failed }), "{line}");
    }

    #[test]
    fn summaries_are_counted() {
        check(
            "test result: ok. 4 passed; 0 failed; 0 ignored; 0 measured; 0 filtered out; finished in 0.00s",
            Some((4, 0)),
        );
        check(
            "test result: FAILED. 3 passed; 2 failed; 0 ignored; 0 measured; 0 filtered out; finished in 0.00s",
            Some((3, 2)),
        );
        check("     Summary [   1.234s] 12 tests run: 11 passed, 1 failed, 2 skipped", Some((11, 1)));
        check(
            "     Summary [   1.234s] 12 tests run: 9 passed (1 slow), 2 failed, 1 timed out, 2 skipped",
            Some((9, 3)),
        );
        check("     Summary [   0.010s] 1/7 tests run: 0 passed, 1 failed, 0 skipped", Some((0, 1)));
        check("running 4 tests", None);
    }
}
