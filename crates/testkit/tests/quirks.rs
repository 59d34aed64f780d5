//! Every quirk has a switch: on, the request is repaired and the journal says so; off, it is refused or taken as written.
#![expect(clippy::expect_used, reason = "a test that cannot be set up has failed")]

use bailiwick_app::manage::{self, Setting};
use bailiwick_domain::preset::Preset;
use bailiwick_scim::quirks::Quirk;
use bailiwick_testkit::tape::{Expect, Player, Step};
use bailiwick_testkit::{TestApp, TestOptions};
use serde::Deserialize;
use std::path::{Path, PathBuf};

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Fixture {
    quirk: String,
    #[serde(rename = "note")]
    _note: String,
    setup: Vec<Step>,
    request: Request,
    on: Expect,
    repairs: Option<Vec<String>>,
    off: Expect,
}

#[derive(Clone, Deserialize)]
#[serde(deny_unknown_fields)]
struct Request {
    method: String,
    path: String,
    body: Option<serde_json::Value>,
}

fn folder() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("../../fixtures/quirks")
}

fn fixture(quirk: Quirk) -> Fixture {
    let path = folder().join(format!("{}.json", quirk.name()));
    let text = std::fs::read_to_string(&path).unwrap_or_else(|error| panic!("{}: {error}", path.display()));
    let fixture: Fixture = serde_json::from_str(&text).unwrap_or_else(|error| panic!("{}: {error}", path.display()));
    assert_eq!(fixture.quirk, quirk.name());
    fixture
}

impl Fixture {
    fn step(&self, expect: &Expect, repairs: Option<Vec<String>>) -> Step {
        let Request { method, path, body } = self.request.clone();
        let mut step: Step = serde_json::from_value(serde_json::json!({
            "method": method, "path": path, "body": body, "expect": {}
        }))
        .expect("a step");
        step.expect = expect.clone();
        step.repairs = repairs;
        step
    }
}

async fn play(quirk: Quirk, preset: Preset, on: bool) -> Vec<String> {
    let fixture = fixture(quirk);
    let app = TestApp::with(TestOptions::preset(preset)).await;
    if preset != Preset::Strict && !on {
        let off = vec![Setting::Quirk(quirk, false)];
        manage::set_integration(app.app(), TestApp::INTEGRATION, off).await.expect("the switch");
    }
    let mut player = Player::new(&app);
    let place = format!("{} in preset {}, {}", quirk.name(), preset.as_str(), if on { "on" } else { "off" });
    for step in &fixture.setup {
        player.step(&place, step).await;
    }
    let step = if on { fixture.step(&fixture.on, fixture.repairs.clone()) } else { fixture.step(&fixture.off, None) };
    player.step(&place, &step).await;
    player.report().failures.clone()
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn every_quirk_has_a_switch() {
    let mut failures = Vec::new();
    for &quirk in Quirk::ALL {
        failures.extend(play(quirk, Preset::Generic, true).await);
        failures.extend(play(quirk, Preset::Generic, false).await);
        failures.extend(play(quirk, Preset::Strict, false).await);
    }
    assert!(failures.is_empty(), "{} failures\n{}", failures.len(), failures.join("\n"));
}

#[test]
fn every_fixture_is_of_a_quirk() {
    let entries = std::fs::read_dir(folder()).expect("fixtures/quirks");
    assert_eq!(entries.count(), Quirk::ALL.len());
}
