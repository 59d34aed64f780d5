//! Changes at once.

use super::*;
use bailiwick_app::App;
use bailiwick_app::catalog::{self, Author};

async fn patch(app: App, id: String, change: Value) -> Result<(), u16> {
    let change = change.as_object().unwrap().clone();
    let done = catalog::change_item(&app, &Principal::host(), &id, &change, Author::Hand, None).await;
    done.map(|_| ()).map_err(|invalid| invalid.refusal.status)
}

#[tokio::test(flavor = "multi_thread")]
async fn parents_that_are_swapped_at_once_never_make_a_circle() {
    let (test, mut client) = start().await;
    let apps = [test.app().clone(), test.beside(7).await];
    let mut ids = Vec::new();
    for name in ["a", "b", "c"] {
        ids.push(team(&mut client, name).await["id"].as_str().unwrap().to_owned());
    }
    for round in 0..20 {
        let moves = [(0, "b"), (1, "c"), (2, "a"), (0, "c"), (1, "a"), (2, "b")];
        let moves = moves.into_iter().enumerate().map(|(number, (team, parent))| {
            let app = apps[(number + round) % 2].clone();
            tokio::spawn(patch(app, ids[team].clone(), json!({ "parent": parent })))
        });
        for done in moves.collect::<Vec<_>>() {
            let done = done.await.unwrap();
            assert!(matches!(done, Ok(()) | Err(400)), "{done:?}");
        }
        for id in &ids {
            let row = test.app().store().item(id).await.unwrap().unwrap();
            let above = test.app().store().teams_above(row.seq).await.unwrap();
            assert!(!above.contains(&row.seq) && above.len() < 3, "{above:?}");
        }
        for id in &ids {
            patch(apps[0].clone(), id.clone(), json!({ "parent": null })).await.unwrap();
        }
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn of_many_that_want_one_name_one_gets_it() {
    let (test, mut client) = start().await;
    let apps = [test.app().clone(), test.beside(7).await];
    let mut ids = Vec::new();
    for number in 0..8 {
        ids.push(team(&mut client, &format!("t{number}")).await["id"].as_str().unwrap().to_owned());
    }
    let tasks = ids.iter().enumerate().map(|(number, id)| {
        let change = if number % 2 == 0 { json!({"name": "wanted"}) } else { json!({"aliases": ["Wanted"]}) };
        tokio::spawn(patch(apps[number % 2].clone(), id.clone(), change))
    });
    let mut winners = 0;
    for task in tasks.collect::<Vec<_>>() {
        match task.await.unwrap() {
            Ok(()) => winners += 1,
            Err(status) => assert_eq!(status, 409),
        }
    }
    assert_eq!(winners, 1);
    get(&mut client, "teams/wanted").await;
}

#[tokio::test(flavor = "multi_thread")]
async fn changes_of_one_item_are_all_kept() {
    let (test, mut client) = start().await;
    let apps = [test.app().clone(), test.beside(7).await];
    let made = make(&mut client, "entities", json!({"kind": "component", "name": "cart"})).await;
    let id = made["id"].as_str().unwrap();
    let tasks = (0..16).map(|number| {
        let change = json!({"labels": {format!("l{number}"): "x"}});
        tokio::spawn(patch(apps[number % 2].clone(), id.to_owned(), change))
    });
    for task in tasks.collect::<Vec<_>>() {
        task.await.unwrap().unwrap();
    }
    assert_eq!(get(&mut client, "entities/cart").await["labels"].as_object().unwrap().len(), 16);
    assert_eq!(get(&mut client, "entities/cart/history").await["items"].as_array().unwrap().len(), 17);
}
