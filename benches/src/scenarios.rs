//! The loads.

use crate::cluster::Cluster;
use crate::load::{Client, Connection, Outcome, Request, Turn, drive};
use crate::process::Server;
use crate::seed;
use serde_json::{Value, json};
use std::sync::Arc;
use std::time::Duration;

/// A load's outcome with the CPU time a request took.
#[derive(Clone, Debug, Default)]
pub(crate) struct Measured {
    pub(crate) outcome: Outcome,
    /// Of the servers, in all.
    server_us: f64,
    /// Of the database's own processes, in all.
    database_us: f64,
}

impl Measured {
    pub(crate) fn rate(&self) -> f64 {
        self.outcome.rate()
    }

    /// CPU time of the servers a request.
    pub(crate) fn cpu_us(&self) -> f64 {
        self.server_us / self.outcome.requests().max(1) as f64
    }

    /// CPU time of the database's processes a request; 0 where it has none or they cannot be seen.
    pub(crate) fn database_us(&self) -> f64 {
        self.database_us / self.outcome.requests().max(1) as f64
    }

    /// Takes in another round of the same load.
    pub(crate) fn absorb(&mut self, other: Self) {
        self.outcome.absorb(other.outcome);
        self.server_us += other.server_us;
        self.database_us += other.database_us;
    }
}

/// Everything a load needs.
#[derive(Debug)]
pub(crate) struct Bench<'a> {
    /// All of one store.
    pub(crate) servers: Vec<&'a Server>,
    pub(crate) cluster: Option<&'a Cluster>,
    pub(crate) client: Client,
    pub(crate) span: Duration,
    pub(crate) ids: Arc<Vec<String>>,
}

/// Spreads consecutive numbers over `0..count`.
fn spread(number: usize, count: usize) -> usize {
    number.wrapping_mul(7_919) % count.max(1)
}

impl Bench<'_> {
    /// The same for another span.
    pub(crate) fn lasting(&self, span: Duration) -> Self {
        let Self { servers, cluster, client, ids, .. } = self;
        Self { servers: servers.clone(), cluster: *cluster, client: client.clone(), span, ids: ids.clone() }
    }

    /// Measures a load and fails when an answer was wrong.
    pub(crate) async fn measure<F>(&self, connections: usize, make: F) -> Result<Measured, String>
    where
        F: Fn(Turn) -> Option<Request> + Send + Sync + 'static,
    {
        let servers_us = || self.servers.iter().map(|server| server.cpu_us()).sum::<f64>();
        let database_us = || self.cluster.map_or(0.0, Cluster::cpu_us);
        let before = (servers_us(), database_us());
        let addresses: Vec<&str> = self.servers.iter().map(|server| server.address.as_str()).collect();
        let outcome = drive(&addresses, connections, self.span, make).await?;
        let (server_us, database_us) = (servers_us() - before.0, database_us() - before.1);
        match &outcome.first_wrong {
            Some(wrong) => {
                Err(format!("{} of {} answers were wrong, the first: {wrong}", outcome.wrong, outcome.requests()))
            }
            None => Ok(Measured { outcome, server_us, database_us }),
        }
    }

    pub(crate) async fn get_by_id(&self, connections: usize) -> Result<Measured, String> {
        let (client, ids) = (self.client.clone(), self.ids.clone());
        let make = move |Turn { number, .. }: Turn| {
            let id = &ids[spread(number, ids.len())];
            let mut request = client.request("GET", &format!("/scim/v2/Users/{id}"), None, 200);
            request.holds = vec![id.clone()];
            Some(request)
        };
        self.measure(connections, make).await
    }

    pub(crate) async fn look_up(&self, connections: usize) -> Result<Measured, String> {
        let (client, count) = (self.client.clone(), self.ids.len());
        let make = move |Turn { number, .. }: Turn| {
            let name = seed::user_name(spread(number, count));
            let path = format!("/scim/v2/Users?filter=userName%20eq%20%22{}%22", name.replace('@', "%40"));
            let mut request = client.request("GET", &path, None, 200);
            request.holds = vec![name];
            Some(request)
        };
        self.measure(connections, make).await
    }

    pub(crate) async fn create(&self, connections: usize, first: usize) -> Result<Measured, String> {
        let client = self.client.clone();
        let make = move |Turn { number, .. }: Turn| {
            let body = seed::user(first + number).to_string();
            Some(client.request("POST", "/scim/v2/Users", Some(&body), 201))
        };
        self.measure(connections, make).await
    }

    pub(crate) async fn switch(&self, connections: usize) -> Result<Measured, String> {
        let (client, ids) = (self.client.clone(), self.ids.clone());
        let make = move |Turn { number, .. }: Turn| {
            let active = (number / ids.len()) % 2 == 1;
            let body = seed::patch(json!({ "op": "replace", "path": "active", "value": active }));
            let path = format!("/scim/v2/Users/{}", ids[number % ids.len()]);
            let mut request = client.request("PATCH", &path, Some(&body), 200);
            // PostgreSQL prints documents with blanks.
            request.holds = vec![format!("\"active\":{active}"), format!("\"active\": {active}")];
            Some(request)
        };
        self.measure(connections, make).await
    }

    /// Adds (or removes) one member after another to a group, as Entra does it.
    async fn members(&self, group: &str, members: Vec<String>, add: bool) -> Result<Measured, String> {
        let (client, group) = (self.client.clone(), group.to_owned());
        let make = move |Turn { number, .. }: Turn| {
            let member = members.get(number)?;
            let op = if add { "Add" } else { "Remove" };
            let body = seed::patch(json!({ "op": op, "path": "members", "value": [{ "value": member }] }));
            Some(client.request("PATCH", &format!("/scim/v2/Groups/{group}"), Some(&body), 204))
        };
        self.measure(64, make).await
    }

    /// Adds members one after another to a new group of that size, and removes them again.
    pub(crate) async fn come_and_go(&self, size: usize) -> Result<(Measured, Measured), String> {
        let size = size.min(self.ids.len());
        let (held, spare) = self.ids.split_at(size);
        let group = seed::group(&self.client, &format!("group of {size} among {}", self.ids.len()), held).await?;
        let add = self.members(&group, spare.to_vec(), true).await?;
        let added = add.outcome.requests().min(spare.len());
        let remove = self.members(&group, spare[..added].to_vec(), false).await?;
        Ok((add, remove))
    }

    /// Each connection changes the members of one group, the same for all or one each: adds those of its own share one
    /// after another, then takes them out again, and so on.
    pub(crate) async fn turnover(&self, groups: &[String], connections: usize) -> Result<Measured, String> {
        let (client, groups, ids) = (self.client.clone(), groups.to_vec(), self.ids.clone());
        let share = (ids.len() / connections).max(1);
        let make = move |turn: Turn| {
            let member = ids.get(turn.client * share + turn.round % share)?;
            let op = if (turn.round / share).is_multiple_of(2) { "Add" } else { "Remove" };
            let body = seed::patch(json!({ "op": op, "path": "members", "value": [{ "value": member }] }));
            let group = &groups[turn.client % groups.len()];
            Some(client.request("PATCH", &format!("/scim/v2/Groups/{group}"), Some(&body), 204))
        };
        self.measure(connections, make).await
    }

    /// The first 20 of what a filter finds; `filter` gives it for a number.
    pub(crate) async fn list(&self, connections: usize, filter: fn(usize) -> String) -> Result<Measured, String> {
        let (client, count) = (self.client.clone(), self.ids.len());
        let make = move |turn: Turn| {
            let filter = filter(spread(turn.number, count)).replace(' ', "%20").replace('"', "%22");
            let mut request = client.request("GET", &format!("/scim/v2/Users?count=20&filter={filter}"), None, 200);
            request.holds = vec!["@bench.example\"".to_owned()];
            Some(request)
        };
        self.measure(connections, make).await
    }

    /// A page of 100 by cursor, again and again: the first one.
    pub(crate) async fn first_page(&self) -> Result<Measured, String> {
        self.page(String::new()).await
    }

    /// The same deep in the list.
    pub(crate) async fn deep_page(&self) -> Result<Measured, String> {
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
        self.page(cursor).await
    }

    async fn page(&self, cursor: String) -> Result<Measured, String> {
        let client = self.client.clone();
        let make = move |_| {
            let mut request = client.request("GET", &format!("/scim/v2/Users?count=100&cursor={cursor}"), None, 200);
            request.holds = vec!["\"itemsPerPage\":100".to_owned()];
            Some(request)
        };
        self.measure(8, make).await
    }
}
