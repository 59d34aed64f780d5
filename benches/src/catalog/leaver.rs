//! From switching somebody off to no access, with many open sessions.

use crate::load::{Client, Connection};
use futures_util::future::try_join_all;
use serde_json::{Value, json};
use std::time::{Duration, Instant};

/// Sessions that one person may have open.
const EACH: usize = 100;
const PASSWORD: &str = "correct horse battery staple";
/// Connections that try the sessions.
const CONNECTIONS: usize = 16;
/// No end of access may take longer.
const PATIENCE: Duration = Duration::from_secs(30);

/// What it took, from the first byte of the calls that switch the persons off.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Gone {
    /// Until the last of them was answered.
    pub(crate) answered: Duration,
    /// Until a request with each of the sessions was refused.
    pub(crate) refused: Duration,
    /// Sessions that were still let in after the answer.
    pub(crate) late: usize,
}

/// Signs persons in until so many sessions are open, switches them off, and tries every session.
pub(crate) async fn measure(admin: &Client, sessions: usize) -> Result<Gone, String> {
    let mut persons = Vec::new();
    let mut open = Vec::new();
    for number in 0..sessions.div_ceil(EACH) {
        let name = format!("leaver{number}@bench.example");
        persons.push(account(admin, &name).await?);
        let wanted = EACH.min(sessions - open.len());
        open.extend(sign_in(admin, &name, wanted).await?);
    }
    try_all(admin, &open, 200).await?;
    let begin = Instant::now();
    try_join_all(persons.iter().map(|person| async move {
        let path = format!("/people/{person}/deactivate");
        call(&mut Connection::open(&admin.address).await?, admin, "POST", &path, None, 204).await
    }))
    .await?;
    let answered = begin.elapsed();
    let mut late = 0;
    loop {
        match try_all(admin, &open, 401).await? {
            0 => break,
            still => late = late.max(still),
        }
        if begin.elapsed() > PATIENCE {
            return Err(format!("{late} sessions are still let in"));
        }
    }
    Ok(Gone { answered, refused: begin.elapsed(), late })
}

/// Invites somebody, who accepts: a local account.
async fn account(admin: &Client, name: &str) -> Result<String, String> {
    let mut connection = Connection::open(&admin.address).await?;
    let made = call(&mut connection, admin, "POST", "/invites", Some(json!({ "email": name })), 201).await?;
    let body = json!({ "token": made["token"], "user_name": name, "password": PASSWORD });
    let accepted = call(&mut connection, admin, "POST", "/invites/accept", Some(body), 200).await?;
    let person = accepted["person"].as_str().or(accepted["id"].as_str());
    person.map(str::to_owned).ok_or_else(|| format!("an accepted invitation names nobody: {accepted}"))
}

async fn sign_in(admin: &Client, name: &str, count: usize) -> Result<Vec<Client>, String> {
    let mut connection = Connection::open(&admin.address).await?;
    let mut open = Vec::new();
    for _ in 0..count {
        let body = json!({ "user_name": name, "password": PASSWORD });
        let made = call(&mut connection, admin, "POST", "/session", Some(body), 201).await?;
        let token = made["token"].as_str().ok_or_else(|| format!("a session without token: {made}"))?;
        open.push(Client { address: admin.address.clone(), token: token.to_owned() });
    }
    Ok(open)
}

/// Calls with every session; tells how many were not answered with this status.
async fn try_all(admin: &Client, open: &[Client], expect: u16) -> Result<usize, String> {
    let share = open.len().div_ceil(CONNECTIONS).max(1);
    let tries = open.chunks(share).map(|part| async move {
        let mut connection = Connection::open(&admin.address).await?;
        let mut other = 0;
        for session in part {
            let (status, _) = connection.exchange(&session.api("GET", "/session", None, expect).bytes).await?;
            other += usize::from(status != expect);
        }
        Ok::<_, String>(other)
    });
    let other: usize = try_join_all(tries).await?.into_iter().sum();
    match expect {
        200 if other > 0 => Err(format!("{other} of {} sessions were not let in", open.len())),
        _ => Ok(other),
    }
}

async fn call(
    connection: &mut Connection,
    admin: &Client,
    method: &str,
    path: &str,
    body: Option<Value>,
    expect: u16,
) -> Result<Value, String> {
    let body = body.map(|body| body.to_string());
    let request = admin.api(method, path, body.as_deref(), expect);
    let (status, answer) = connection.exchange(&request.bytes).await?;
    if status != expect {
        return Err(format!("{method} {path}: {status} {}", String::from_utf8_lossy(&answer)));
    }
    Ok(serde_json::from_slice(&answer).unwrap_or_default())
}
