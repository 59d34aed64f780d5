//! When the Unicode tables of the program are newer than those a store was written with, every key that was computed
//! with them is computed again, in one transaction, so that equal names are found and kept apart by one rule.

use crate::error::Error;
use crate::sqlite::is_unique_clash;
use bailiwick_scim::Object;
use bailiwick_scim::text::{UNICODE, match_key, unique_key};
use rusqlite::{Connection, OptionalExtension as _, Transaction, TransactionBehavior, params};
use serde_json::Value;

/// Rows taken at once, so that a large store needs little memory.
const CHUNK: i64 = 1_000;

pub(super) fn run(connection: &mut Connection) -> Result<(), Error> {
    let transaction = connection.transaction_with_behavior(TransactionBehavior::Immediate)?;
    let stored: Option<String> =
        transaction.query_row("SELECT value FROM setting WHERE key = 'unicode'", [], |row| row.get(0)).optional()?;
    if stored.as_deref() == Some(UNICODE) {
        return Ok(());
    }
    // Two names may swap keys on the way: none of them is unique until all are done.
    transaction.execute("UPDATE resource SET name_unique = NULL", [])?;
    transaction.execute("DELETE FROM email", [])?;
    resources(&transaction)?;
    persons(&transaction)?;
    conflicts(&transaction)?;
    transaction.execute("UPDATE setting SET value = ?1 WHERE key = 'unicode'", [UNICODE])?;
    transaction.commit()?;
    tracing::info!(unicode = UNICODE, "names were keyed again");
    Ok(())
}

fn resources(transaction: &Transaction<'_>) -> Result<(), Error> {
    let mut select = transaction
        .prepare("SELECT seq, kind, json(doc), json(keys) FROM resource WHERE seq > ?1 ORDER BY seq LIMIT ?2")?;
    let mut after = i64::MIN;
    loop {
        let rows: Vec<(i64, i64, String, String)> = select
            .query_map([after, CHUNK], |row| Ok((row.get(0)?, row.get(1)?, row.get(2)?, row.get(3)?)))?
            .collect::<rusqlite::Result<_>>()?;
        let Some(last) = rows.last() else { return Ok(()) };
        after = last.0;
        for (seq, kind, doc, keys) in rows {
            resource(transaction, seq, kind, &doc, &keys)?;
        }
    }
}

fn resource(transaction: &Transaction<'_>, seq: i64, kind: i64, doc: &str, keys: &str) -> Result<(), Error> {
    let broken = |error| Error::Broken(format!("the document of resource {seq} does not parse: {error}"));
    let doc: Object = serde_json::from_str(doc).map_err(broken)?;
    let mut keys: Value = serde_json::from_str(keys).map_err(broken)?;
    let name = match kind {
        1 => doc.get("userName"),
        _ => doc.get("displayName"),
    };
    let name = name.and_then(Value::as_str).unwrap_or_default();
    let unique = (kind == 1).then(|| unique_key(name));
    for address in doc.get("emails").and_then(Value::as_array).into_iter().flatten() {
        if let Some(address) = address.get("value").and_then(Value::as_str) {
            transaction
                .prepare_cached("INSERT OR IGNORE INTO email (key, resource) VALUES (?1, ?2)")?
                .execute(params![unique_key(address.trim()), seq])?;
        }
    }
    again(&mut keys, &Value::Object(doc.clone()));
    let result = transaction
        .prepare_cached("UPDATE resource SET name_unique = ?2, name_match = ?3, keys = jsonb(?4) WHERE seq = ?1")?
        .execute(params![seq, unique, match_key(name), keys.to_string()]);
    match result {
        Ok(_) => Ok(()),
        Err(error) if is_unique_clash(&error) => Err(Error::Unavailable(format!(
            "two users of one integration have the same userName under Unicode {UNICODE} (resource {seq}): rename one \
             with the previous version first"
        ))),
        Err(error) => Err(error.into()),
    }
}

/// Computes the text keys again. Keys have the shape of their document; what is no text does not depend on Unicode.
fn again(keys: &mut Value, doc: &Value) {
    match (keys, doc) {
        (Value::Object(keys), Value::Object(doc)) => {
            for (name, key) in keys {
                if let Some(value) = doc.get(name) {
                    again(key, value);
                }
            }
        }
        (Value::Array(keys), Value::Array(doc)) => {
            for (key, value) in keys.iter_mut().zip(doc) {
                again(key, value);
            }
        }
        (Value::String(key), Value::String(value)) => *key = match_key(value).into_owned(),
        _ => {}
    }
}

fn persons(transaction: &Transaction<'_>) -> Result<(), Error> {
    let mut select = transaction
        .prepare("SELECT seq, user_name, email FROM person WHERE user_name IS NOT NULL OR email IS NOT NULL")?;
    let rows: Vec<(i64, Option<String>, Option<String>)> =
        select.query_map([], |row| Ok((row.get(0)?, row.get(1)?, row.get(2)?)))?.collect::<rusqlite::Result<_>>()?;
    for (seq, user_name, email) in rows {
        let user_name = user_name.as_deref().map(unique_key);
        let email = email.as_deref().map(|email| unique_key(email.trim()));
        transaction
            .prepare_cached("UPDATE person SET user_name_key = ?2, email_key = ?3 WHERE seq = ?1")?
            .execute(params![seq, user_name, email])?;
    }
    Ok(())
}

/// Pairs that became equal are one pair: the earlier one stays.
fn conflicts(transaction: &Transaction<'_>) -> Result<(), Error> {
    let mut select = transaction.prepare("SELECT id, user_name FROM conflict ORDER BY created, id")?;
    let rows: Vec<(String, String)> =
        select.query_map([], |row| Ok((row.get(0)?, row.get(1)?)))?.collect::<rusqlite::Result<_>>()?;
    for (id, _) in &rows {
        transaction.execute("UPDATE conflict SET user_name_key = 'old ' || id WHERE id = ?1", [id])?;
    }
    for (id, user_name) in rows {
        let result = transaction
            .execute("UPDATE conflict SET user_name_key = ?2 WHERE id = ?1", params![id, unique_key(&user_name)]);
        match result {
            Ok(_) => {}
            Err(error) if is_unique_clash(&error) => {
                transaction.execute("DELETE FROM conflict WHERE id = ?1", [id])?;
            }
            Err(error) => return Err(error.into()),
        }
    }
    Ok(())
}
