//! schemathesis against the REST API: requests made from the OpenAPI document, the sound and the unsound ones.

use crate::check::Counts;
use crate::conformance::{Served, install};
use crate::process::{cargo, run};
use std::path::Path;
use std::process::Command;
use std::time::Duration;

/// Pinned, so that a run next year says the same as today.
const TOOLS: &[&str] = &["schemathesis==4.32.5"];
/// How long requests are made.
const SECONDS: &str = "180";
/// What makes a token that may do everything.
const ADMIN: &[&str] =
    &["api-token", "create", "--service", "schemathesis", "--role", "admin", "--scope", "admin", "--json"];
const LIMIT: Duration = Duration::from_secs(600);

/// Builds and starts the server, and runs schemathesis with the token of an admin.
pub(crate) fn run_all(root: &Path) -> Result<Counts, String> {
    let tools = install(root, "schemathesis", TOOLS)?;
    if !run(&mut cargo(root, &["build", "--package", "bailiwick"]), Duration::from_secs(1800), true)?.success() {
        return Err("the binary does not build".to_owned());
    }
    let served = Served::fresh(root, "schemathesis")?;
    // Something to look at.
    served.secret(&["integration", "create", "first", "--json"])?;
    let token = served.secret(ADMIN)?;
    let mut command = Command::new(tools.join("schemathesis"));
    let here = root.join("xtask/schemathesis");
    command.current_dir(root.join("target"));
    command.env("PYTHONPATH", &here).env("SCHEMATHESIS_HOOKS", "hooks").env("PYTHONDONTWRITEBYTECODE", "1");
    command.arg("--config-file").arg(here.join("schemathesis.toml"));
    command.args(["run", &format!("{}/api/v1/openapi.json", served.origin)]);
    command.args(["--header", &format!("Authorization: Bearer {token}"), "--seed", "1", "--max-time", SECONDS]);
    command.args(["--continue-on-failure", "--no-color", "--warnings", "off", "--generation-database", "none"]);
    let finished = run(&mut command, LIMIT, false)?;
    let counts = outcome(&finished.lines, finished.success());
    if counts.failed > 0 {
        finished.lines.iter().for_each(|line| println!("{line}"));
    }
    println!("schemathesis: {} requests, {} failures", counts.passed, counts.failed);
    Ok(counts.plus(served.end()))
}

/// Requests made and failures found; a run that did not end well failed.
fn outcome(lines: &[String], well: bool) -> Counts {
    // "  6802 generated, 48 found 48 unique failures, 58 skipped"
    let line = lines.iter().find(|line| line.contains(" generated"));
    let before = |words: &str, word: &str| -> u64 {
        let head = words.split(word).next().unwrap_or_default();
        head.split_whitespace().next_back().and_then(|number| number.parse().ok()).unwrap_or(0)
    };
    let passed = line.map_or(0, |line| before(line, " generated"));
    let failed = line.filter(|line| line.contains("unique")).map_or(0, |line| before(line, " unique"));
    Counts { passed, failed: if well && passed > 0 { failed } else { failed.max(1) } }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_summary_is_counted() {
        let check = |line: &str, well: bool, passed: u64, failed: u64| {
            assert_eq!(outcome(&[line.to_owned()], well), Counts { passed, failed }, "{line}");
        };
        check("  6802 generated, 48 found 47 unique failures, 58 skipped", false, 6802, 47);
        check("  6802 generated, 6802 passed", true, 6802, 0);
        check("  6802 generated, 6802 passed", false, 6802, 1);
        check("nothing", true, 0, 1);
    }
}
