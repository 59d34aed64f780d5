//! `import` and `export`: folders, files and checkouts on a disk.

use crate::support::{Home, fails, json, run, said, text};
use serde_json::Value;
use std::fs;
use std::path::{Path, PathBuf};

/// The corpus of the repository.
fn fixture(path: &str) -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("../../fixtures/descriptors").join(path)
}

fn put(path: &Path, text: impl AsRef<[u8]>) {
    fs::create_dir_all(path.parent().unwrap()).unwrap();
    fs::write(path, text).unwrap();
}

/// A folder with everything in it, also what is not to be read.
fn shop(dir: &Path) {
    let copy = |from: &str, to: &str| put(&dir.join(to), fs::read(fixture(from)).unwrap());
    copy("backstage/shop.yaml", "catalog-info.yaml");
    copy("backstage/teams.yaml", "teams.yaml");
    copy("opslevel/component.yml", "cart/opslevel.yml");
    copy("people/people.csv", "people/people-2026.csv");
    copy("hostile/wrong.yaml", "node_modules/x/catalog-info.yaml");
    copy("hostile/wrong.yaml", ".hidden/catalog-info.yaml");
    copy("hostile/wrong.yaml", "other.yaml");
    let commit = "0123456789abcdef0123456789abcdef01234567\n";
    put(&dir.join(".git/HEAD"), "ref: refs/heads/main\n");
    put(&dir.join(".git/refs/heads/main"), commit);
}

#[test]
fn a_checkout_is_imported_and_exported_and_imported_again() {
    let (home, dir) = (Home::new(), tempfile::tempdir().unwrap());
    let root = dir.path().join("shop");
    shop(&root);
    let line = format!("import {}", root.display());
    let planned = json(&home, &format!("{line} --dry-run"));
    assert_eq!(planned["dry_run"], true);
    let done = json(&home, &line);
    assert_eq!((&done["source"], &done["kind"]), (&Value::from("shop"), &Value::from("git")));
    assert_eq!(done["commit"], "0123456789abcdef0123456789abcdef01234567");
    assert_eq!(planned["counts"], done["counts"]);
    let paths: Vec<&str> =
        done["files"].as_array().unwrap().iter().map(|file| file["path"].as_str().unwrap()).collect();
    // The Location is followed; what is hidden, foreign or called otherwise is not read.
    assert_eq!(paths, ["cart/opslevel.yml", "catalog-info.yaml", "people/people-2026.csv", "teams.yaml"]);
    // Ada stands in two files and is one person.
    assert!(done["counts"]["created"].as_u64().unwrap() > 15, "{done}");
    let again = said(&home, &line);
    assert!(again.contains("from shop at 0123456789ab: 0 created, 0 changed"), "{again}");

    let out = dir.path().join("out");
    said(&home, &format!("export --out {}", out.display()));
    let cart = fs::read_to_string(out.join("component/default/cart_service.v2/catalog-info.yaml")).unwrap();
    assert!(cart.contains("x-team-slack: '#cart'") && cart.contains("pagerduty.com/service-id: '1e3'"), "{cart}");
    let whole = said(&home, "export");
    assert!(whole.starts_with("---\napiVersion: backstage.io/v1alpha1\n"), "{whole}");
    let other = Home::new();
    let moved = json(&other, &format!("import {} --source moved", out.display()));
    assert_eq!(moved["counts"]["refused"], 0, "{moved}");
    assert_eq!(said(&other, "export"), whole);
    let groups = said(&home, "export --kind group");
    assert!(groups.contains("kind: Group") && !groups.contains("kind: API"), "{groups}");
    assert!(fails(&home, "export --kind a-b", 1).contains("No such kind"));
}

#[test]
fn what_is_wrong_is_told_with_its_place_and_the_rest_is_taken() {
    let (home, dir) = (Home::new(), tempfile::tempdir().unwrap());
    let root = dir.path().join("bad");
    for name in ["wrong.yaml", "bomb.yaml", "tabs.yaml", "latin1.yaml"] {
        put(&root.join(name).join("catalog-info.yaml"), fs::read(fixture("hostile").join(name)).unwrap());
    }
    put(&root.join("large/catalog-info.yaml"), "a".repeat(2 << 20));
    put(&root.join("huge/people.csv"), "a".repeat(20 << 20));
    let output = run(&home, &format!("import {}", root.display()));
    let (stdout, stderr) = (text(&output.stdout), text(&output.stderr));
    assert_eq!(output.status.code(), Some(1), "{stdout}{stderr}");
    assert_eq!(stderr.lines().count(), 1, "{stderr}");
    for line in [
        "created    resource:default/the-good-one",
        "wrong.yaml/catalog-info.yaml:6:3: error: spec.owner is missing",
        "bomb.yaml/catalog-info.yaml:5:7: error: the file holds more than 100000 values",
        "tabs.yaml/catalog-info.yaml:4:2: error: not YAML",
        "latin1.yaml/catalog-info.yaml:1:1: error: is not UTF-8 (line 3)",
        "large/catalog-info.yaml:1:1: error: the file is larger than 1048576 bytes",
        "huge/people.csv:1:1: error: is larger than",
    ] {
        assert!(stdout.contains(line), "{line}: {stdout}");
    }
}

#[test]
fn one_file_is_a_source_of_its_own_and_nothing_leads_out_of_a_folder() {
    let (home, dir) = (Home::new(), tempfile::tempdir().unwrap());
    let root = dir.path().join("shop");
    shop(&root);
    let done = json(&home, &format!("import {}", root.join("teams.yaml").display()));
    assert_eq!((&done["source"], &done["kind"]), (&Value::from("shop-teams-yaml"), &Value::from("file")));
    assert_eq!(done["counts"]["created"], 2);
    // A link out of the folder is not read, nor is what a Location names outside of it.
    let secret =
        "apiVersion: backstage.io/v1alpha1\nkind: Resource\nmetadata: {name: secret}\nspec: {type: a, owner: b}\n";
    put(&dir.path().join("secret.yaml"), secret);
    let inside = dir.path().join("inside");
    let location = "apiVersion: backstage.io/v1alpha1\nkind: Location\nmetadata: {name: l}\nspec: {targets: [../secret.yaml, ./link.yaml]}\n";
    put(&inside.join("catalog-info.yaml"), location);
    std::os::unix::fs::symlink(dir.path().join("secret.yaml"), inside.join("link.yaml")).unwrap();
    fs::create_dir_all(inside.join("a")).unwrap();
    std::os::unix::fs::symlink(dir.path().join("secret.yaml"), inside.join("a/catalog-info.yaml")).unwrap();
    std::os::unix::fs::symlink(dir.path(), inside.join("round")).unwrap();
    let output = run(&home, &format!("import {}", inside.display()));
    let stdout = text(&output.stdout);
    assert!(!stdout.contains("secret\n") && !said(&home, "export").contains("name: secret"), "{stdout}");
    assert!(stdout.contains("spec.targets[0] not followed: it lies outside the folder"), "{stdout}");
    assert!(stdout.contains("spec.targets[1] \"./link.yaml\" is not part of this import"), "{stdout}");
    assert!(fails(&home, "import /nowhere/at/all", 1).contains("/nowhere/at/all"));
    put(&dir.path().join("x.txt"), "x");
    assert!(
        fails(&home, &format!("import {}", dir.path().join("x.txt").display()), 1).contains("no file that an import")
    );
}

#[cfg(unix)]
#[test]
fn a_pipe_is_not_waited_for() {
    let (home, dir) = (Home::new(), tempfile::tempdir().unwrap());
    let root = dir.path().join("shop");
    shop(&root);
    let pipe = root.join("cart/catalog-info.yaml");
    assert!(std::process::Command::new("mkfifo").arg(&pipe).status().unwrap().success());
    let output = run(&home, &format!("import {}", root.display()));
    let told = format!("{}{}", text(&output.stdout), text(&output.stderr));
    assert!(told.contains("cart/catalog-info.yaml") && told.contains("is no regular file"), "{told}");
    assert!(json(&home, "entity list")[0]["kind"].is_string(), "the rest is taken: {told}");
    // Named itself, too.
    let output = run(&home, &format!("import {}", pipe.display()));
    assert!(!output.status.success() || text(&output.stdout).contains("is no regular file"));
}
