//! What a client asks for: query parameters (RFC 7644 section 3.4.2, RFC 9865 section 2) and SearchRequest (RFC 7644
//! section 3.4.3).

use crate::limits::{PAGE_DEFAULT_RESOURCES, PAGE_RESOURCES};
use crate::quirks::{Quirk, Quirks, Repairs};
use crate::resource::shown;
use crate::{Code, Error, Object, ScimType};
use serde_json::Value;

/// URN of the SearchRequest message.
pub const SEARCH_REQUEST: &str = "urn:ietf:params:scim:api:messages:2.0:SearchRequest";

/// A query.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Query {
    /// The filter as written; never blank.
    pub filter: Option<String>,
    /// What to sort by, as written.
    pub sort_by: Option<String>,
    /// Whether the greatest comes first.
    pub descending: bool,
    /// Which part of the result is wanted.
    pub paging: Paging,
    /// `attributes`: at least one name.
    pub attributes: Option<Vec<String>>,
    /// `excludedAttributes`: at least one name.
    pub excluded: Option<Vec<String>>,
}

/// Which part of the result is wanted. `count` is capped to the largest page.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Paging {
    /// From a position on, counted from 1 (RFC 7644 section 3.4.2.4).
    Index {
        /// Position of the first resource; at least 1.
        start: u64,
        /// Most resources of the page; 0 asks for the total alone.
        count: u64,
    },
    /// From a cursor on (RFC 9865); the empty one asks for the first page.
    Cursor {
        /// The cursor as given.
        cursor: String,
        /// Most resources of the page.
        count: u64,
    },
}

impl Query {
    /// Reads decoded query parameters. Names are found in any letter case; unknown ones are ignored.
    ///
    /// # Errors
    /// [`Code::ParameterInvalid`] for a repeated parameter, a wrong `sortOrder`, or `cursor` beside `startIndex`;
    /// [`Code::PagingInvalid`] for what is no number (`invalidCount` where there is a cursor); [`Code::FilterSyntax`]
    /// for a blank filter.
    pub fn from_pairs(
        pairs: impl IntoIterator<Item = (String, String)>,
        quirks: Quirks,
        repairs: &mut Repairs,
    ) -> Result<Query, Error> {
        let mut raw = Raw::default();
        for (name, value) in pairs {
            match Parameter::of(&name) {
                Some(Parameter::Attributes) => raw.attributes.extend(names(&value)),
                Some(Parameter::Excluded) => raw.excluded.extend(names(&value)),
                Some(Parameter::Count) => set(&mut raw.count, "count", Given::Text(value))?,
                Some(Parameter::Cursor) => set(&mut raw.cursor, "cursor", value)?,
                Some(Parameter::Filter) => set(&mut raw.filter, "filter", value)?,
                Some(Parameter::SortBy) => set(&mut raw.sort_by, "sortBy", value)?,
                Some(Parameter::SortOrder) => set(&mut raw.sort_order, "sortOrder", value)?,
                Some(Parameter::StartIndex) => set(&mut raw.start_index, "startIndex", Given::Text(value))?,
                None => ignore(&name, quirks, repairs),
            }
        }
        raw.check()
    }

    /// Reads a SearchRequest. Unknown keys are ignored.
    ///
    /// # Errors
    /// As [`Query::from_pairs`], [`Code::MessageSchema`] without the URN of the message, and
    /// [`Code::ParameterInvalid`] for a value of the wrong type.
    pub fn from_message(message: Object, quirks: Quirks, repairs: &mut Repairs) -> Result<Query, Error> {
        let mut raw = Raw::default();
        let mut named = false;
        for (name, value) in message {
            if name.eq_ignore_ascii_case("schemas") {
                let is = |urn: &Value| urn.as_str().is_some_and(|urn| urn.eq_ignore_ascii_case(SEARCH_REQUEST));
                named = value.as_array().is_some_and(|urns| urns.iter().any(is));
                continue;
            }
            let Some(parameter) = Parameter::of(&name) else {
                ignore(&name, quirks, repairs);
                continue;
            };
            if !value.is_null() {
                raw.take(parameter, &name, value)?;
            }
        }
        match named {
            true => raw.check(),
            false => Err(Error::new(Code::MessageSchema, format!("schemas must hold {SEARCH_REQUEST}."))),
        }
    }
}

#[derive(Clone, Copy)]
enum Parameter {
    Attributes,
    Count,
    Cursor,
    Excluded,
    Filter,
    SortBy,
    SortOrder,
    StartIndex,
}

impl Parameter {
    fn of(name: &str) -> Option<Parameter> {
        const NAMES: [(&str, Parameter); 8] = [
            ("attributes", Parameter::Attributes),
            ("count", Parameter::Count),
            ("cursor", Parameter::Cursor),
            ("excludedAttributes", Parameter::Excluded),
            ("filter", Parameter::Filter),
            ("sortBy", Parameter::SortBy),
            ("sortOrder", Parameter::SortOrder),
            ("startIndex", Parameter::StartIndex),
        ];
        NAMES.iter().find(|(known, _)| known.eq_ignore_ascii_case(name)).map(|(_, parameter)| *parameter)
    }
}

/// A number as it was given.
enum Given {
    Number(i64),
    Text(String),
}

#[derive(Default)]
struct Raw {
    attributes: Vec<String>,
    count: Option<Given>,
    cursor: Option<String>,
    excluded: Vec<String>,
    filter: Option<String>,
    sort_by: Option<String>,
    sort_order: Option<String>,
    start_index: Option<Given>,
}

impl Raw {
    fn take(&mut self, parameter: Parameter, name: &str, value: Value) -> Result<(), Error> {
        match parameter {
            Parameter::Attributes => self.attributes = name_list(name, value)?,
            Parameter::Excluded => self.excluded = name_list(name, value)?,
            Parameter::Count => self.count = Some(given(value)),
            Parameter::StartIndex => self.start_index = Some(given(value)),
            Parameter::Cursor => self.cursor = Some(text(name, value)?),
            Parameter::Filter => self.filter = Some(text(name, value)?),
            Parameter::SortBy => self.sort_by = Some(text(name, value)?),
            Parameter::SortOrder => self.sort_order = Some(text(name, value)?),
        }
        Ok(())
    }

    fn check(self) -> Result<Query, Error> {
        if self.filter.as_deref().is_some_and(|filter| filter.trim().is_empty()) {
            return Err(Error::new(Code::FilterSyntax, "The filter is blank."));
        }
        let descending = match self.sort_order.as_deref().map(str::trim) {
            None | Some("") => false,
            Some(order) if order.eq_ignore_ascii_case("ascending") => false,
            Some(order) if order.eq_ignore_ascii_case("descending") => true,
            Some(_) => return Err(invalid("sortOrder must be ascending or descending.")),
        };
        Ok(Query {
            descending,
            paging: paging(self.cursor, self.start_index, self.count)?,
            filter: self.filter,
            sort_by: self.sort_by.filter(|name| !name.trim().is_empty()),
            attributes: (!self.attributes.is_empty()).then_some(self.attributes),
            excluded: (!self.excluded.is_empty()).then_some(self.excluded),
        })
    }
}

fn paging(cursor: Option<String>, start: Option<Given>, count: Option<Given>) -> Result<Paging, Error> {
    let page = |count: Option<Given>| match count {
        None => Some(PAGE_DEFAULT_RESOURCES as u64),
        Some(count) => Some(at_least_zero(number(&count)?).min(PAGE_RESOURCES as u64)),
    };
    let no_number = |name: &str| Error::new(Code::PagingInvalid, format!("{name} must be a whole number."));
    match (cursor, start) {
        (Some(_), Some(_)) => Err(invalid("cursor and startIndex cannot be given together.")),
        (Some(cursor), None) => {
            let refused = || Error { scim_type: Some(ScimType::InvalidCount), ..no_number("count") };
            Ok(Paging::Cursor { cursor, count: page(count).ok_or_else(refused)? })
        }
        (None, start) => {
            let start = match start {
                None => 1,
                Some(start) => at_least_zero(number(&start).ok_or_else(|| no_number("startIndex"))?).max(1),
            };
            Ok(Paging::Index { start, count: page(count).ok_or_else(|| no_number("count"))? })
        }
    }
}

fn at_least_zero(number: i64) -> u64 {
    u64::try_from(number).unwrap_or(0)
}

/// A whole number; one that is too large is as good as the largest.
fn number(given: &Given) -> Option<i64> {
    let text = match given {
        Given::Number(number) => return Some(*number),
        Given::Text(text) => text.trim(),
    };
    let (negative, digits) = match text.strip_prefix('-') {
        Some(digits) => (true, digits),
        None => (false, text.strip_prefix('+').unwrap_or(text)),
    };
    if digits.is_empty() || !digits.bytes().all(|byte| byte.is_ascii_digit()) {
        return None;
    }
    let size = digits.parse::<i64>().unwrap_or(i64::MAX);
    Some(if negative { -size } else { size })
}

/// A number of a message; what is none is kept as text that is none.
fn given(value: Value) -> Given {
    match value {
        Value::Number(number) if number.is_u64() && !number.is_i64() => Given::Number(i64::MAX),
        Value::Number(number) => match (number.as_i64(), number.as_f64()) {
            (Some(number), _) => Given::Number(number),
            // Too large for an integer, and so without a fraction.
            (None, Some(number)) if number.abs() >= i64::MAX as f64 => {
                Given::Number(if number < 0.0 { i64::MIN } else { i64::MAX })
            }
            (None, _) => Given::Text(String::new()),
        },
        Value::String(text) => Given::Text(text),
        _ => Given::Text(String::new()),
    }
}

fn text(name: &str, value: Value) -> Result<String, Error> {
    match value {
        Value::String(text) => Ok(text),
        _ => Err(invalid(&format!("{name} must be a string."))),
    }
}

/// The names of a message: an array of strings, or text as in a query.
fn name_list(name: &str, value: Value) -> Result<Vec<String>, Error> {
    let refused = || invalid(&format!("{name} must be an array of strings."));
    let values = match value {
        Value::String(text) => return Ok(names(&text).collect()),
        Value::Array(values) => values,
        _ => return Err(refused()),
    };
    let mut list = Vec::with_capacity(values.len());
    for value in &values {
        list.extend(names(value.as_str().ok_or_else(refused)?));
    }
    Ok(list)
}

/// Names between commas; blanks around them and empty ones do not count.
fn names(text: &str) -> impl Iterator<Item = String> {
    text.split(',').map(str::trim).filter(|name| !name.is_empty()).map(str::to_owned)
}

fn set<T>(place: &mut Option<T>, name: &str, value: T) -> Result<(), Error> {
    match place.replace(value) {
        None => Ok(()),
        Some(_) => Err(invalid(&format!("{name} is given twice."))),
    }
}

/// RFC 7644 section 3.4.2: what is not understood is ignored.
fn ignore(name: &str, quirks: Quirks, repairs: &mut Repairs) {
    if quirks.has(Quirk::QueryForm) && !name.is_empty() {
        repairs.note(Quirk::QueryForm, format!("{}: ignored, no such parameter", shown(name)));
    }
}

fn invalid(detail: &str) -> Error {
    Error::new(Code::ParameterInvalid, detail)
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    fn pairs(text: &str) -> Vec<(String, String)> {
        let pair = |pair: &str| pair.split_once('=').map(|(name, value)| (name.to_owned(), value.to_owned()));
        text.split('&').filter_map(pair).collect()
    }

    fn query(text: &str) -> Result<Query, Error> {
        Query::from_pairs(pairs(text), Quirks::all(), &mut Repairs::default())
    }

    fn message(mut value: Value) -> Result<Query, Error> {
        value["schemas"] = json!([SEARCH_REQUEST]);
        Query::from_message(value.as_object().unwrap().clone(), Quirks::all(), &mut Repairs::default())
    }

    fn index(start: u64, count: u64) -> Paging {
        Paging::Index { start, count }
    }

    #[test]
    fn defaults() {
        let expect = Query {
            filter: None,
            sort_by: None,
            descending: false,
            paging: index(1, 100),
            attributes: None,
            excluded: None,
        };
        assert_eq!(query("").unwrap(), expect);
        assert_eq!(query("attributes=&sortBy= &sortOrder=&excludedAttributes=,").unwrap(), expect);
        assert_eq!(message(json!({"attributes": [], "filter": null})).unwrap(), expect);
    }

    #[test]
    fn everything_at_once() {
        let expect = Query {
            filter: Some("userName eq \"x\"".to_owned()),
            sort_by: Some("userName".to_owned()),
            descending: true,
            paging: index(11, 10),
            attributes: Some(vec!["userName".to_owned(), "emails.value".to_owned()]),
            excluded: None,
        };
        let text = "FILTER=userName eq \"x\"&sortBy=userName&sortorder=Descending&startIndex=11&count=10\
            &attributes=userName, emails.value";
        assert_eq!(query(text).unwrap(), expect);
        let body = json!({"filter": "userName eq \"x\"", "SortBy": "userName", "sortOrder": "DESCENDING",
            "startIndex": 11, "count": 10, "attributes": ["userName", "emails.value"]});
        assert_eq!(message(body).unwrap(), expect);
        let excluded = query("excludedAttributes=members&excludedAttributes=groups").unwrap().excluded;
        assert_eq!(excluded, Some(vec!["members".to_owned(), "groups".to_owned()]));
    }

    #[test]
    fn pages() {
        let check = |text: &str, expect: Paging| assert_eq!(query(text).unwrap().paging, expect, "{text}");
        check("startIndex=0", index(1, 100));
        check("startIndex=-7&count=-7", index(1, 0));
        check("count=0", index(1, 0));
        check("count=100000", index(1, 1_000));
        check("startIndex=99999999999999999999&count=99999999999999999999", index(i64::MAX as u64, 1_000));
        check("startIndex=+2&count= 5", index(2, 5));
        check("cursor=", Paging::Cursor { cursor: String::new(), count: 100 });
        check("cursor=abc&count=5000", Paging::Cursor { cursor: "abc".to_owned(), count: 1_000 });
        assert_eq!(message(json!({"startIndex": 3, "count": u64::MAX})).unwrap().paging, index(3, 1_000));
        assert_eq!(message(json!({"startIndex": -1e30, "count": 1e30})).unwrap().paging, index(1, 1_000));
        assert_eq!(message(json!({"startIndex": "3", "count": -1})).unwrap().paging, index(3, 0));
    }

    #[test]
    fn mistakes() {
        let check = |text: &str, expect: &str| assert_eq!(query(text).unwrap_err().code, expect, "{text}");
        for text in ["count=ten", "count=", "count=1.5", "startIndex=a", "startIndex=--1", "startIndex=1e3", "count=-"]
        {
            check(text, "paging-invalid");
        }
        check("filter=", "filter-syntax");
        check("filter= ", "filter-syntax");
        check("filter=a pr&filter=b pr", "parameter-invalid");
        check("count=1&COUNT=2", "parameter-invalid");
        check("sortOrder=up", "parameter-invalid");
        check("cursor=&startIndex=1", "parameter-invalid");
        assert_eq!(query("cursor=&count=x").unwrap_err().scim_type, Some(ScimType::InvalidCount));
        let check = |body: Value, expect: &str| assert_eq!(message(body.clone()).unwrap_err().code, expect, "{body}");
        check(json!({"count": 1.5}), "paging-invalid");
        check(json!({"count": []}), "paging-invalid");
        check(json!({"startIndex": true}), "paging-invalid");
        check(json!({"filter": 7}), "parameter-invalid");
        check(json!({"filter": ""}), "filter-syntax");
        check(json!({"attributes": [7]}), "parameter-invalid");
        check(json!({"attributes": {}}), "parameter-invalid");
        check(json!({"sortBy": []}), "parameter-invalid");
        for schemas in
            [json!({}), json!({"schemas": []}), json!({"schemas": SEARCH_REQUEST}), json!({"schemas": ["urn:x:y"]})]
        {
            let body = schemas.as_object().unwrap().clone();
            let refused = Query::from_message(body, Quirks::all(), &mut Repairs::default()).unwrap_err();
            assert_eq!(refused.code, "message-schema");
        }
    }

    #[test]
    fn unknown_parameters_are_ignored() {
        let mut repairs = Repairs::default();
        let text = "aadOptscim062020=x&=&filter=a pr";
        let query = Query::from_pairs(pairs(text), Quirks::all(), &mut repairs).unwrap();
        assert_eq!(query.filter.as_deref(), Some("a pr"));
        assert_eq!(repairs.0.len(), 1);
        let mut repairs = Repairs::default();
        Query::from_pairs(pairs(text), Quirks::none(), &mut repairs).unwrap();
        assert!(repairs.0.is_empty());
        assert!(message(json!({"unheard": 1})).is_ok());
    }
}
