//! `{{name}}` in paths, headers and bodies.

use serde_json::{Map, Value};
use std::collections::HashMap;

/// Saved values by name.
pub(super) type Vars = HashMap<String, String>;

/// The text with every name replaced. The innermost braces come first, so that `{{user{{n}}}}` works.
pub(super) fn text(text: &str, vars: &Vars) -> Result<String, String> {
    let mut text = text.to_owned();
    while let Some(end) = text.find("}}") {
        let Some(start) = text[..end].rfind("{{") else { break };
        let name = &text[start + 2..end];
        let value = vars.get(name).ok_or_else(|| format!("nothing was saved as {name}"))?.clone();
        text.replace_range(start..end + 2, &value);
    }
    Ok(text)
}

/// The value with every name in its strings and keys replaced and every `$each` spelt out.
pub(super) fn value(template: &Value, vars: &Vars) -> Result<Value, String> {
    match template {
        Value::String(template) => Ok(Value::String(text(template, vars)?)),
        Value::Array(items) => items.iter().map(|item| value(item, vars)).collect(),
        Value::Object(object) => match (object.get("$each"), object.get("$of")) {
            (Some(range), Some(of)) => each(range, of, vars),
            _ => object
                .iter()
                .map(|(key, item)| Ok((text(key, vars)?, value(item, vars)?)))
                .collect::<Result<Map<_, _>, _>>()
                .map(Value::Object),
        },
        plain => Ok(plain.clone()),
    }
}

fn each(range: &Value, of: &Value, vars: &Vars) -> Result<Value, String> {
    let bound = |index: usize| range[index].as_u64().ok_or("$each is [first, last]");
    let mut vars = vars.clone();
    let mut items = Vec::new();
    for n in bound(0)?..=bound(1)? {
        vars.insert("n".to_owned(), n.to_string());
        items.push(value(of, &vars)?);
    }
    Ok(Value::Array(items))
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    fn vars() -> Vars {
        [("a", "1"), ("n", "7"), ("user7", "u7"), ("user1", "u1"), ("user2", "u2")]
            .map(|(name, value)| (name.to_owned(), value.to_owned()))
            .into()
    }

    fn check(template: &Value, expect: &Value) {
        assert_eq!(&value(template, &vars()).expect("known names"), expect);
    }

    #[test]
    fn names_are_replaced() {
        check(&json!("x{{a}}y{{n}}"), &json!("x1y7"));
        check(&json!({"{{a}}": ["{{user{{n}}}}", null, 3]}), &json!({"1": ["u7", null, 3]}));
        check(&json!({"$each": [1, 2], "$of": {"value": "{{user{{n}}}}"}}), &json!([{"value": "u1"}, {"value": "u2"}]));
        assert!(text("{{nobody}}", &vars()).is_err());
        // JSON text may end in braces of its own.
        check(&json!("{\"a\":{}}"), &json!("{\"a\":{}}"));
    }
}
