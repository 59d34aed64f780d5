//! `admin`: break-glass admins. A password is never an argument: arguments are seen by everybody on the machine.

use crate::args::{AdminCommand, Json, PasswordArgs};
use crate::out::{self, Done, Failure, refused};
use bailiwick_app::App;
use bailiwick_app::manage::{self, Admin, NewAdmin};
use bailiwick_app::rows::PersonRow;
use rustix::termios::{LocalModes, OptionalActions, tcgetattr, tcsetattr};
use serde_json::json;
use std::io::{self, BufRead as _, IsTerminal as _, Read as _, Write as _};

/// Longest line taken for a password, in bytes.
const LINE_BYTES: u64 = 4_096;
/// Letters and digits that nobody mistakes for another.
const ALPHABET: &[u8; 32] = b"abcdefghijkmnpqrstuvwxyz23456789";

pub(super) async fn run(app: &App, command: AdminCommand) -> Done {
    match command {
        AdminCommand::Create { name, email, display, password, json } => {
            let secret = Secret::get(app, password)?;
            let display = display.unwrap_or_default();
            let new = NewAdmin { user_name: name, display, email, password: secret.text.clone() };
            show(&manage::create_admin(app, new).await?, &secret, json)
        }
        AdminCommand::List { json } => list(app, json).await,
        AdminCommand::Recover { name, password, json } => {
            let secret = Secret::get(app, password)?;
            show(&manage::recover_admin(app, &name, &secret.text).await?, &secret, json)
        }
    }
}

async fn list(app: &App, json: Json) -> Done {
    let admins = manage::list_admins(app).await?;
    if json.json {
        let value = |admin: &PersonRow| {
            json!({
                "person": admin.id,
                "display": admin.display,
                "user_name": admin.user_name,
                "by_hand": admin.admin,
                "account": admin.account,
            })
        };
        return out::json(&admins.iter().map(value).collect());
    }
    if admins.is_empty() {
        return out::line("No active admin. Make one with: bailiwick admin create NAME");
    }
    let cells = admins.iter().map(|admin| {
        let how = if admin.admin { "by hand" } else { "by rule" };
        let account = if admin.account { "local account" } else { "" };
        let name = admin.user_name.clone().unwrap_or_default();
        vec![admin.id.clone(), admin.display.clone(), name, how.to_owned(), account.to_owned()]
    });
    out::lines(&out::table(&["ID", "NAME", "USERNAME", "ADMIN", "SIGNS IN"], &cells.collect::<Vec<_>>()))
}

fn show(admin: &Admin, secret: &Secret, json: Json) -> Done {
    if json.json {
        let mut value = json!({
            "person": admin.person,
            "user_name": admin.user_name,
            "recovery_codes": admin.recovery_codes,
        });
        if let (true, Some(object)) = (secret.made, value.as_object_mut()) {
            object.insert("password".to_owned(), secret.text.as_str().into());
        }
        return out::json(&value);
    }
    out::line(&format!("Admin {} ({}) is ready.", admin.user_name, admin.person))?;
    if secret.made {
        out::line(&format!("  password  {}", secret.text))?;
    }
    out::line("Recovery codes, each good for one sign-in:")?;
    admin.recovery_codes.iter().try_for_each(|code| out::line(&format!("  {code}")))?;
    out::line("This is shown this once: keep it where an outage of the identity provider does not reach.")
}

struct Secret {
    text: String,
    /// Made here, so it must be shown.
    made: bool,
}

impl Secret {
    fn get(app: &App, from: PasswordArgs) -> Result<Self, Failure> {
        if from.generate {
            let mut random = [0; 25];
            app.ids().fill(&mut random);
            return Ok(Self { text: spelled(&random), made: true });
        }
        if from.password_stdin {
            return Ok(Self { text: read_line()?, made: false });
        }
        if !io::stdin().is_terminal() {
            return refused(
                "there is no terminal to ask for a password: use --password-stdin to read one, or --generate to make one",
            );
        }
        let text = ask("Password: ")?;
        if ask("Once more: ")? != text {
            return refused("the two passwords differ");
        }
        Ok(Self { text, made: false })
    }
}

/// 125 bits in five groups of five.
fn spelled(random: &[u8; 25]) -> String {
    let letters: Vec<u8> = random.iter().map(|byte| ALPHABET[usize::from(byte % 32)]).collect();
    let groups: Vec<_> = letters.chunks(5).map(String::from_utf8_lossy).collect();
    groups.join("-")
}

fn read_line() -> Result<String, Failure> {
    let mut line = String::new();
    let read = io::stdin().lock().take(LINE_BYTES).read_line(&mut line);
    match read {
        Ok(0) => refused("standard input is empty: no password was read"),
        Ok(_) => Ok(line.trim_end_matches(['\n', '\r']).to_owned()),
        Err(error) => refused(format!("standard input cannot be read: {error}")),
    }
}

/// Asks without showing what is typed.
fn ask(question: &str) -> Result<String, Failure> {
    let unreadable = |error: rustix::io::Errno| Failure::Refused(format!("the terminal cannot be asked: {error}"));
    let mut stderr = io::stderr();
    write!(stderr, "{question}")?;
    stderr.flush()?;
    let before = tcgetattr(io::stdin()).map_err(unreadable)?;
    let mut silent = before.clone();
    silent.local_modes.remove(LocalModes::ECHO);
    tcsetattr(io::stdin(), OptionalActions::Flush, &silent).map_err(unreadable)?;
    let line = read_line();
    tcsetattr(io::stdin(), OptionalActions::Flush, &before).map_err(unreadable)?;
    writeln!(stderr)?;
    line
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn made_passwords_can_be_read_out() {
        assert_eq!(spelled(&[0; 25]), "aaaaa-aaaaa-aaaaa-aaaaa-aaaaa");
        assert_eq!(spelled(&[255; 25]).len(), 29);
        assert!(ALPHABET.iter().all(|letter| !b"01lo".contains(letter)));
    }
}
