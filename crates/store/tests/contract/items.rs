//! Items of the catalog: names, references, pages, teams above and below, feeds.

use crate::support::{Bench, item, on_each_engine, reference};
use bailiwick_domain::ids::Kind;
use bailiwick_scim::text::match_key;
use bailiwick_store::change::{ItemColumns, ItemKey, ItemUpdate, NewItem, NewRelation};
use bailiwick_store::query::ItemQuery;
use bailiwick_store::rows::ItemRow;
use bailiwick_store::{ChangeSet, Constraint, Error, Guard, Write};

async fn row(bench: &Bench, seq: i64) -> ItemRow {
    bench.store.item_by_seq(seq).await.unwrap().unwrap()
}

/// Changes an item; whether anything changed.
async fn change(bench: &Bench, seq: i64, change: impl FnOnce(&mut ItemColumns)) -> Result<bool, Error> {
    let row = row(bench, seq).await;
    let mut columns = ItemColumns {
        kind: row.kind,
        namespace: row.namespace,
        name: row.name,
        name_key: row.name_key,
        title: row.title,
        title_key: row.title_key,
        owner: row.owner.map(|owner| ItemKey::Seq(owner.seq)),
        owner_person: row.owner_person,
        owner_ref: row.owner_ref,
        parent: row.parent.map(|parent| ItemKey::Seq(parent.seq)),
        parent_ref: row.parent_ref,
        doc: row.doc,
        keys: row.keys,
        ..ItemColumns::default()
    };
    change(&mut columns);
    let set = bench.set(vec![Write::UpdateItem(ItemUpdate { seq, columns })]);
    bench.store.commit(set).await.map(|done| done.changed)
}

fn rename(columns: &mut ItemColumns, name: &str) {
    columns.name = name.to_owned();
    columns.name_key = match_key(name).into_owned();
}

#[test]
fn a_name_and_its_aliases_belong_to_one_living_item() {
    on_each_engine(|bench| async move {
        let pay = bench.item(item("team", "Pay")).await;
        let found = bench.store.item_by_alias("team:default", "pay").await.unwrap().unwrap();
        assert_eq!((found.seq, found.id.as_str(), found.name.as_str()), (pay, "team-Pay", "Pay"));
        assert_eq!(bench.store.item("team-Pay").await.unwrap(), Some(found));
        let taken = |result: Result<bool, Error>| assert!(matches!(result, Err(Error::Conflict(Constraint::ItemName))));
        let insert = async |new: NewItem| {
            bench.store.commit(bench.set(vec![Write::InsertItem(new)])).await.map(|done| done.changed)
        };
        taken(insert(NewItem { id: "other".to_owned(), ..item("team", "PAY") }).await);
        // The same name of another kind is another name.
        bench.item(item("component", "pay")).await;
        // A former name stays.
        assert!(change(&bench, pay, |columns| rename(columns, "Money")).await.unwrap());
        for name in ["pay", "money"] {
            assert_eq!(bench.store.item_by_alias("team:default", name).await.unwrap().unwrap().seq, pay);
        }
        taken(insert(NewItem { id: "other".to_owned(), ..item("team", "pay") }).await);
        let ops = bench.item(item("team", "ops")).await;
        taken(change(&bench, ops, |columns| columns.aliases = vec!["money".to_owned()]).await);
        taken(change(&bench, ops, |columns| rename(columns, "pay")).await);
        assert!(change(&bench, ops, |columns| columns.aliases = vec!["night".to_owned()]).await.unwrap());
        assert!(!change(&bench, ops, |columns| columns.aliases = vec!["night".to_owned()]).await.unwrap());
        let names: Vec<String> = bench.store.aliases(ops).await.unwrap().into_iter().map(|alias| alias.key).collect();
        assert_eq!(names, ["night", "ops"]);
        // With the item its names are free.
        bench.commit(vec![Write::DeleteItem { seq: pay }]).await;
        assert!(bench.store.item_by_alias("team:default", "money").await.unwrap().is_none());
        insert(NewItem { id: "again".to_owned(), ..item("team", "pay") }).await.unwrap();
        let twice = vec![Write::InsertItem(item("api", "x")), Write::InsertItem(item("api", "x"))];
        let twice = bench.store.commit(bench.set(twice)).await.map(|done| done.changed);
        taken(twice);
    });
}

#[test]
fn an_item_changes_only_when_something_changed() {
    on_each_engine(|bench| async move {
        let seq = bench.item(item("component", "cart")).await;
        let before = row(&bench, seq).await;
        assert!(!change(&bench, seq, |_| {}).await.unwrap());
        assert_eq!(row(&bench, seq).await, before);
        let with = |note: Option<&str>| {
            let note = note.map(str::to_owned);
            let relation = NewRelation { note, ..reference("dependsOn", "api:default/x") };
            move |columns: &mut ItemColumns| columns.relations = Some(vec![relation])
        };
        assert!(change(&bench, seq, with(None)).await.unwrap());
        assert!(!change(&bench, seq, with(None)).await.unwrap());
        assert!(change(&bench, seq, with(Some("why"))).await.unwrap());
        assert_eq!(bench.store.relations(seq).await.unwrap()[0].note.as_deref(), Some("why"));
        assert!(change(&bench, seq, |columns| columns.doc = r#"{"tier":"gold"}"#.to_owned()).await.unwrap());
        let after = row(&bench, seq).await;
        assert!(after.version > before.version && after.created == before.created);
        // Relations were not named: they stay.
        assert_eq!(bench.store.relations(seq).await.unwrap().len(), 1);
        let guarded = |version| ChangeSet {
            guards: vec![Guard::Item { seq, version }],
            ..bench.set(vec![Write::DeleteItem { seq }])
        };
        assert!(matches!(bench.store.commit(guarded(before.version)).await, Err(Error::Stale)));
        bench.store.commit(guarded(after.version)).await.unwrap();
        assert!(matches!(bench.store.commit(guarded(after.version)).await, Err(Error::Stale)));
        let gone = bench.set(vec![Write::DeleteItem { seq }]);
        assert!(matches!(bench.store.commit(gone).await, Err(Error::Stale)));
    });
}

#[test]
fn references_are_tied_whichever_end_comes_first() {
    on_each_engine(|bench| async move {
        let mut cart = item("component", "cart");
        cart.columns.owner_ref = Some("team:default/pay".to_owned());
        cart.columns.parent_ref = Some("system:default/shop".to_owned());
        cart.columns.relations = Some(vec![reference("consumesApi", "api:default/stock")]);
        let cart = bench.item(cart).await;
        let before = row(&bench, cart).await;
        assert_eq!((&before.owner, &before.parent), (&None, &None));
        let unowned = || ItemQuery { unowned: true, limit: 10, ..ItemQuery::default() };
        assert_eq!(bench.store.items(unowned()).await.unwrap().rows.len(), 1);
        // The other end comes later, under an alias as well.
        let mut shop = item("system", "Big-Shop");
        shop.columns.aliases = vec!["shop".to_owned()];
        let (pay, shop) = (bench.item(item("team", "Pay")).await, bench.item(shop).await);
        let stock = bench.item(item("api", "stock")).await;
        let tied = row(&bench, cart).await;
        assert_eq!(tied.owner.as_ref().map(|owner| (owner.seq, owner.name.as_str())), Some((pay, "Pay")));
        assert_eq!(tied.parent.as_ref().map(|parent| parent.id.as_str()), Some("system-Big-Shop"));
        assert!(tied.version > before.version);
        let relation = bench.store.dependents(stock).await.unwrap().remove(0);
        assert_eq!((relation.item.seq, relation.target.unwrap().seq), (cart, stock));
        // The other end is there already.
        let mut list = item("component", "list");
        list.columns.owner_ref = Some("team:default/pay".to_owned());
        list.columns.parent_ref = Some("system:default/shop".to_owned());
        list.columns.relations = Some(vec![reference("consumesApi", "api:default/stock")]);
        let list = bench.item(list).await;
        let found = row(&bench, list).await;
        assert_eq!(found.owner.map(|owner| owner.seq), Some(pay));
        assert_eq!(found.parent.map(|parent| parent.seq), Some(shop));
        assert_eq!(bench.store.dependents(stock).await.unwrap().len(), 2);
        // Nothing but a team owns anything, and nothing stands for its own reference.
        let mut odd = item("system", "odd");
        odd.columns.owner_ref = Some("system:default/shop".to_owned());
        odd.columns.parent_ref = Some("system:default/odd".to_owned());
        let odd = bench.item(odd).await;
        let odd = row(&bench, odd).await;
        assert_eq!((odd.owner, odd.parent), (None, None));
        // Whoever pointed to what is deleted keeps the reference, made up if there was none, and waits.
        assert!(change(&bench, list, |columns| columns.owner_ref = None).await.unwrap());
        bench.commit(vec![Write::DeleteItem { seq: pay }, Write::DeleteItem { seq: stock }]).await;
        for item in [cart, list] {
            let left = row(&bench, item).await;
            assert_eq!((left.owner, left.owner_ref.as_deref()), (None, Some("team:default/pay")));
            let relation = bench.store.relations(item).await.unwrap().remove(0);
            assert_eq!((relation.target, relation.target_ref.as_str()), (None, "api:default/stock"));
        }
        let again =
            bench.commit(vec![Write::InsertItem(NewItem { id: "new".to_owned(), ..item("team", "pay") })]).await;
        assert_eq!(row(&bench, list).await.owner.map(|owner| owner.seq), Some(again.inserted[0].1));
    });
}

#[test]
fn items_of_one_set_name_each_other() {
    on_each_engine(|bench| async move {
        let (_, ann) = bench.user(bench.integration("okta").await, "ann").await;
        let mut child = item("team", "child");
        child.columns.parent = Some(ItemKey::New("team-top".to_owned()));
        let mut cart = item("component", "cart");
        cart.columns.owner = Some(ItemKey::New("team-child".to_owned()));
        let target = Some(ItemKey::New("team-top".to_owned()));
        cart.columns.relations = Some(vec![NewRelation { target, ..reference("partOf", "team:default/top") }]);
        let mut bin = item("component", "bin");
        bin.columns.owner_person = Some(ann);
        let done = bench.commit([item("team", "top"), child, cart, bin].map(Write::InsertItem).to_vec()).await;
        let seqs: Vec<i64> = done.inserted.iter().map(|(_, seq)| *seq).collect();
        let rows = bench.store.items_by_seq(&seqs).await.unwrap();
        assert_eq!(rows.len(), 4);
        assert_eq!(rows[1].parent.as_ref().map(|parent| parent.seq), Some(seqs[0]));
        assert_eq!(rows[2].owner.as_ref().map(|owner| owner.seq), Some(seqs[1]));
        assert_eq!(rows[3].owner_person, Some(ann));
        assert_eq!(bench.store.dependents(seqs[0]).await.unwrap().len(), 1);
        let mut lost = item("team", "lost");
        lost.columns.parent = Some(ItemKey::New("team-nobody".to_owned()));
        assert!(bench.store.commit(bench.set(vec![Write::InsertItem(lost)])).await.is_err());
    });
}

#[test]
fn items_are_listed_in_pages() {
    on_each_engine(|bench| async move {
        let team = bench.item(item("team", "Zoo")).await;
        for (name, title) in [("a1", "Same"), ("a2", "Same"), ("b", "Ärger"), ("c", "100% _x"), ("d", "late")] {
            let mut new = item("component", name);
            new.columns.title = title.to_owned();
            new.columns.title_key = match_key(title).into_owned();
            new.columns.owner = (name == "b").then_some(ItemKey::Seq(team));
            new.columns.source = (name == "c").then(|| "src_1".to_owned());
            new.columns.aliases = vec![format!("other-{name}")];
            bench.item(new).await;
        }
        let all = || ItemQuery { limit: 2, total: true, ..ItemQuery::default() };
        let names = async |query: ItemQuery| {
            let (mut query, mut names) = (query, Vec::new());
            loop {
                let page = bench.store.items(query.clone()).await.unwrap();
                assert!(page.rows.len() <= 2);
                names.extend(page.rows.into_iter().map(|row| row.name));
                query.after = page.next;
                if query.after.is_none() {
                    let total = page.total.unwrap();
                    assert_eq!(total, names.len() as u64);
                    return names;
                }
            }
        };
        assert_eq!(names(all()).await, ["c", "d", "a1", "a2", "Zoo", "b"]);
        let kinds = |kinds: &[&str]| kinds.iter().map(|kind| (*kind).to_owned()).collect::<Vec<_>>();
        assert_eq!(names(ItemQuery { kinds: kinds(&["team"]), ..all() }).await, ["Zoo"]);
        assert_eq!(names(ItemQuery { kinds: kinds(&["api", "team"]), ..all() }).await, ["Zoo"]);
        assert_eq!(names(ItemQuery { owner: Some(team), ..all() }).await, ["b"]);
        assert_eq!(names(ItemQuery { parent: Some(team), ..all() }).await, [""; 0]);
        assert_eq!(names(ItemQuery { source: Some("src_1".to_owned()), ..all() }).await, ["c"]);
        let search = |text: &str| ItemQuery { search: Some(text.to_owned()), ..all() };
        assert_eq!(names(search("ÄRG")).await, ["b"]);
        assert_eq!(names(search("% _")).await, ["c"]);
        assert_eq!(names(search("Other-A")).await, ["a1", "a2"]);
        assert_eq!(names(search("zO")).await, ["Zoo"]);
        assert_eq!(names(search("nothing")).await, [""; 0]);
    });
}

#[test]
fn teams_lie_above_and_below_each_other() {
    on_each_engine(|bench| async move {
        let mut teams = Vec::new();
        for name in ["top", "middle", "left", "right"] {
            let mut new = item("team", name);
            let parent = match name {
                "top" => None,
                "middle" => Some(teams[0]),
                _ => Some(teams[1]),
            };
            new.columns.parent = parent.map(ItemKey::Seq);
            teams.push(bench.item(new).await);
        }
        let mut system = item("system", "not a team");
        system.columns.parent = Some(ItemKey::Seq(teams[0]));
        bench.item(system).await;
        let [top, middle, left, right] = teams[..] else { panic!("{teams:?}") };
        assert_eq!(bench.store.teams_above(left).await.unwrap(), [middle, top]);
        assert_eq!(bench.store.teams_below(&[top]).await.unwrap(), [middle, left, right]);
        assert_eq!(bench.store.teams_below(&[left, middle]).await.unwrap(), [left, right]);
        assert_eq!(bench.store.teams_below(&[]).await.unwrap(), [0; 0]);
        let children: Vec<i64> =
            bench.store.team_children(middle).await.unwrap().into_iter().map(|team| team.seq).collect();
        assert_eq!(children, [left, right]);
        // Nobody should make a cycle; who did is answered all the same.
        bench.sql(&format!("UPDATE item SET parent = {left} WHERE seq = {top}"));
        assert_eq!(bench.store.teams_above(left).await.unwrap(), [middle, top]);
        assert_eq!(bench.store.teams_below(&[left]).await.unwrap(), [top, middle, left, right]);
    });
}

#[test]
fn groups_feed_teams_while_both_are_there() {
    on_each_engine(|bench| async move {
        let okta = bench.integration("okta").await;
        let (pay, ops) = (bench.item(item("team", "pay")).await, bench.item(item("team", "ops")).await);
        let (staff, admins) = (bench.group(okta, "staff").await, bench.group(okta, "admins").await);
        let feed = |team, group, role: Option<&str>| Write::SetFeed { team, group, role: role.map(str::to_owned) };
        let before = bench.store.generation();
        bench
            .commit(vec![
                feed(pay, staff, Some("member")),
                feed(pay, admins, Some("manager")),
                feed(ops, staff, Some("member")),
            ])
            .await;
        assert!(bench.store.generation() > before);
        assert!(!bench.commit(vec![feed(ops, staff, Some("member"))]).await.changed);
        assert!(bench.commit(vec![feed(ops, staff, Some("manager"))]).await.changed);
        let feeds = bench.store.feeds_of(ops).await.unwrap();
        assert_eq!(feeds.len(), 1);
        assert_eq!(
            (feeds[0].team_id.as_str(), feeds[0].group_id.as_str(), feeds[0].integration, feeds[0].role.as_str()),
            ("team-ops", "1-staff", okta, "manager")
        );
        for wrong in [feed(99_999, staff, Some("x")), feed(pay, pay, Some("x")), feed(staff, staff, Some("x"))] {
            assert!(matches!(bench.store.commit(bench.set(vec![wrong])).await, Err(Error::Stale)));
        }
        bench.commit(vec![feed(ops, staff, None)]).await;
        assert_eq!(bench.store.feeds().await.unwrap().len(), 2);
        bench.commit(vec![Write::DeleteResource { seq: admins, kind: Kind::Group }]).await;
        assert_eq!(bench.store.feeds().await.unwrap().len(), 1);
        bench.commit(vec![feed(ops, staff, Some("member")), Write::DeleteItem { seq: pay }]).await;
        assert_eq!(bench.store.feeds().await.unwrap().len(), 1);
        bench.commit(vec![Write::DeleteIntegration(okta)]).await;
        assert!(bench.store.feeds().await.unwrap().is_empty());
        assert_eq!(bench.value("SELECT count(*) FROM team_feed"), "0");
    });
}

#[test]
fn items_wait_for_an_owner_or_a_parent_that_is_not_there() {
    on_each_engine(|bench| async move {
        let owned = |name: &str, owner: &str| {
            let mut new = item("component", name);
            new.columns.owner_ref = Some(owner.to_owned());
            new
        };
        let cart = bench.item(owned("cart", "team:default/gone")).await;
        bench.item(owned("list", "team:default/other")).await;
        let mut below = item("team", "below");
        below.columns.parent_ref = Some("team:default/lost".to_owned());
        let below = bench.item(below).await;
        let waiting = async |names: &[&str], limit| -> Vec<i64> {
            let names: Vec<String> = names.iter().map(|name| format!("team:default/{name}")).collect();
            bench.store.items_waiting(&names, limit).await.unwrap().into_iter().map(|row| row.seq).collect()
        };
        assert_eq!(waiting(&["gone", "lost"], 10).await, [cart, below]);
        assert_eq!(waiting(&["gone", "lost"], 1).await, [cart]);
        assert_eq!(waiting(&["below", "nothing"], 10).await, [] as [i64; 0]);
        assert_eq!(waiting(&[], 10).await, [] as [i64; 0]);
        // Whoever takes the name, nobody waits for it any more.
        let gone = bench.item(item("team", "gone")).await;
        assert_eq!(waiting(&["gone", "lost"], 10).await, [below]);
        bench.commit(vec![Write::DeleteItem { seq: gone }]).await;
        assert_eq!(waiting(&["gone"], 10).await, [cart]);
    });
}
