//! The filter language (RFC 7644 section 3.4.2.2): lex, parse, resolve, match, print.
//!
//! The passes have names: [`parse`] gives `Filter<AttributePath, Literal>`, [`resolve`] ties every path to the schema
//! and every literal to the attribute's type, [`matches`] evaluates a resolved filter on a resource in memory. A store
//! compiles the same resolved filter to its own language; both must agree.

mod lex;
mod matches;
mod parse;
mod print;
mod resolve;

pub use matches::{matches, matches_value};
pub use parse::parse;
pub(crate) use parse::parse_bracketed;
pub(crate) use resolve::resolve_inner;
pub use resolve::{Unknown, resolve};

use crate::path::AttributePath;
use crate::schema::Target;

/// Comparison operators (RFC 7644 table 3), `pr` apart.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum CompareOp {
    /// contains
    Co,
    /// equal
    Eq,
    /// ends with
    Ew,
    /// greater or equal
    Ge,
    /// greater than
    Gt,
    /// less or equal
    Le,
    /// less than
    Lt,
    /// not equal
    Ne,
    /// starts with
    Sw,
}

impl CompareOp {
    /// Every operator.
    pub const ALL: &[CompareOp] =
        &[Self::Co, Self::Eq, Self::Ew, Self::Ge, Self::Gt, Self::Le, Self::Lt, Self::Ne, Self::Sw];

    /// The word on the wire.
    #[must_use]
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Co => "co",
            Self::Eq => "eq",
            Self::Ew => "ew",
            Self::Ge => "ge",
            Self::Gt => "gt",
            Self::Le => "le",
            Self::Lt => "lt",
            Self::Ne => "ne",
            Self::Sw => "sw",
        }
    }
}

/// A filter over paths `P` and values `V`.
#[derive(Clone, Debug, PartialEq)]
pub enum Filter<P, V> {
    /// All hold. At least two.
    And(Vec<Filter<P, V>>),
    /// A comparison.
    Compare(P, CompareOp, V),
    /// Always or never true: what a path of another resource type becomes in a query over all types.
    Constant(bool),
    /// Does not hold.
    Not(Box<Filter<P, V>>),
    /// One holds. At least two.
    Or(Vec<Filter<P, V>>),
    /// The attribute has a value.
    Present(P),
    /// One value of the multi-valued (or the complex) attribute satisfies the inner filter as a whole.
    Values(P, Box<Filter<P, V>>),
}

impl<P, V> Filter<P, V> {
    /// All of these hold: flattened, constants folded, so that an And has at least two parts, none of them an And.
    #[must_use]
    pub fn and(parts: Vec<Self>) -> Self {
        let mut flat = Vec::with_capacity(parts.len());
        for part in parts {
            match part {
                Self::And(inner) => flat.extend(inner),
                Self::Constant(true) => {}
                Self::Constant(false) => return Self::Constant(false),
                other => flat.push(other),
            }
        }
        match flat.len() {
            0 => Self::Constant(true),
            1 => flat.remove(0),
            _ => Self::And(flat),
        }
    }

    /// One of these holds: flattened, constants folded, so that an Or has at least two parts, none of them an Or.
    #[must_use]
    pub fn or(parts: Vec<Self>) -> Self {
        let mut flat = Vec::with_capacity(parts.len());
        for part in parts {
            match part {
                Self::Or(inner) => flat.extend(inner),
                Self::Constant(false) => {}
                Self::Constant(true) => return Self::Constant(true),
                other => flat.push(other),
            }
        }
        match flat.len() {
            0 => Self::Constant(false),
            1 => flat.remove(0),
            _ => Self::Or(flat),
        }
    }

    /// This does not hold; a constant is folded.
    #[must_use]
    pub fn negated(filter: Self) -> Self {
        match filter {
            Self::Constant(value) => Self::Constant(!value),
            other => Self::Not(Box::new(other)),
        }
    }
}

/// A literal as written.
#[derive(Clone, Debug, PartialEq)]
pub enum Literal {
    /// true or false
    Boolean(bool),
    /// null
    Null,
    /// a number
    Number(serde_json::Number),
    /// a string, unescaped
    String(String),
}

/// A literal tied to the type of the attribute it is compared with.
#[derive(Clone, Debug, PartialEq)]
pub enum Operand {
    /// For booleans.
    Boolean(bool),
    /// For decimals.
    Decimal(f64),
    /// For exact text: caseExact strings, references, binaries.
    Exact(String),
    /// For text without regard to case, already turned into its [`crate::text::match_key`].
    Folded(String),
    /// For dateTime, in microseconds since 1970-01-01T00:00:00Z.
    Instant(i64),
    /// For integers.
    Integer(i64),
    /// For `eq null` and `ne null`.
    Null,
}

/// A filter as parsed.
pub type Parsed = Filter<AttributePath, Literal>;
/// A filter as resolved: ready to match or compile. Inside [`Filter::Values`] the inner targets carry the same
/// attribute and the sub-attribute meant; for a simple multi-valued attribute `value` stands for the value itself and
/// the inner target has no sub-attribute.
pub type Resolved = Filter<Target, Operand>;
