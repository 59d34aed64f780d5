//! Bulk: several operations in one request, each atomic by itself.
//!
//! Ids of everything created are drawn beforehand, so that forward references need no second pass. Creations that do
//! not touch the same names wait for the disk together; creations that refer to each other in a circle are one set.
//! Every other operation is the use case of its own verb.

use super::commit::{ATTEMPTS, commit, gave_up};
use super::create::{self, Creation};
use super::{delete_resource, patch_resource, read, replace_resource};
use crate::Refusal;
use crate::app::App;
use crate::call::Call;
use crate::error::of_store;
use crate::journal;
use crate::mapping::consequences;
use bailiwick_domain::ids::{Kind, resource_id};
use bailiwick_scim::bulk::{self, BulkOperation, BulkRequest, Method};
use bailiwick_scim::etag::Precondition;
use bailiwick_scim::{Code, bulk::Refused};
use bailiwick_store::{ChangeSet, Error as StoreError, NewEvent, Write};
use serde_json::Value;
use std::collections::{HashMap, HashSet};

/// Most creations, and most records of refused operations, that wait for the disk together.
const TOGETHER: usize = 64;

/// Carries out a bulk request; one result per processed operation, in the order of the request.
///
/// # Errors
/// Only what concerns the request as a whole.
pub async fn execute_bulk(app: &App, call: &mut Call, request: BulkRequest) -> Result<Vec<Value>, Refusal> {
    let mut run = Run::new(app, call.clone(), &request);
    let order = bulk::order(&request.operations);
    let mut operations: Vec<Option<Result<BulkOperation, Refused>>> =
        request.operations.into_iter().map(Some).collect();
    for group in order {
        if run.enough() {
            break;
        }
        let mut taken: Vec<_> = group.into_iter().filter_map(|index| operations[index].take()).collect();
        if let Err(error) = app.store().writable() {
            run.unavailable(taken, error).await;
        } else if taken.len() > 1 {
            run.flush().await;
            run.circle(taken.into_iter().filter_map(Result::ok).collect()).await;
        } else {
            match taken.pop() {
                Some(Ok(operation)) if operation.method == Method::Post => run.create(operation).await,
                Some(Ok(operation)) => {
                    run.flush().await;
                    run.other(operation).await;
                }
                Some(Err(refused)) => {
                    run.flush().await;
                    run.refused(refused).await;
                }
                None => {}
            }
        }
    }
    run.flush().await;
    journal::record(app, run.refusals).await;
    call.repairs = run.call.repairs;
    Ok(run.results.into_iter().flatten().collect())
}

/// A creation that waits for the disk.
struct Waiting {
    operation: BulkOperation,
    call: Call,
    plan: Creation,
    set: ChangeSet,
}

/// An operation of a circle, as far as it was understood.
type Understood = (BulkOperation, Call, Result<Creation, Refusal>);

struct Run<'a> {
    app: &'a App,
    call: Call,
    fail_on_errors: Option<u32>,
    errors: u32,
    /// Ids by bulkId; those of failed operations are taken out.
    ids: HashMap<String, String>,
    results: Vec<Option<Value>>,
    waiting: Vec<Waiting>,
    touched: HashSet<String>,
    /// Records of refused operations: they wait for the disk together, too.
    refusals: Vec<NewEvent>,
}

impl<'a> Run<'a> {
    fn new(app: &'a App, call: Call, request: &BulkRequest) -> Self {
        let posts = request.operations.iter().flatten().filter(|operation| operation.method == Method::Post);
        let ids = posts.filter_map(|operation| Some((operation.bulk_id.clone()?, resource_id(app.random())))).collect();
        Self {
            app,
            call,
            fail_on_errors: request.fail_on_errors,
            errors: 0,
            ids,
            results: vec![None; request.operations.len()],
            waiting: Vec::new(),
            touched: HashSet::new(),
            refusals: Vec::new(),
        }
    }

    fn enough(&self) -> bool {
        self.fail_on_errors.is_some_and(|most| most > 0 && self.errors >= most)
    }

    /// The call of one operation: the journal shows it like a call of its own.
    fn call_of(&self, operation: &BulkOperation, kind: Kind) -> Call {
        let mut call = self.call.clone();
        call.method = operation.method.as_str();
        call.target = match &operation.id {
            Some(id) => format!("/Bulk{}/{id}", operation.endpoint),
            None => format!("/Bulk{}", operation.endpoint),
        };
        call.said = None;
        if !operation.data.is_null() {
            call.heard(self.app, Some(kind), &operation.data);
        }
        call
    }

    /// Replaces references and prepares a creation; it is committed with the next flush.
    async fn create(&mut self, mut operation: BulkOperation) {
        let Some((kind, id)) = self.begin(&mut operation).await else { return };
        let mut call = self.call_of(&operation, kind);
        let body = operation.data.take();
        let plan = match create::accept(self.app, &mut call, kind, body, id) {
            Ok(plan) => plan,
            Err(refusal) => return self.failed(&operation, &call, refusal).await,
        };
        let keys = plan.keys();
        if keys.iter().any(|key| self.touched.contains(key)) || self.waiting.len() >= TOGETHER {
            self.flush().await;
        }
        match create::decide(self.app, &mut call, &plan, &HashSet::new()).await {
            Ok(set) => {
                self.touched.extend(keys);
                self.waiting.push(Waiting { operation, call, plan, set });
            }
            Err(refusal) => self.failed(&operation, &call, refusal).await,
        }
        // Who stops at errors must know of each before the next begins.
        if self.fail_on_errors.is_some() {
            self.flush().await;
        }
    }

    /// Commits the creations that wait, in order, each atomic by itself.
    async fn flush(&mut self) {
        let mut waiting = std::mem::take(&mut self.waiting);
        self.touched.clear();
        if waiting.is_empty() {
            return;
        }
        let mut sets: Vec<ChangeSet> = waiting.iter_mut().map(|waiting| std::mem::take(&mut waiting.set)).collect();
        let integration = self.call.caller.integration.id;
        consequences::bump_nesting(integration, &mut sets);
        let committed = self.app.store().commit_all(sets).await.map_err(of_store);
        let outcomes: Vec<_> = match committed {
            Ok(outcomes) => outcomes,
            Err(refusal) => {
                for mut waiting in waiting {
                    waiting.call.resource = None;
                    self.failed(&waiting.operation, &waiting.call, refusal.clone()).await;
                }
                return;
            }
        };
        Box::pin(consequences::after_all(self.app, outcomes.iter().flatten())).await;
        for (mut waiting, outcome) in waiting.into_iter().zip(outcomes) {
            let done = match outcome {
                Ok(_) => Ok(()),
                // Somebody changed what the decision rested on, or took the name: decide again, alone.
                Err(_) => create::settle(self.app, &mut waiting.call, &waiting.plan).await.map(drop),
            };
            match done {
                Ok(()) => self.created(&waiting.operation, &waiting.call, &waiting.plan).await,
                Err(refusal) => self.failed(&waiting.operation, &waiting.call, refusal).await,
            }
        }
    }

    /// Creations that refer to each other in a circle (RFC 7644 section 3.7.1): one set, all or none.
    async fn circle(&mut self, operations: Vec<BulkOperation>) {
        let mut understood: Vec<_> = operations.into_iter().map(|operation| self.understand(operation)).collect();
        let done = match understood.iter().find_map(|(_, _, plan)| plan.as_ref().err()) {
            Some(_) => Err(Refusal::new(Code::BulkReferenceCycle, "Another operation of this circle was refused.")),
            None => self.create_together(&mut understood).await,
        };
        for (operation, call, plan) in understood {
            match (plan, &done) {
                (Ok(plan), Ok(())) => self.created(&operation, &call, &plan).await,
                (Ok(_), Err(refusal)) => self.failed(&operation, &call, refusal.clone()).await,
                (Err(refusal), _) => self.failed(&operation, &call, refusal).await,
            }
        }
    }

    /// Reads one operation of a circle.
    fn understand(&self, mut operation: BulkOperation) -> Understood {
        let kind = kind_of(&operation.endpoint);
        let mut call = self.call_of(&operation, kind.unwrap_or(Kind::User));
        let id = operation.bulk_id.as_deref().and_then(|name| self.ids.get(name).cloned());
        let plan = match (kind, id) {
            (Some(kind), Some(id)) => bulk::substitute(&mut operation, &|name| self.ids.get(name).cloned())
                .and_then(|()| create::accept(self.app, &mut call, kind, operation.data.take(), id)),
            _ => Err(unknown_endpoint()),
        };
        (operation, call, plan)
    }

    /// Decides and commits a whole circle until no precondition is stale.
    async fn create_together(&self, circle: &mut [Understood]) -> Result<(), Refusal> {
        let plans = circle.iter().filter_map(|(_, _, plan)| plan.as_ref().ok());
        let siblings: HashSet<String> = plans.map(|plan| plan.id().to_owned()).collect();
        for _ in 0..ATTEMPTS {
            let mut whole = ChangeSet { at: self.app.clock().now(), ..ChangeSet::default() };
            for (_, call, plan) in circle.iter_mut() {
                let Ok(plan) = plan else { continue };
                let set = create::decide(self.app, call, plan, &siblings).await?;
                whole.guards.extend(set.guards);
                whole.writes.extend(set.writes);
                whole.events.extend(set.events);
            }
            // All resources must be there before the first membership names them.
            whole.writes.sort_by_key(|write| matches!(write, Write::Members { .. }));
            if commit(self.app, whole).await?.is_some() {
                return Ok(());
            }
        }
        Err(gave_up())
    }

    /// PUT, PATCH and DELETE: the use case of the verb.
    async fn other(&mut self, mut operation: BulkOperation) {
        let Some((kind, _)) = self.begin(&mut operation).await else { return };
        let mut call = self.call_of(&operation, kind);
        let Some(id) = operation.id.clone() else { return };
        let body = operation.data.take();
        let precondition = operation.version.as_deref().map(Precondition::parse_if_match);
        let precondition = precondition.as_ref();
        let done = match operation.method {
            Method::Delete => delete_resource(self.app, &mut call, kind, &id, precondition).await.map(|()| None),
            Method::Put => replace_resource(self.app, &mut call, kind, &id, body, precondition).await.map(Some),
            Method::Patch | Method::Post => patch_resource(self.app, &mut call, kind, &id, body, precondition, true)
                .await
                .map(|patched| Some(patched.resource)),
        };
        match done {
            Ok(resource) => {
                let status = if resource.is_some() { 200 } else { 204 };
                let location = self.location(kind, &id);
                let version = resource.map(|resource| resource.etag);
                self.put(
                    &operation,
                    bulk::result(
                        operation.method.as_str(),
                        operation.bulk_id.as_deref(),
                        Some(&location),
                        version.as_deref(),
                        status,
                        None,
                    ),
                );
            }
            Err(refusal) => self.failed(&operation, &call, refusal).await,
        }
    }

    /// Resolves endpoint and references; answers the operation when that fails. The id is the one drawn for a POST.
    async fn begin(&mut self, operation: &mut BulkOperation) -> Option<(Kind, String)> {
        let kind = kind_of(&operation.endpoint);
        let ready = match kind {
            None => Err(unknown_endpoint()),
            Some(_) => {
                // What waits must be there before others refer to it.
                let refers = bulk::references(operation);
                if refers.iter().any(|name| self.waits(name)) {
                    self.flush().await;
                }
                bulk::substitute(operation, &|name| self.ids.get(name).cloned())
            }
        };
        let call = self.call_of(operation, kind.unwrap_or(Kind::User));
        match (ready, kind) {
            (Ok(()), Some(kind)) => {
                let id = operation.bulk_id.as_deref().and_then(|name| self.ids.get(name).cloned());
                Some((kind, id.unwrap_or_default()))
            }
            (Err(refusal), _) => {
                self.failed(operation, &call, refusal).await;
                None
            }
            (Ok(()), None) => None,
        }
    }

    fn waits(&self, bulk_id: &str) -> bool {
        self.waiting.iter().any(|waiting| waiting.operation.bulk_id.as_deref() == Some(bulk_id))
    }

    async fn created(&mut self, operation: &BulkOperation, call: &Call, plan: &Creation) {
        let row = read::row(self.app, call.caller.integration.id, plan.kind(), plan.id(), false).await;
        let version = row.ok().map(|row| read::etag_of(self.app, &row));
        let location = self.location(plan.kind(), plan.id());
        let result = bulk::result("POST", operation.bulk_id.as_deref(), Some(&location), version.as_deref(), 201, None);
        self.put(operation, result);
    }

    /// Refuses operations without trying them: each would wait for a store that is away.
    async fn unavailable(&mut self, operations: Vec<Result<BulkOperation, Refused>>, error: StoreError) {
        let refusal = of_store(error);
        for operation in operations {
            match operation {
                Ok(operation) => {
                    let call = self.call_of(&operation, kind_of(&operation.endpoint).unwrap_or(Kind::User));
                    self.failed(&operation, &call, refusal.clone()).await;
                }
                Err(refused) => self.refused(refused).await,
            }
        }
    }

    async fn refuse(&mut self, call: &Call, refusal: &Refusal) {
        // The journal is in the store, too.
        if self.app.store().writable().is_err() {
            return;
        }
        self.refusals.push(journal::refused(self.app, call, refusal));
        if self.refusals.len() >= TOGETHER {
            journal::record(self.app, std::mem::take(&mut self.refusals)).await;
        }
    }

    async fn failed(&mut self, operation: &BulkOperation, call: &Call, refusal: Refusal) {
        self.errors += 1;
        if let (Method::Post, Some(bulk_id)) = (operation.method, &operation.bulk_id) {
            self.ids.remove(bulk_id);
        }
        self.refuse(call, &refusal).await;
        let location = match (&operation.id, kind_of(&operation.endpoint)) {
            (Some(id), Some(kind)) => Some(self.location(kind, id)),
            _ => None,
        };
        let (method, bulk_id) = (operation.method.as_str(), operation.bulk_id.as_deref());
        let result = bulk::result(method, bulk_id, location.as_deref(), None, refusal.status, Some(&refusal));
        self.put(operation, result);
    }

    async fn refused(&mut self, refused: Refused) {
        self.errors += 1;
        let mut call = self.call.clone();
        call.said = None;
        self.refuse(&call, &refused.error).await;
        let status = refused.error.status;
        let bulk_id = refused.bulk_id.as_deref();
        self.results[refused.index] =
            Some(bulk::result(&refused.method, bulk_id, None, None, status, Some(&refused.error)));
    }

    fn location(&self, kind: Kind, id: &str) -> String {
        format!("{}/{}/{id}", self.app.scim_base(), kind.endpoint())
    }

    fn put(&mut self, operation: &BulkOperation, result: Value) {
        self.results[operation.index] = Some(result);
    }
}

fn kind_of(endpoint: &str) -> Option<Kind> {
    [Kind::User, Kind::Group]
        .into_iter()
        .find(|kind| endpoint.trim_start_matches('/').eq_ignore_ascii_case(kind.endpoint()))
}

fn unknown_endpoint() -> Refusal {
    Refusal::new(Code::BulkOperationInvalid, "The path must begin with /Users or /Groups.")
}
