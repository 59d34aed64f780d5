//! Pure rooms take data and return data: no async, no clock, no randomness, no input or output, no log.

use super::{Source, mask};

const ROOMS: &[&str] = &["crates/scim/src/", "crates/domain/src/"];

const NEVER: &[(&str, &str)] = &[
    (".await", "async code"),
    ("async fn", "async code"),
    ("async move", "async code"),
    ("Instant::now", "the clock"),
    ("SystemTime", "the clock"),
    ("Timestamp::now", "the clock"),
    ("Zoned::now", "the clock"),
    ("getrandom", "randomness"),
    ("rand::", "randomness"),
    ("RandomState", "randomness"),
    ("std::env", "the environment"),
    ("std::fs", "input and output"),
    ("std::io", "input and output"),
    ("std::net", "input and output"),
    ("std::process", "input and output"),
    ("std::thread", "threads"),
    ("println!", "output"),
    ("eprintln!", "output"),
    ("print!", "output"),
    ("dbg!", "output"),
    ("tokio", "async code"),
    ("tracing", "the log"),
    ("static mut", "state"),
    ("thread_local!", "state"),
];

pub(crate) fn check(sources: &[Source]) -> Vec<String> {
    let mut findings = Vec::new();
    for source in sources.iter().filter(|source| source.is_rust()) {
        if !ROOMS.iter().any(|room| source.path.starts_with(room)) || is_test(&source.path) {
            continue;
        }
        let code = mask::code(&source.text);
        for (number, line) in without_tests(&code).lines().enumerate() {
            let found = NEVER.iter().find(|(word, _)| contains_word(line, word));
            if let Some((word, what)) = found {
                findings.push(format!("{}:{}: `{word}`: a pure room has no {what}", source.path, number + 1));
            }
        }
    }
    findings
}

/// Test files may read fixtures.
fn is_test(path: &str) -> bool {
    path.ends_with("/tests.rs") || path.contains("/tests/") || path.ends_with("_tests.rs")
}

/// The code above the tests of a file, which stand at its end.
fn without_tests(code: &str) -> &str {
    code.find("#[cfg(test)]\nmod tests").map_or(code, |end| &code[..end])
}

/// Whether the word stands there by itself, not as the end of a longer one.
fn contains_word(line: &str, word: &str) -> bool {
    line.match_indices(word).any(|(at, _)| {
        let before = line[..at].chars().next_back();
        !word.starts_with(char::is_alphabetic)
            || !before.is_some_and(|letter| letter.is_alphanumeric() || letter == '_')
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn check_text(text: &str, expect: usize) {
        let source = Source { path: "crates/scim/src/a.rs".to_owned(), text: text.to_owned() };
        assert_eq!(check(&[source]).len(), expect, "{text}");
    }

    #[test]
    fn pure_rooms_are_pure() {
        check_text("fn f() -> usize { operand::size() }", 0);
        check_text("// std::fs is never used\nlet a = \"tokio\";", 0);
        check_text("use std::fs;\nasync fn f() {}", 2);
        check_text("fn f() {}\n#[cfg(test)]\nmod tests {\n    use std::fs;\n}\n", 0);
        let elsewhere = Source { path: "crates/store/src/a.rs".to_owned(), text: "use std::fs;".to_owned() };
        assert!(check(&[elsewhere]).is_empty());
    }
}
