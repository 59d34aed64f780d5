//! What commands print, and how they fail.
//!
//! Names come from foreign directories and may hold anything; whatever goes to a terminal goes through [`plain`].

use bailiwick_app::Refusal;
use bailiwick_domain::ids::Millis;
use serde_json::Value;
use std::borrow::Cow;
use std::fmt::Write as _;
use std::io::{self, Write as _};
use std::process::ExitCode;

/// Why a command ends without success.
#[derive(Debug)]
pub(crate) enum Failure {
    /// Refused or failed: one clear line, exit 1.
    Refused(String),
    /// Typed wrongly: exit 2.
    Usage(String),
    /// Nobody reads the output any more.
    Unread,
}

impl Failure {
    /// Says why on standard error and gives the exit code.
    pub(crate) fn report(&self) -> ExitCode {
        let (line, code) = match self {
            Self::Refused(line) => (line, 1),
            Self::Usage(line) => (line, 2),
            Self::Unread => return ExitCode::SUCCESS,
        };
        let _ = writeln!(io::stderr(), "error: {}", plain(line));
        ExitCode::from(code)
    }
}

impl From<Refusal> for Failure {
    fn from(refusal: Refusal) -> Self {
        Self::Refused(refusal.detail)
    }
}

impl From<bailiwick_store::Error> for Failure {
    fn from(error: bailiwick_store::Error) -> Self {
        Self::Refused(error.to_string())
    }
}

impl From<io::Error> for Failure {
    fn from(error: io::Error) -> Self {
        match error.kind() {
            io::ErrorKind::BrokenPipe => Self::Unread,
            _ => Self::Refused(format!("the output cannot be written: {error}")),
        }
    }
}

/// The outcome of a command.
pub(crate) type Done = Result<(), Failure>;

/// A refusal of the command line itself.
pub(crate) fn refused<T>(line: impl Into<String>) -> Result<T, Failure> {
    Err(Failure::Refused(line.into()))
}

/// Prints one line for people.
pub(crate) fn line(text: &str) -> Done {
    let mut stdout = io::stdout().lock();
    stdout.write_all(plain(text).as_bytes())?;
    stdout.write_all(b"\n")?;
    Ok(())
}

/// Prints lines for people.
pub(crate) fn lines(texts: &[String]) -> Done {
    texts.iter().try_for_each(|text| line(text))
}

/// Says something beside the output, on standard error. Whether anybody reads it does not matter.
pub(crate) fn aside(text: &str) {
    let _ = io::stderr().write_all(text.as_bytes());
}

/// A word for the shell.
pub(crate) fn quoted(word: &str) -> String {
    let plain = |byte: u8| byte.is_ascii_alphanumeric() || b"/._-+:@%,=".contains(&byte);
    if !word.is_empty() && word.bytes().all(plain) {
        word.to_owned()
    } else {
        format!("'{}'", word.replace('\'', "'\\''"))
    }
}

/// Prints the one JSON value of a command.
pub(crate) fn json(value: &Value) -> Done {
    let mut stdout = io::stdout().lock();
    serde_json::to_writer_pretty(&mut stdout, value).map_err(io::Error::from)?;
    stdout.write_all(b"\n")?;
    Ok(())
}

/// Prints one line of a stream of JSON values.
pub(crate) fn json_line(value: &impl serde::Serialize) -> Done {
    let mut text = serde_json::to_string(value).map_err(io::Error::from)?;
    text.push('\n');
    io::stdout().lock().write_all(text.as_bytes())?;
    Ok(())
}

/// The text with everything escaped that would move the cursor, colour the terminal or turn the line around.
pub(crate) fn plain(text: &str) -> Cow<'_, str> {
    if !text.contains(acts) {
        return Cow::Borrowed(text);
    }
    let mut out = String::with_capacity(text.len() + 8);
    for char in text.chars() {
        if acts(char) {
            out.extend(char.escape_unicode());
        } else {
            out.push(char);
        }
    }
    Cow::Owned(out)
}

fn acts(char: char) -> bool {
    char.is_control()
        || matches!(char, '\u{61c}' | '\u{200e}' | '\u{200f}' | '\u{2028}'..='\u{202e}' | '\u{2066}'..='\u{2069}')
}

/// Rows as lines with aligned columns, the head first.
pub(crate) fn table(head: &[&str], rows: &[Vec<String>]) -> Vec<String> {
    let mut all: Vec<Vec<String>> = vec![head.iter().map(|&cell| cell.to_owned()).collect()];
    all.extend(rows.iter().map(|row| row.iter().map(|cell| plain(cell).into_owned()).collect()));
    let width = |column: usize| all.iter().filter_map(|row| row.get(column)).map(|cell| cell.chars().count()).max();
    let widths: Vec<usize> = (0..head.len()).map(|column| width(column).unwrap_or(0)).collect();
    all.iter().map(|row| aligned(row, &widths)).collect()
}

fn aligned(row: &[String], widths: &[usize]) -> String {
    let mut line = String::new();
    for (cell, width) in row.iter().zip(widths) {
        let _ = write!(line, "{cell:width$}  ");
    }
    line.truncate(line.trim_end().len());
    line
}

/// A moment for people: `2026-11-23 10:31:02Z`.
pub(crate) fn moment(at: Millis) -> String {
    short(&at.to_string())
}

/// An RFC 3339 time in the form of [`moment`].
pub(crate) fn short(text: &str) -> String {
    match text.split_once('.') {
        Some((seconds, _)) => format!("{}Z", seconds.replacen('T', " ", 1)),
        None => text.to_owned(),
    }
}

/// A moment that may not have come yet.
pub(crate) fn moment_or(at: Option<Millis>, none: &str) -> String {
    at.map_or_else(|| none.to_owned(), moment)
}

/// A moment in JSON: RFC 3339, or null.
pub(crate) fn instant(at: Option<Millis>) -> Value {
    at.map_or(Value::Null, |at| Value::from(at.to_string()))
}

/// `1 user`, `2 users`.
pub(crate) fn count(number: u64, one: &str, many: &str) -> String {
    format!("{number} {}", if number == 1 { one } else { many })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn nothing_acts_on_the_terminal() {
        let check = |text: &str, expect: &str| assert_eq!(plain(text), expect);
        check("Ada Lovelace, Æther 漢字 👩‍🚀", "Ada Lovelace, Æther 漢字 👩‍🚀");
        check("red \u{1b}[31m", "red \\u{1b}[31m");
        check("two\nlines\u{202e}", "two\\u{a}lines\\u{202e}");
    }

    #[test]
    fn columns_are_aligned() {
        let rows = [vec!["a".to_owned(), "é".to_owned()], vec!["long".to_owned(), String::new()]];
        assert_eq!(table(&["x", "name"], &rows), ["x     name", "a     é", "long"]);
    }

    #[test]
    fn words_for_the_shell() {
        let check = |word: &str, expect: &str| assert_eq!(quoted(word), expect);
        check("target/release/bailiwick", "target/release/bailiwick");
        check("/home/ada/my data", "'/home/ada/my data'");
        check("it's", "'it'\\''s'");
        check("", "''");
    }

    #[test]
    fn moments_are_short_for_people() {
        assert_eq!(moment(Millis(1_700_000_000_123)), "2023-11-14 22:13:20Z");
        assert_eq!(instant(Some(Millis(1_700_000_000_123))), "2023-11-14T22:13:20.123Z");
        assert_eq!(moment_or(None, "never"), "never");
        assert_eq!(count(1, "user", "users"), "1 user");
    }
}
