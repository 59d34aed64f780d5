//! The loads.

use crate::load::{Client, Connection, Outcome, Request, drive};
use crate::process::Server;
use crate::seed;
use serde_json::{Value, json};
use std::sync::Arc;
use std::time::Duration;

/// A load's outcome with the server's CPU time a request.
#[derive(Clone, Debug)]
pub(crate) struct Measured {
    pub(crate) outcome: Outcome,
    pub(crate) cpu_us: f64,
}

/// Everything a load needs.
#[derive(Debug)]
pub(crate) struct Bench<'a> {
    pub(crate) server: &'a Server,
    pub(crate) client: Client,
    pub(crate) span: Duration,
    pub(crate) ids: Arc<Vec<String>>,
}

/// Spreads consecutive numbers over `0..count`.
fn spread(number: usize, count: usize) -> usize {
    number.wrapping_mul(7_919) % count.max(1)
}

/// Measures a load and fails when an answer was wrong.
pub(crate) async fn measured<F>(
    server: &Server,
    connections: usize,
    span: Duration,
    make: F,
) -> Result<Measured, String>
where
    F: Fn(usize) -> Option<Request> + Send + Sync + 'static,
{
    let before = server.cpu_us();
    let outcome = drive(&server.address, connections, span, make).await?;
    let cpu_us = (server.cpu_us() - before) / outcome.requests.max(1) as f64;
    match &outcome.first_wrong {
        Some(wrong) => Err(format!("{} of {} answers were wrong, the first: {wrong}", outcome.wrong, outcome.requests)),
        None => Ok(Measured { outcome, cpu_us }),
    }
}

impl Bench<'_> {
    pub(crate) async fn get_by_id(&self, connections: usize) -> Result<Measured, String> {
        let (client, ids) = (self.client.clone(), self.ids.clone());
        let make = move |number: usize| {
            let id = &ids[spread(number, ids.len())];
            let mut request = client.request("GET", &format!("/scim/v2/Users/{id}"), None, 200);
            request.holds = Some(id.clone());
            Some(request)
        };
        measured(self.server, connections, self.span, make).await
    }

    pub(crate) async fn look_up(&self, connections: usize) -> Result<Measured, String> {
        let (client, count) = (self.client.clone(), self.ids.len());
        let make = move |number: usize| {
            let name = seed::user_name(spread(number, count));
            let path = format!("/scim/v2/Users?filter=userName%20eq%20%22{}%22", name.replace('@', "%40"));
            let mut request = client.request("GET", &path, None, 200);
            request.holds = Some(name);
            Some(request)
        };
        measured(self.server, connections, self.span, make).await
    }

    pub(crate) async fn create(&self, connections: usize, first: usize) -> Result<Measured, String> {
        let client = self.client.clone();
        let make = move |number: usize| {
            let body = seed::user(first + number).to_string();
            Some(client.request("POST", "/scim/v2/Users", Some(&body), 201))
        };
        measured(self.server, connections, self.span, make).await
    }

    pub(crate) async fn switch(&self, connections: usize) -> Result<Measured, String> {
        let (client, ids) = (self.client.clone(), self.ids.clone());
        let make = move |number: usize| {
            let active = (number / ids.len()) % 2 == 1;
            let body = seed::patch(json!({ "op": "replace", "path": "active", "value": active }));
            let path = format!("/scim/v2/Users/{}", ids[number % ids.len()]);
            let mut request = client.request("PATCH", &path, Some(&body), 200);
            request.holds = Some(format!("\"active\":{active}"));
            Some(request)
        };
        measured(self.server, connections, self.span, make).await
    }

    /// Adds (or removes) one member after another to a group, as Entra does it.
    pub(crate) async fn members(&self, group: &str, members: Vec<String>, add: bool) -> Result<Measured, String> {
        let (client, group) = (self.client.clone(), group.to_owned());
        let make = move |number: usize| {
            let member = members.get(number)?;
            let op = if add { "Add" } else { "Remove" };
            let body = seed::patch(json!({ "op": op, "path": "members", "value": [{ "value": member }] }));
            Some(client.request("PATCH", &format!("/scim/v2/Groups/{group}"), Some(&body), 204))
        };
        measured(self.server, 64, self.span, make).await
    }

    /// Pages of 100 by cursor: the first page again and again, then a page deep in the list again and again.
    pub(crate) async fn pages(&self) -> Result<(Measured, Measured), String> {
        let path = |cursor: &str| format!("/scim/v2/Users?count=100&cursor={cursor}");
        let first = self.same(path("")).await?;
        let mut connection = Connection::open(&self.client.address).await?;
        let mut cursor = String::new();
        for _ in 0..(self.ids.len() * 9 / 10 / 1_000).max(1) {
            let request = self.client.request("GET", &format!("/scim/v2/Users?count=1000&cursor={cursor}"), None, 200);
            let (status, body) = connection.exchange(&request.bytes).await?;
            let page: Value = serde_json::from_slice(&body).map_err(|error| format!("page {status}: {error}"))?;
            match page["nextCursor"].as_str() {
                Some(next) => next.clone_into(&mut cursor),
                None => break,
            }
        }
        Ok((first, self.same(path(&cursor)).await?))
    }

    async fn same(&self, path: String) -> Result<Measured, String> {
        let client = self.client.clone();
        let make = move |_| {
            let mut request = client.request("GET", &path, None, 200);
            request.holds = Some("\"itemsPerPage\":100".to_owned());
            Some(request)
        };
        measured(self.server, 8, self.span, make).await
    }
}
