//! The dialogues of real identity providers, each from its first connection to its leaver.
#![expect(clippy::expect_used, reason = "a test that cannot be set up has failed")]

use bailiwick_domain::preset::Preset;
use bailiwick_testkit::tape::{Player, Report, Tape};
use bailiwick_testkit::{TestApp, TestOptions};
use std::collections::BTreeSet;
use std::path::{Path, PathBuf};

/// Every folder of `fixtures/dialogues`; a test below holds the list to the folders.
const CLIENTS: &[&str] = &[
    "authentik",
    "entra-default",
    "entra-flag",
    "google",
    "jumpcloud",
    "keycloak",
    "okta-aiw",
    "okta-oin",
    "onelogin",
    "ping",
    "rauthy",
];

fn dialogues() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("../../fixtures/dialogues")
}

fn tapes(client: &str) -> Vec<Tape> {
    let entries = std::fs::read_dir(dialogues().join(client)).expect("the folder of the client");
    entries.flatten().map(|entry| Tape::read(&entry.path()).expect("a tape")).collect()
}

async fn play(client: &str) -> Report {
    let preset = Preset::from_name(&tapes(client)[0].preset).expect("a preset");
    let app = TestApp::with(TestOptions { preset, rate_limit: None, ..TestOptions::default() }).await;
    let mut player = Player::new(&app);
    player.play_folder(&dialogues().join(client)).await;
    let report = player.report().clone();
    assert!(report.failures.is_empty(), "{} failures\n{}", report.failures.len(), report.failures.join("\n"));
    // What was said must be provable, and what must not be kept must not be there.
    app.app().store().seal().await.expect("sealed");
    assert_eq!(app.app().store().verify().await.expect("verified").first_bad, None);
    assert_eq!(app.files_holding("not-kept"), [""; 0], "a password was kept");
    assert_eq!(app.files_holding(app.token()), [""; 0], "the token was kept");
    report
}

macro_rules! dialogue {
    ($($name:ident = $folder:literal;)+) => {
        $(#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
        async fn $name() {
            assert!(CLIENTS.contains(&$folder));
            assert!(play($folder).await.requests > 20);
        })+
    };
}

dialogue! {
    authentik = "authentik";
    entra_default = "entra-default";
    entra_with_the_flag = "entra-flag";
    google = "google";
    jumpcloud = "jumpcloud";
    keycloak = "keycloak";
    okta_by_put = "okta-aiw";
    okta_by_patch = "okta-oin";
    onelogin = "onelogin";
    ping = "ping";
    rauthy = "rauthy";
}

#[test]
fn every_dialogue_is_played() {
    let entries = std::fs::read_dir(dialogues()).expect("fixtures/dialogues");
    let folders: BTreeSet<_> =
        entries.flatten().map(|entry| entry.file_name().to_string_lossy().into_owned()).collect();
    assert_eq!(folders, CLIENTS.iter().map(|client| (*client).to_owned()).collect());
}

/// Row 36, tokens that Entra signs itself, is optional and not offered.
#[test]
fn every_row_of_the_quirk_matrix_is_shown() {
    let steps = CLIENTS.iter().flat_map(|client| tapes(client)).flat_map(|tape| tape.steps);
    let shown: BTreeSet<u32> = steps.flat_map(|step| step.row).collect();
    assert_eq!(shown, (1..=37).filter(|row| *row != 36).collect());
}
