//! The limit of HTTP itself: axum that answers every GET with one small user.

use axum::routing::get;
use axum::{Json, Router};
use serde_json::{Value, json};
use std::process::ExitCode;

async fn hello() -> Json<Value> {
    Json(json!({
        "schemas": ["urn:ietf:params:scim:schemas:core:2.0:User"],
        "id": "7f3c", "userName": "u0000001@bench.example", "active": true,
        "name": { "givenName": "Given1", "familyName": "Family1", "formatted": "Given1 Family1" },
        "emails": [{ "type": "work", "value": "u0000001@bench.example", "primary": true }],
        "meta": { "resourceType": "User", "location": "http://127.0.0.1/Users/7f3c" },
    }))
}

/// Serves until killed; prints its address.
pub(crate) fn serve() -> ExitCode {
    let Ok(runtime) = tokio::runtime::Builder::new_multi_thread().enable_all().build() else {
        return ExitCode::FAILURE;
    };
    runtime.block_on(async {
        let Ok(listener) = tokio::net::TcpListener::bind("127.0.0.1:0").await else { return ExitCode::FAILURE };
        if let Ok(address) = listener.local_addr() {
            println!("listening on http://{address}");
        }
        match axum::serve(listener, Router::new().route("/hello", get(hello))).await {
            Ok(()) => ExitCode::SUCCESS,
            Err(_) => ExitCode::FAILURE,
        }
    })
}
