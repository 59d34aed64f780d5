//! Files up to 600 lines, functions up to 70, nine of ten up to 40.

use super::{Source, mask};

const FILE_LINES: usize = 600;
const FUNCTION_LINES: usize = 70;
const MOST_FUNCTIONS_LINES: usize = 40;

pub(crate) fn check(sources: &[Source]) -> Vec<String> {
    let mut findings = Vec::new();
    let mut lengths = Vec::new();
    for source in sources.iter().filter(|source| source.is_rust()) {
        let lines = source.text.lines().count();
        if lines > FILE_LINES {
            findings.push(format!("{}: {lines} lines; a file has at most {FILE_LINES}", source.path));
        }
        for function in functions(&source.text) {
            if function.lines > FUNCTION_LINES {
                findings.push(format!(
                    "{}:{}: {} has {} lines; a function has at most {FUNCTION_LINES}",
                    source.path, function.line, function.name, function.lines
                ));
            }
            lengths.push(function.lines);
        }
    }
    lengths.sort_unstable();
    if let Some(&ninth) = lengths.get(lengths.len() * 9 / 10).filter(|&&ninth| ninth > MOST_FUNCTIONS_LINES) {
        findings.push(format!("nine of ten functions have up to {ninth} lines; the norm is {MOST_FUNCTIONS_LINES}"));
    }
    findings
}

struct Function {
    name: String,
    line: usize,
    lines: usize,
}

/// Every function with a body: from its `fn` to its closing brace.
fn functions(text: &str) -> Vec<Function> {
    let code = mask::code(text);
    let mut found = Vec::new();
    for (at, _) in code.match_indices("fn ") {
        if code[..at].chars().next_back().is_some_and(|letter| letter.is_alphanumeric() || letter == '_') {
            continue;
        }
        let name: String =
            code[at + 3..].chars().take_while(|letter| letter.is_alphanumeric() || *letter == '_').collect();
        if let Some(end) = body_end(&code[at..]).filter(|_| !name.is_empty()) {
            let line = code[..at].matches('\n').count() + 1;
            found.push(Function { name, line, lines: code[at..at + end].matches('\n').count() + 1 });
        }
    }
    found
}

/// Where the body ends, counted from `fn`; `None` for a declaration without one.
fn body_end(code: &str) -> Option<usize> {
    let (mut round, mut braces) = (0_i32, 0_i32);
    for (at, letter) in code.char_indices() {
        match letter {
            '(' | '[' => round += 1,
            ')' | ']' => round -= 1,
            ';' if braces == 0 && round == 0 => return None,
            '{' => braces += 1,
            '}' => {
                braces -= 1;
                if braces == 0 && round == 0 {
                    return Some(at + 1);
                }
                if braces < 0 {
                    return None;
                }
            }
            _ => {}
        }
    }
    None
}

#[cfg(test)]
mod tests {
    use super::*;

    fn check_functions(text: &str, expect: &[(&str, usize, usize)]) {
        let found: Vec<_> = functions(text).into_iter().map(|found| (found.name, found.line, found.lines)).collect();
        let expect: Vec<_> = expect.iter().map(|&(name, line, lines)| (name.to_owned(), line, lines)).collect();
        assert_eq!(found, expect, "{text}");
    }

    #[test]
    fn functions_are_measured() {
        check_functions("fn a() {\n    b('}');\n}\n\nfn c() {}\n", &[("a", 1, 3), ("c", 5, 1)]);
        check_functions("trait T {\n    fn a(&self) -> [u8; 4];\n    fn b() {\n    }\n}\n", &[("b", 3, 2)]);
        check_functions("fn a(f: impl Fn(u8) -> u8) {\n    let x = \"{\";\n}\n", &[("a", 1, 3)]);
        check_functions("type F = fn(u8) -> u8;\nlet g: fn (u8);\n", &[]);
    }

    #[test]
    fn long_ones_are_named() {
        let text = format!("fn long() {{\n{}}}\n", "    step();\n".repeat(70));
        let findings = check(&[Source { path: "a.rs".to_owned(), text }]);
        assert_eq!(findings[0], "a.rs:1: long has 72 lines; a function has at most 70");
    }
}
