//! Cuts a stream into its documents before it is parsed, so that a fault in one does not hide the others.
//!
//! A line that begins with `---` ends whatever stands before it, in every context (YAML 1.2.2 section 9.1.2), so the
//! cut needs no knowledge of the content.

/// A part of the stream: whole lines, beginning at `line` (from 0).
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Part<'a> {
    pub(super) text: &'a str,
    pub(super) line: u32,
}

/// The parts, in order. Together they are the text.
pub(super) fn parts(text: &str) -> Vec<Part<'_>> {
    let mut cuts: Vec<(usize, u32)> = vec![(0, 0)];
    // Where the directives (`%YAML`, `%TAG`) before the next `---` begin: they belong to the document that follows.
    let mut prologue: Option<(usize, u32)> = Some((0, 0));
    let mut at = 0;
    for (number, line) in (0_u32..).zip(text.split_inclusive('\n')) {
        if is_marker(line, "---") {
            cuts.push(prologue.filter(|_| number > 0).unwrap_or((at, number)));
            prologue = None;
        } else if is_marker(line, "...") {
            prologue = Some((at + line.len(), number + 1));
        } else if !is_prologue(line) {
            prologue = None;
        }
        at += line.len();
    }
    cuts.dedup();
    let ends = cuts.iter().skip(1).map(|(end, _)| *end).chain([text.len()]);
    cuts.iter().zip(ends).map(|((start, line), end)| Part { text: &text[*start..end], line: *line }).collect()
}

/// Whether the line is this marker: alone, or followed by a blank.
fn is_marker(line: &str, marker: &str) -> bool {
    line.strip_prefix(marker).is_some_and(|rest| rest.is_empty() || rest.starts_with([' ', '\t', '\r', '\n']))
}

fn is_prologue(line: &str) -> bool {
    let line = line.trim();
    line.is_empty() || line.starts_with('#') || line.starts_with('%')
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn parts_begin_at_their_markers() {
        for (text, expect) in [
            ("", &[("", 0)][..]),
            ("a: 1\n", &[("a: 1\n", 0)]),
            ("---\na: 1\n---\nb: 2\n", &[("---\na: 1\n", 0), ("---\nb: 2\n", 2)]),
            ("a: 1\r\n---\r\nb: 2", &[("a: 1\r\n", 0), ("---\r\nb: 2", 1)]),
            ("# c\n---\na", &[("# c\n---\na", 0)]),
            ("%YAML 1.1\n---\na\n...\n%YAML 1.2\n---\nb", &[("%YAML 1.1\n---\na\n...\n", 0), ("%YAML 1.2\n---\nb", 4)]),
            ("a: |\n  ---\n--- b\n---c\n", &[("a: |\n  ---\n", 0), ("--- b\n---c\n", 2)]),
        ] {
            let found: Vec<(&str, u32)> = parts(text).iter().map(|part| (part.text, part.line)).collect();
            assert_eq!(found, expect, "{text:?}");
        }
    }
}
