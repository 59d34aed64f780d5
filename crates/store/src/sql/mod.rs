//! What the engines share: statements, what is bound to them, what their rows become.
//!
//! A statement is one text for both engines wherever both understand it, and two texts side by side ([`Sql::each`])
//! where they do not. Text that is built at run time asks its [`Dialect`] for the words that differ, all of which are
//! in `filter/dialect.rs`. Nothing here or in `commit` asks in any other way which engine it runs on. A read is a
//! value, [`Query`]: text, parameters and how a row becomes a type of [`crate::rows`]. What a commit does to the rows
//! is written once against [`Exec`].

pub(crate) mod filter;
pub(crate) mod page;
pub(crate) mod read;
pub(crate) mod words;

use crate::commit::EventLine;
use crate::error::Error;
use std::borrow::Cow;

/// Which SQL is spoken. Only text that is built at run time asks; everything else is [`Sql`].
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Dialect {
    Postgres,
    Sqlite,
}

/// A statement known at compile time, its parameters written `?1`, `?2`, ... (PostgreSQL is given `$1`, `$2`, ...).
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Sql {
    pub(crate) sqlite: &'static str,
    pub(crate) postgres: &'static str,
}

impl Sql {
    /// One text for both engines.
    pub(crate) const fn same(text: &'static str) -> Self {
        Self { sqlite: text, postgres: text }
    }

    /// A text for each engine: they have to say the same in different words.
    pub(crate) const fn each(sqlite: &'static str, postgres: &'static str) -> Self {
        Self { sqlite, postgres }
    }
}

/// The text of a statement.
#[derive(Clone, Debug)]
pub(crate) enum Text {
    /// Prepared once per connection.
    Fixed(Sql),
    /// Put together for this query, in the dialect of the engine that runs it.
    Built(String),
}

/// A value bound to a statement. Its type is known even when it is NULL, which PostgreSQL insists on: integers are
/// `bigint`, text is `text`, bytes are `bytea`, numbers `double precision`, lists `bigint[]` and `text[]`. SQLite takes
/// a list as a JSON array.
#[derive(Clone, Debug, PartialEq)]
pub(crate) enum Param<'a> {
    Bytes(Cow<'a, [u8]>),
    Flag(bool),
    Int(i64),
    Ints(Cow<'a, [i64]>),
    MaybeInt(Option<i64>),
    MaybeText(Option<Cow<'a, str>>),
    Real(f64),
    Text(Cow<'a, str>),
    Texts(Cow<'a, [String]>),
}

impl Param<'_> {
    /// The same, borrowing nothing.
    pub(crate) fn into_owned(self) -> Param<'static> {
        match self {
            Self::Bytes(bytes) => Param::Bytes(Cow::Owned(bytes.into_owned())),
            Self::Flag(flag) => Param::Flag(flag),
            Self::Int(int) => Param::Int(int),
            Self::Ints(ints) => Param::Ints(Cow::Owned(ints.into_owned())),
            Self::MaybeInt(int) => Param::MaybeInt(int),
            Self::MaybeText(text) => Param::MaybeText(text.map(|text| Cow::Owned(text.into_owned()))),
            Self::Real(real) => Param::Real(real),
            Self::Text(text) => Param::Text(Cow::Owned(text.into_owned())),
            Self::Texts(texts) => Param::Texts(Cow::Owned(texts.into_owned())),
        }
    }
}

impl From<i64> for Param<'_> {
    fn from(value: i64) -> Self {
        Self::Int(value)
    }
}

impl From<u32> for Param<'_> {
    fn from(value: u32) -> Self {
        Self::Int(i64::from(value))
    }
}

impl From<Option<i64>> for Param<'_> {
    fn from(value: Option<i64>) -> Self {
        Self::MaybeInt(value)
    }
}

impl From<bool> for Param<'_> {
    fn from(value: bool) -> Self {
        Self::Flag(value)
    }
}

impl From<f64> for Param<'_> {
    fn from(value: f64) -> Self {
        Self::Real(value)
    }
}

impl<'a> From<&'a str> for Param<'a> {
    fn from(value: &'a str) -> Self {
        Self::Text(Cow::Borrowed(value))
    }
}

impl<'a> From<&'a String> for Param<'a> {
    fn from(value: &'a String) -> Self {
        Self::Text(Cow::Borrowed(value))
    }
}

impl From<String> for Param<'_> {
    fn from(value: String) -> Self {
        Self::Text(Cow::Owned(value))
    }
}

impl<'a> From<&'a Option<String>> for Param<'a> {
    fn from(value: &'a Option<String>) -> Self {
        Self::MaybeText(value.as_deref().map(Cow::Borrowed))
    }
}

impl<'a> From<Option<&'a str>> for Param<'a> {
    fn from(value: Option<&'a str>) -> Self {
        Self::MaybeText(value.map(Cow::Borrowed))
    }
}

impl<'a> From<&'a [u8]> for Param<'a> {
    fn from(value: &'a [u8]) -> Self {
        Self::Bytes(Cow::Borrowed(value))
    }
}

impl<'a, const N: usize> From<&'a [u8; N]> for Param<'a> {
    fn from(value: &'a [u8; N]) -> Self {
        Self::Bytes(Cow::Borrowed(value))
    }
}

impl<'a> From<&'a [i64]> for Param<'a> {
    fn from(value: &'a [i64]) -> Self {
        Self::Ints(Cow::Borrowed(value))
    }
}

impl<'a> From<&'a [String]> for Param<'a> {
    fn from(value: &'a [String]) -> Self {
        Self::Texts(Cow::Borrowed(value))
    }
}

/// Parameters in the order of their numbers: `binds![seq, &name, None::<i64>]`.
macro_rules! binds {
    ($($value:expr),* $(,)?) => { [$($crate::sql::Param::from($value)),*] };
}
pub(crate) use binds;

/// A row as an engine gives it. Columns are counted from 0. What is not of the type asked for is an error: the schema
/// says otherwise.
pub(crate) trait Fields {
    fn bytes(&self, column: usize) -> Result<&[u8], Error>;
    fn flag(&self, column: usize) -> Result<bool, Error>;
    fn int(&self, column: usize) -> Result<i64, Error>;
    fn maybe_bytes(&self, column: usize) -> Result<Option<&[u8]>, Error>;
    fn maybe_int(&self, column: usize) -> Result<Option<i64>, Error>;
    fn maybe_text(&self, column: usize) -> Result<Option<&str>, Error>;
    fn text(&self, column: usize) -> Result<&str, Error>;
    /// Whatever is there, for keys whose type depends on the query.
    fn value(&self, column: usize) -> Result<Value, Error>;

    fn string(&self, column: usize) -> Result<String, Error> {
        Ok(self.text(column)?.to_owned())
    }

    fn maybe_string(&self, column: usize) -> Result<Option<String>, Error> {
        Ok(self.maybe_text(column)?.map(str::to_owned))
    }

    /// A count: what is below zero is shown as none.
    fn count(&self, column: usize) -> Result<u64, Error> {
        Ok(u64::try_from(self.int(column)?).unwrap_or(0))
    }
}

/// A value of any type.
#[derive(Clone, Debug, PartialEq)]
pub(crate) enum Value {
    Bytes(Vec<u8>),
    Flag(bool),
    Int(i64),
    Null,
    Real(f64),
    Text(String),
}

/// How a row becomes a value.
pub(crate) type Decode<T> = fn(&dyn Fields) -> Result<T, Error>;

/// A read, as a value.
#[derive(Debug)]
pub(crate) struct Query<'a, T> {
    pub(crate) text: Text,
    pub(crate) params: Vec<Param<'a>>,
    pub(crate) row: Decode<T>,
}

impl<'a, T> Query<'a, T> {
    pub(crate) fn new(sql: Sql, params: impl Into<Vec<Param<'a>>>, row: Decode<T>) -> Self {
        Self { text: Text::Fixed(sql), params: params.into(), row }
    }

    /// A query whose text was put together in the dialect of the engine that will run it.
    pub(crate) fn built(text: String, params: Vec<Param<'a>>, row: Decode<T>) -> Self {
        Self { text: Text::Built(text), params, row }
    }

    /// The same, borrowing nothing, so that another thread can run it.
    pub(crate) fn into_owned(self) -> Query<'static, T> {
        let params = self.params.into_iter().map(Param::into_owned).collect();
        Query { text: self.text, params, row: self.row }
    }
}

/// A transaction in which statements run. SQLite runs each at once, so its futures are always ready; PostgreSQL sends
/// them without waiting for one another, and answers them in the order in which they were first polled.
pub(crate) trait Exec {
    /// Runs a statement and tells how many rows it changed.
    fn run(&self, sql: Sql, params: &[Param<'_>]) -> impl Future<Output = Result<u64, Error>> + Send;

    /// The same; `None` when a unique index refused it. The set must fail then: on PostgreSQL nothing more can be done
    /// in its savepoint.
    fn run_unique(&self, sql: Sql, params: &[Param<'_>]) -> impl Future<Output = Result<Option<u64>, Error>> + Send;

    /// All rows of a query.
    fn all<T: Send>(&self, query: Query<'_, T>) -> impl Future<Output = Result<Vec<T>, Error>> + Send;

    /// The first row of a query.
    fn one<T: Send>(&self, query: Query<'_, T>) -> impl Future<Output = Result<Option<T>, Error>> + Send;

    /// Appends events with their payloads.
    fn append(&self, lines: &[EventLine]) -> impl Future<Output = Result<(), Error>> + Send;
}
