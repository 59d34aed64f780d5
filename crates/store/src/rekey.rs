//! When the Unicode tables of the program are newer than those a store was written with, every key that was computed
//! with them is computed again, in one transaction, so that equal names are found and kept apart by one rule.

use crate::error::Error;
use crate::sql::words::each;
use crate::sql::{Exec, Param, Query, Sql, binds};
use bailiwick_scim::Object;
use bailiwick_scim::text::{UNICODE, match_key, unique_key};
use futures_util::future::try_join_all;
use serde_json::Value;
use std::collections::HashSet;

/// Rows taken at once, so that a large store needs little memory.
const CHUNK: i64 = 1_000;

/// Keys everything again, if that is needed, in the transaction it is called in.
pub(crate) async fn run<E: Exec>(exec: &E) -> Result<(), Error> {
    let stored = Sql::same("SELECT value FROM setting WHERE key = 'unicode'");
    let stored = exec.one(Query::new(stored, binds![], |row| row.string(0))).await?;
    if stored.as_deref() == Some(UNICODE) {
        return Ok(());
    }
    // Two names may swap keys on the way: none of them is unique until all are done.
    exec.run(Sql::same("UPDATE resource SET name_unique = NULL"), &[]).await?;
    exec.run(Sql::same("DELETE FROM email"), &[]).await?;
    resources(exec).await?;
    persons(exec).await?;
    conflicts(exec).await?;
    items(exec).await?;
    aliases(exec).await?;
    exec.run(Sql::same("UPDATE setting SET value = ?1 WHERE key = 'unicode'"), &binds![UNICODE]).await?;
    tracing::info!(unicode = UNICODE, "names were keyed again");
    Ok(())
}

/// A resource as it is stored.
struct Row {
    seq: i64,
    kind: i64,
    doc: String,
    keys: String,
}

async fn resources<E: Exec>(exec: &E) -> Result<(), Error> {
    let select = each!(
        "SELECT seq, kind, " (text doc) ", " (text keys) " FROM resource WHERE seq > ?1 ORDER BY seq LIMIT ?2"
    );
    let mut after = i64::MIN;
    loop {
        let rows = exec
            .all(Query::new(select, binds![after, CHUNK], |row| {
                Ok(Row { seq: row.int(0)?, kind: row.int(1)?, doc: row.string(2)?, keys: row.string(3)? })
            }))
            .await?;
        let Some(last) = rows.last() else { return Ok(()) };
        after = last.seq;
        try_join_all(rows.iter().map(|row| resource(exec, row))).await?;
    }
}

async fn resource<E: Exec>(exec: &E, Row { seq, kind, doc, keys }: &Row) -> Result<(), Error> {
    let broken = |error| Error::Broken(format!("the document of resource {seq} does not parse: {error}"));
    let doc: Object = serde_json::from_str(doc).map_err(broken)?;
    let mut keys: Value = serde_json::from_str(keys).map_err(broken)?;
    let name = match kind {
        1 => doc.get("userName"),
        _ => doc.get("displayName"),
    };
    let name = name.and_then(Value::as_str).unwrap_or_default().to_owned();
    let unique = (*kind == 1).then(|| unique_key(&name));
    let addresses = doc.get("emails").and_then(Value::as_array).into_iter().flatten();
    let emails: Vec<String> =
        addresses.filter_map(|address| Some(unique_key(address.get("value")?.as_str()?.trim()))).collect();
    again(&mut keys, &Value::Object(doc));
    let insert = each!(
        "INSERT INTO email (key, resource) SELECT given.value, ?1 FROM " (given 2) " WHERE true
         ON CONFLICT DO NOTHING"
    );
    let update = each!("UPDATE resource SET name_unique = ?2, name_match = ?3, keys = " (json 4) " WHERE seq = ?1");
    let matched = match_key(&name);
    let params = binds![*seq, &unique, matched.as_ref(), keys.to_string()];
    if exec.run_unique(update, &params).await?.is_none() {
        return Err(Error::Unavailable(format!(
            "two users of one integration have the same userName under Unicode {UNICODE} (resource {seq}): rename one \
             with the previous version first"
        )));
    }
    if !emails.is_empty() {
        exec.run(insert, &binds![*seq, emails.as_slice()]).await?;
    }
    Ok(())
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

async fn persons<E: Exec>(exec: &E) -> Result<(), Error> {
    let select = Sql::same(
        "SELECT seq, user_name, email FROM person
         WHERE seq > ?1 AND (user_name IS NOT NULL OR email IS NOT NULL) ORDER BY seq LIMIT ?2",
    );
    let update = Sql::same("UPDATE person SET user_name_key = ?2, email_key = ?3 WHERE seq = ?1");
    let mut after = i64::MIN;
    loop {
        let rows = exec
            .all(Query::new(select, binds![after, CHUNK], |row| {
                Ok((row.int(0)?, row.maybe_string(1)?, row.maybe_string(2)?))
            }))
            .await?;
        let Some(last) = rows.last() else { return Ok(()) };
        after = last.0;
        let updates: Vec<[Param<'_>; 3]> = rows
            .iter()
            .map(|(seq, user_name, email)| {
                let user_name = user_name.as_deref().map(unique_key);
                let email = email.as_deref().map(|email| unique_key(email.trim()));
                [
                    Param::from(*seq),
                    Param::MaybeText(user_name.map(Into::into)),
                    Param::MaybeText(email.map(Into::into)),
                ]
            })
            .collect();
        try_join_all(updates.iter().map(|params| exec.run(update, params))).await?;
    }
}

/// Pairs that became equal are one pair: the earlier one stays.
async fn conflicts<E: Exec>(exec: &E) -> Result<(), Error> {
    let select = Sql::same("SELECT id, integration, person, user_name FROM conflict ORDER BY created, id");
    let rows = exec
        .all(Query::new(select, binds![], |row| Ok((row.string(0)?, row.int(1)?, row.string(2)?, row.string(3)?))))
        .await?;
    exec.run(Sql::same("UPDATE conflict SET user_name_key = 'old ' || id"), &[]).await?;
    let mut seen = HashSet::new();
    for (id, integration, person, user_name) in rows {
        let key = unique_key(&user_name);
        if seen.insert((integration, person, key.clone())) {
            let sql = Sql::same("UPDATE conflict SET user_name_key = ?2 WHERE id = ?1");
            exec.run(sql, &binds![id, key]).await?;
        } else {
            exec.run(Sql::same("DELETE FROM conflict WHERE id = ?1"), &binds![id]).await?;
        }
    }
    Ok(())
}

/// Items: their titles and what filters compare. Names have no letter that another Unicode folds otherwise.
async fn items<E: Exec>(exec: &E) -> Result<(), Error> {
    let select = each!(
        "SELECT seq, title, " (text doc) ", " (text keys) " FROM item WHERE seq > ?1 ORDER BY seq LIMIT ?2"
    );
    let update = each!("UPDATE item SET title_key = ?2, keys = " (json 3) " WHERE seq = ?1");
    let mut after = i64::MIN;
    loop {
        let rows = exec
            .all(Query::new(select, binds![after, CHUNK], |row| {
                Ok((row.int(0)?, row.string(1)?, row.string(2)?, row.string(3)?))
            }))
            .await?;
        let Some(last) = rows.last() else { return Ok(()) };
        after = last.0;
        for (seq, title, doc, keys) in &rows {
            let broken = |error| Error::Broken(format!("the document of item {seq} does not parse: {error}"));
            let doc: Value = serde_json::from_str(doc).map_err(broken)?;
            let mut keys: Value = serde_json::from_str(keys).map_err(broken)?;
            again(&mut keys, &doc);
            exec.run(update, &binds![*seq, &*match_key(title), keys.to_string()]).await?;
        }
    }
}

/// Aliases. Where two of them became equal, the one that stood there first stays.
async fn aliases<E: Exec>(exec: &E) -> Result<(), Error> {
    let select = Sql::same("SELECT space, key, item, at FROM alias ORDER BY at, space, key");
    let rows = exec
        .all(Query::new(select, binds![], |row| Ok((row.string(0)?, row.string(1)?, row.int(2)?, row.int(3)?))))
        .await?;
    let delete = Sql::same("DELETE FROM alias WHERE space = ?1 AND key = ?2");
    let insert = Sql::same("INSERT INTO alias (space, key, item, at) VALUES (?1, ?2, ?3, ?4) ON CONFLICT DO NOTHING");
    for (space, key, item, at) in &rows {
        let new = match_key(key);
        if new != *key {
            exec.run(delete, &binds![space, key]).await?;
            exec.run(insert, &binds![space, &*new, *item, *at]).await?;
        }
    }
    Ok(())
}
