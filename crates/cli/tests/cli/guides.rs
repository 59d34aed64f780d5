//! The guides: every command in them is run as it is printed, in order, beside a running server.
//!
//! In a guide, a block fenced as `sh` is run by the shell and must succeed; one fenced as `yaml FILE`, `csv FILE` or
//! `json FILE` is written to that file. A block fenced as `text` behind one of `sh` is what that one prints, line by line:
//! `…` alone stands for any lines, within a word for anything; blanks, moments and milliseconds need not be the same. What an identity provider does meanwhile stands in comments that readers do not
//! see: `<!-- okta: group Payments = ada, bob -->`, `<!-- okta: off ada -->`.

use crate::support::{Home, Server, connect, patch};
use serde_json::{Value, json};
use std::collections::HashMap;
use std::path::Path;
use std::process::{Command, Stdio};

/// An identity provider that does what a guide says.
struct Provider<'a> {
    server: &'a Server,
    token: String,
    /// Ids of Users and Groups by name.
    ids: HashMap<String, String>,
}

impl Provider<'_> {
    fn call(&self, method: &str, path: &str, body: &Value) -> Value {
        let (status, answer) = self.server.call(method, &format!("/scim/v2{path}"), &self.token, Some(body));
        assert!((200..300).contains(&status), "{method} {path}: {status} {answer}");
        answer
    }

    fn user(&mut self, name: &str) -> String {
        if let Some(id) = self.ids.get(name) {
            return id.clone();
        }
        let (given, address) = (name.to_owned(), format!("{name}@example.com"));
        let body = json!({
            "schemas": ["urn:ietf:params:scim:schemas:core:2.0:User"],
            "userName": address, "displayName": given, "emails": [{ "value": address, "primary": true }],
        });
        let id = self.call("POST", "/Users", &body)["id"].as_str().unwrap().to_owned();
        self.ids.insert(name.to_owned(), id.clone());
        id
    }

    fn group(&mut self, name: &str, members: &[&str]) {
        let members: Vec<Value> = members.iter().map(|name| json!({ "value": self.member(name) })).collect();
        let body = json!({
            "schemas": ["urn:ietf:params:scim:schemas:core:2.0:Group"], "displayName": name, "members": members,
        });
        match self.ids.get(name) {
            Some(id) => drop(self.call("PUT", &format!("/Groups/{id}"), &body)),
            None => {
                let id = self.call("POST", "/Groups", &body)["id"].as_str().unwrap().to_owned();
                self.ids.insert(name.to_owned(), id);
            }
        }
    }

    /// A group of that name if there is one, else a User.
    fn member(&mut self, name: &str) -> String {
        match self.ids.get(name) {
            Some(id) => id.clone(),
            None => self.user(name),
        }
    }

    fn switch(&mut self, name: &str, active: bool) {
        let id = self.user(name);
        let body = patch(json!([{ "op": "replace", "path": "active", "value": active }]));
        self.call("PATCH", &format!("/Users/{id}"), &body);
    }

    fn manager(&mut self, name: &str, of: &str) {
        let (manager, id) = (self.user(name), self.user(of));
        let path = "urn:ietf:params:scim:schemas:extension:enterprise:2.0:User:manager";
        let body = patch(json!([{ "op": "add", "path": path, "value": { "value": manager } }]));
        self.call("PATCH", &format!("/Users/{id}"), &body);
    }

    /// One instruction of a comment.
    fn does(&mut self, line: &str) {
        let (verb, rest) = line.split_once(' ').unwrap_or((line, ""));
        let names = |text: &str| text.split(',').map(|name| name.trim().to_owned()).collect::<Vec<_>>();
        match verb {
            "users" => names(rest).iter().for_each(|name| drop(self.user(name))),
            "group" => {
                let (name, members) = rest.split_once('=').unwrap();
                let members = names(members);
                let members: Vec<&str> = members.iter().map(String::as_str).filter(|name| !name.is_empty()).collect();
                self.group(name.trim(), &members);
            }
            "off" => names(rest).iter().for_each(|name| self.switch(name, false)),
            "on" => names(rest).iter().for_each(|name| self.switch(name, true)),
            "manager" => {
                let (manager, of) = rest.split_once(" of ").unwrap();
                names(of).iter().for_each(|name| self.manager(manager, name));
            }
            other => panic!("an identity provider cannot {other}: {line}"),
        }
    }
}

/// Runs a block of a guide, and gives what it printed.
fn run(home: &Home, folder: &Path, script: &str) -> String {
    let binary = Path::new(env!("CARGO_BIN_EXE_bailiwick"));
    let path = format!("{}:/usr/local/bin:/usr/bin:/bin", binary.parent().unwrap().display());
    let mut command = Command::new("sh");
    // What goes to standard error stands where it was said.
    command.args(["-eu", "-c", &format!("exec 2>&1\n{script}")]).current_dir(folder).stdin(Stdio::null());
    command.env_clear().env("PATH", path);
    let [flag, value] = home.flags();
    let name = if flag == "--data" { "BAILIWICK_DATA" } else { "BAILIWICK_DATABASE_URL" };
    let output = command.env(name, value).output().unwrap();
    let said = String::from_utf8_lossy(&output.stdout).into_owned() + &String::from_utf8_lossy(&output.stderr);
    assert!(output.status.success(), "{script}\n{said}");
    said
}

/// Whether a word of a guide stands for a word that was printed; `next` is the one behind it.
fn stands_for(word: &str, printed: &str, next: Option<&&str>) -> bool {
    let number = |text: &str| text.bytes().all(|byte| byte.is_ascii_digit());
    if next.is_some_and(|next| next.starts_with("ms")) && number(word) && number(printed) {
        return true;
    }
    if let Some((head, tail)) = word.split_once('…') {
        return printed.len() >= head.len() + tail.len() && printed.starts_with(head) && printed.ends_with(tail);
    }
    let moment = |text: &str| -> String {
        let is_one = text.len() >= 9 && text.bytes().all(|byte| byte.is_ascii_digit() || b"-:.TZ,".contains(&byte));
        if is_one { text.replace(|char: char| char.is_ascii_digit(), "0") } else { text.to_owned() }
    };
    moment(word) == moment(printed)
}

/// Compares what a guide shows with what was printed.
fn shows(guide: &str, printed: &str) {
    let words = |line: &str| line.split_whitespace().map(str::to_owned).collect::<Vec<_>>();
    let lines = |text: &str| text.lines().map(words).filter(|line| !line.is_empty()).collect::<Vec<_>>();
    let same = |wanted: &[String], found: &[String]| {
        let wanted: Vec<&str> = wanted.iter().map(String::as_str).collect();
        wanted.len() == found.len()
            && (0..wanted.len()).all(|at| stands_for(wanted[at], &found[at], wanted.get(at + 1)))
    };
    let mut found = lines(printed);
    let mut any = false;
    for wanted in lines(guide) {
        if wanted == ["…"] {
            any = true;
            continue;
        }
        // Rows that begin with an id came at the same moment: neither is the first.
        let reach = if any { found.len() } else { 1 + usize::from(wanted[0].ends_with("_…")) };
        let hit = found.iter().take(reach).position(|line| same(&wanted, line));
        let hit = hit.unwrap_or_else(|| panic!("the guide shows {wanted:?}, but this was printed:\n{printed}"));
        if any {
            drop(found.drain(..=hit))
        } else {
            drop(found.remove(hit))
        }
        any = false;
    }
    assert!(any || found.is_empty(), "the guide does not show everything:\n{printed}");
}

/// Runs a guide from top to bottom.
fn guide(name: &str) {
    let text = std::fs::read_to_string(format!("{}/../../{name}.md", env!("CARGO_MANIFEST_DIR"))).unwrap();
    let (home, folder) = (Home::new(), tempfile::tempdir().unwrap());
    let server = Server::start(&home);
    let token = connect(&home, "okta");
    let mut provider = Provider { server: &server, token, ids: HashMap::new() };
    let mut lines = text.lines();
    let (mut ran, mut shown, mut printed) = (0, 0, None);
    while let Some(line) = lines.next() {
        if let Some(said) = line.strip_prefix("<!-- okta:").and_then(|said| said.strip_suffix("-->")) {
            said.split(';').for_each(|said| provider.does(said.trim()));
        } else if let Some(info) = line.strip_prefix("```") {
            let block: Vec<&str> = lines.by_ref().take_while(|line| *line != "```").collect();
            let block = block.join("\n") + "\n";
            match info.split_once(' ') {
                Some((_, file)) => {
                    let file = folder.path().join(file);
                    std::fs::create_dir_all(file.parent().unwrap()).unwrap();
                    std::fs::write(file, block).unwrap();
                }
                None if info == "sh" => {
                    printed = Some(run(&home, folder.path(), &block));
                    ran += 1;
                }
                None if info == "text" => {
                    shows(&block, &printed.take().unwrap());
                    shown += 1;
                }
                None => {}
            }
        }
    }
    assert!(ran > 3 && shown > 2, "{name} says nothing to do, or shows nothing");
}

#[test]
fn a_leavers_day() {
    guide("docs/guides/leaver");
}

#[test]
fn writing_mapping_rules() {
    guide("docs/guides/mapping-rules");
}

#[test]
fn moving_in_from_backstage() {
    guide("docs/guides/from-backstage");
}

#[test]
fn moving_in_from_opslevel() {
    guide("docs/guides/from-opslevel");
}

#[test]
fn the_walk_of_the_readme() {
    guide("README");
}
