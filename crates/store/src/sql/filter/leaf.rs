//! A single value compared with a literal.

use std::cmp::Ordering;

use bailiwick_scim::filter::{CompareOp, Operand};

use super::scalar::Scalar;
use super::{Compiler, negated};
use crate::sql::Param;

impl Compiler<'_> {
    /// Whether the value compares so. A missing value is different from everything and else compares to nothing.
    pub(super) fn leaf(&mut self, scalar: &Scalar, op: CompareOp, operand: &Operand) -> String {
        if op == CompareOp::Ne {
            return negated(&self.leaf(scalar, CompareOp::Eq, operand));
        }
        match (scalar, operand) {
            (Scalar::Never, _) | (_, Operand::Null) => "false".to_owned(),
            (Scalar::Constant(text), Operand::Exact(wanted) | Operand::Folded(wanted)) => constant(text, op, wanted),
            (Scalar::Constant(_), _) => "false".to_owned(),
            (Scalar::Millis(text), Operand::Instant(micros)) => self.millis(text, op, *micros),
            (Scalar::Millis(_), _) => "false".to_owned(),
            (Scalar::Sql { text, .. }, Operand::Exact(wanted) | Operand::Folded(wanted)) => self.text(text, op, wanted),
            (Scalar::Sql { text, .. }, Operand::Boolean(wanted)) => self.ordered(text, op, *wanted),
            (Scalar::Sql { text, .. }, Operand::Instant(wanted)) => self.ordered(text, op, *wanted),
            (Scalar::Sql { text, .. }, Operand::Integer(wanted)) => self.integer(text, op, *wanted),
            (Scalar::Sql { text, .. }, Operand::Decimal(wanted)) => self.decimal(text, op, *wanted),
        }
    }

    fn ordered(&mut self, text: &str, op: CompareOp, wanted: impl Into<Param<'static>>) -> String {
        match sign(op) {
            Some(sign) => format!("{text} {sign} {}", self.bind(wanted)),
            None => "false".to_owned(),
        }
    }

    /// Integers exactly with integers, every other number as a double.
    #[expect(clippy::cast_precision_loss, reason = "numbers with a fraction are compared as doubles")]
    fn integer(&mut self, text: &str, op: CompareOp, wanted: i64) -> String {
        let Some(sign) = sign(op) else {
            return "false".to_owned();
        };
        let (exactly, roughly) = (self.bind(wanted), self.bind(wanted as f64));
        self.dialect().number_and_integer(text, &format!("{sign} {exactly}"), &format!("{sign} {roughly}"))
    }

    fn decimal(&mut self, text: &str, op: CompareOp, wanted: f64) -> String {
        let Some(sign) = sign(op) else {
            return "false".to_owned();
        };
        let wanted = self.bind(wanted);
        self.dialect().number_and_double(text, &format!("{sign} {wanted}"))
    }

    fn text(&mut self, text: &str, op: CompareOp, wanted: &str) -> String {
        if let Some(before) = before_nul(wanted) {
            return self.text_and_nul(text, op, before);
        }
        let length = wanted.chars().count();
        match op {
            CompareOp::Co => {
                let part = self.bind(wanted.to_owned());
                self.dialect().holds(text, &part)
            }
            CompareOp::Ew if length == 0 => format!("{text} IS NOT NULL"),
            CompareOp::Ew => {
                let end = self.dialect().end_of(text, length);
                format!("{end} = {}", self.bind(wanted.to_owned()))
            }
            CompareOp::Sw => self.starts_with(text, wanted, length),
            _ => self.ordered(text, op, wanted.to_owned()),
        }
    }

    /// No stored text holds a NUL: none is equal to a wanted one that does or holds it, and what is greater than what
    /// stands before the NUL is greater than the whole.
    fn text_and_nul(&mut self, text: &str, op: CompareOp, before: &str) -> String {
        match op {
            CompareOp::Ge | CompareOp::Gt => self.ordered(text, CompareOp::Gt, before.to_owned()),
            CompareOp::Le | CompareOp::Lt => self.ordered(text, CompareOp::Le, before.to_owned()),
            _ => "false".to_owned(),
        }
    }

    /// As a range, which an index answers, where there may be one; the expression of an index is always short.
    fn starts_with(&mut self, text: &str, wanted: &str, length: usize) -> String {
        match after_prefix(wanted) {
            Some(end) if text.len() < 150 && !text.contains("||") => {
                let (from, end) = (self.bind(wanted.to_owned()), self.bind(end));
                format!("({text} >= {from} AND {text} < {end})")
            }
            _ => format!("substr({text}, 1, {length}) = {}", self.bind(wanted.to_owned())),
        }
    }

    /// Milliseconds against microseconds, so that the column stands alone and an index can answer.
    fn millis(&mut self, text: &str, op: CompareOp, micros: i64) -> String {
        let below = micros.div_euclid(1_000);
        let whole = micros.rem_euclid(1_000) == 0;
        match op {
            CompareOp::Eq if !whole => "false".to_owned(),
            CompareOp::Eq => self.ordered(text, op, below),
            CompareOp::Gt | CompareOp::Le => self.ordered(text, op, below),
            CompareOp::Ge | CompareOp::Lt => self.ordered(text, op, if whole { below } else { below + 1 }),
            _ => "false".to_owned(),
        }
    }
}

fn sign(op: CompareOp) -> Option<&'static str> {
    match op {
        CompareOp::Eq => Some("="),
        CompareOp::Ge => Some(">="),
        CompareOp::Gt => Some(">"),
        CompareOp::Le => Some("<="),
        CompareOp::Lt => Some("<"),
        CompareOp::Ne => Some("<>"),
        CompareOp::Co | CompareOp::Ew | CompareOp::Sw => None,
    }
}

fn constant(text: &str, op: CompareOp, wanted: &str) -> String {
    let order = text.cmp(wanted);
    let holds = match op {
        CompareOp::Co => text.contains(wanted),
        CompareOp::Eq => order == Ordering::Equal,
        CompareOp::Ew => text.ends_with(wanted),
        CompareOp::Ge => order != Ordering::Less,
        CompareOp::Gt => order == Ordering::Greater,
        CompareOp::Le => order != Ordering::Greater,
        CompareOp::Lt => order == Ordering::Less,
        CompareOp::Ne => order != Ordering::Equal,
        CompareOp::Sw => text.starts_with(wanted),
    };
    holds.to_string()
}

/// What stands before the first NUL, if there is one.
pub(crate) fn before_nul(text: &str) -> Option<&str> {
    text.split_once('\0').map(|(before, _)| before)
}

/// The least text that is greater than every text with this prefix.
fn after_prefix(prefix: &str) -> Option<String> {
    let mut end: Vec<char> = prefix.chars().collect();
    while let Some(last) = end.pop() {
        let next = match last {
            char::MAX => continue,
            '\u{d7ff}' => '\u{e000}',
            other => char::from_u32(u32::from(other) + 1)?,
        };
        end.push(next);
        return Some(end.into_iter().collect());
    }
    None
}
