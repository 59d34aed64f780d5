//! A text for each engine out of common pieces: what the engines say in different words has one name here.

/// A statement for both engines. Literals stand for themselves; the rest is looked up in [`word`]:
/// `each!("UPDATE person SET epoch = epoch + 1 WHERE seq " (among 1))`.
macro_rules! each {
    ($($piece:tt)+) => {
        $crate::sql::Sql::each(
            concat!($($crate::sql::words::word!(sqlite $piece)),+),
            concat!($($crate::sql::words::word!(postgres $piece)),+),
        )
    };
}
pub(crate) use each;

/// What one engine says for a piece; numbers are those of parameters.
macro_rules! word {
    ($engine:ident $text:literal) => {
        $text
    };
    // The greater of two values, none of them NULL.
    (sqlite greatest) => {
        "max"
    };
    (postgres greatest) => {
        "greatest"
    };
    // Is one of a list of integers or texts.
    (sqlite (among $list:literal)) => {
        concat!("IN (SELECT value FROM json_each(?", $list, "))")
    };
    (postgres (among $list:literal)) => {
        concat!("= ANY (?", $list, ")")
    };
    // A list as rows of one column, `given.value`.
    (sqlite (given $list:literal)) => {
        concat!("json_each(?", $list, ") AS given")
    };
    (postgres (given $list:literal)) => {
        concat!("unnest(?", $list, ") AS given (value)")
    };
    // Two lists of equal length as rows of two columns, `given.one` and `given.other`. Meant for few.
    (sqlite (pairs $one:literal $other:literal)) => {
        concat!(
            "(SELECT a.value AS one, b.value AS other FROM json_each(?",
            $one,
            ") AS a JOIN json_each(?",
            $other,
            ") AS b ON b.key = a.key) AS given"
        )
    };
    (postgres (pairs $one:literal $other:literal)) => {
        concat!("unnest(?", $one, ", ?", $other, ") AS given (one, other)")
    };
    // An empty object of JSON as the engine keeps it.
    (sqlite empty) => {
        "jsonb('{}')"
    };
    (postgres empty) => {
        "'{}'::jsonb"
    };
    // JSON text as the engine keeps it.
    (sqlite (json $text:literal)) => {
        concat!("jsonb(?", $text, ")")
    };
    (postgres (json $text:literal)) => {
        concat!("?", $text, "::jsonb")
    };
    // A column of JSON as text.
    (sqlite (text $column:ident)) => {
        concat!("json(", stringify!($column), ")")
    };
    (postgres (text $column:ident)) => {
        concat!(stringify!($column), "::text")
    };
}
pub(crate) use word;
