//! Users and Groups are found, in pages and by name, with the groups they are in.

use crate::support::{Bench, on_each_engine, seqs};
use bailiwick_domain::ids::{IntegrationId, Kind};
use bailiwick_scim::filter::{self, Unknown};
use bailiwick_scim::quirks::{Quirks, Repairs};
use bailiwick_scim::schema::Registry;
use bailiwick_scim::sort;
use bailiwick_store::change::MemberWrite;
use bailiwick_store::query::{From, PageQuery};
use bailiwick_store::rows::Page;

fn query(integration: IntegrationId, kind: Kind, filter: &str) -> PageQuery {
    let registry = Registry::standard();
    let (quirks, mut repairs) = (Quirks::none(), Repairs::default());
    let filter = (!filter.is_empty()).then(|| {
        let resource_type = registry.resource_type(kind.name()).unwrap();
        let parsed = filter::parse(filter, quirks, &mut repairs).unwrap();
        filter::resolve(&registry, resource_type, &parsed, Unknown::Refuse, quirks, &mut repairs).unwrap()
    });
    PageQuery {
        integration,
        kind,
        filter,
        sort: None,
        from: From::Offset(0),
        count: 10,
        with_groups: true,
        total: true,
        base: "https://x/scim/v2".to_owned(),
        etag_key: [0; 32],
    }
}

fn ids(page: &Page) -> Vec<&str> {
    page.rows.iter().map(|row| row.id.as_str()).collect()
}

async fn found(bench: &Bench, integration: IntegrationId, kind: Kind, filter: &str) -> Vec<String> {
    let page = bench.store.page(query(integration, kind, filter)).await.unwrap();
    assert_eq!(page.total, Some(page.rows.len() as u64), "{filter}");
    assert_eq!(page.next, None, "{filter}");
    page.rows.into_iter().map(|row| row.id).collect()
}

#[test]
fn a_filter_finds_only_its_own_integration() {
    on_each_engine(|bench| async move {
        let (okta, entra) = (bench.integration("okta").await, bench.integration("entra").await);
        for integration in [okta, entra] {
            for name in ["ann", "bea"] {
                bench.user(integration, name).await;
            }
            bench.group(integration, "Staff").await;
        }
        for (filter, expect) in [
            ("", vec!["1-ann", "1-bea"]),
            ("userName eq \"ANN\"", vec!["1-ann"]),
            ("id eq \"1-ann\"", vec!["1-ann"]),
            ("id eq \"2-ann\"", vec![]),
            ("emails.value eq \"Ann@Example.com\"", vec!["1-ann"]),
            ("emails.value ew \"example.com\" and not (userName eq \"ann\")", vec!["1-bea"]),
            ("groups pr", vec![]),
        ] {
            assert_eq!(found(&bench, okta, Kind::User, filter).await, expect, "{filter}");
        }
        assert_eq!(found(&bench, okta, Kind::Group, "displayName eq \"staff\"").await, ["1-Staff"]);
        assert!(bench.store.resource(okta, Kind::User, "2-ann", true).await.unwrap().is_none());
        assert!(bench.store.resource(okta, Kind::Group, "1-ann", true).await.unwrap().is_none());
        let wanted = ["1-bea", "2-bea", "ghost", "1-Staff"].map(str::to_owned);
        let refs = bench.store.member_refs(okta, &wanted).await.unwrap();
        let kinds: Vec<_> =
            refs.iter().map(|found| found.as_ref().map(|found| (found.kind, &*found.display))).collect();
        assert_eq!(kinds, [Some((Kind::User, "bea")), None, None, Some((Kind::Group, "Staff"))]);
    });
}

#[test]
fn pages_follow_each_other() {
    on_each_engine(|bench| async move {
        let okta = bench.integration("okta").await;
        for name in ["dan", "ann", "cyd", "bea", "eve"] {
            bench.user(okta, name).await;
        }
        let registry = Registry::standard();
        for (sort_by, descending, expect) in [
            ("", false, "dan ann cyd bea eve"),
            ("userName", false, "ann bea cyd dan eve"),
            ("userName", true, "eve dan cyd bea ann"),
            ("title", true, "dan ann cyd bea eve"),
        ] {
            let sort =
                (!sort_by.is_empty()).then(|| sort::resolve(&registry, registry.user(), sort_by, descending).unwrap());
            let mut query = PageQuery { sort, count: 2, ..query(okta, Kind::User, "") };
            let mut walked = Vec::new();
            loop {
                let page = bench.store.page(query.clone()).await.unwrap();
                assert_eq!(page.total, Some(5));
                walked.extend(ids(&page).iter().map(|id| id.trim_start_matches("1-").to_owned()));
                match page.next {
                    Some(next) => query.from = From::After(next),
                    None => break,
                }
            }
            assert_eq!(walked.join(" "), expect, "{sort_by} {descending}");
        }
        let count_only = PageQuery { count: 0, ..query(okta, Kind::User, "userName ge \"c\"") };
        let page = bench.store.page(count_only).await.unwrap();
        assert_eq!((page.total, page.rows.len(), page.next), (Some(3), 0, None));
        let beyond = PageQuery { from: From::Offset(9), ..query(okta, Kind::User, "userName ge \"c\"") };
        let page = bench.store.page(beyond).await.unwrap();
        assert_eq!((page.total, page.rows.len()), (Some(3), 0));
    });
}

#[test]
fn users_come_with_the_groups_they_are_in() {
    on_each_engine(|bench| async move {
        let okta = bench.integration("okta").await;
        let (ann, _) = bench.user(okta, "ann").await;
        let (inner, outer) = (bench.group(okta, "Inner").await, bench.group(okta, "Outer").await);
        bench.members(inner, MemberWrite::Add(seqs(&[ann]))).await;
        let groups = async || {
            let row = bench.store.resource(okta, Kind::User, "1-ann", true).await.unwrap().unwrap();
            row.groups.into_iter().map(|group| (group.display, group.direct)).collect::<Vec<_>>()
        };
        assert_eq!(groups().await, [("Inner".to_owned(), true)]);
        assert!(found(&bench, okta, Kind::User, "groups.value eq \"1-Outer\"").await.is_empty());
        bench.members(outer, MemberWrite::Add(seqs(&[inner]))).await;
        assert_eq!(groups().await, [("Inner".to_owned(), true), ("Outer".to_owned(), false)]);
        assert_eq!(found(&bench, okta, Kind::User, "groups.value eq \"1-Outer\"").await, ["1-ann"]);
        assert_eq!(found(&bench, okta, Kind::User, "groups[type eq \"indirect\"]").await, ["1-ann"]);
        assert_eq!(found(&bench, okta, Kind::Group, "members eq \"1-Inner\"").await, ["1-Outer"]);
        // A circle ends.
        bench.members(inner, MemberWrite::Add(seqs(&[outer]))).await;
        assert_eq!(groups().await, [("Inner".to_owned(), true), ("Outer".to_owned(), false)]);
        let members = bench.store.members(inner, None, 1).await.unwrap();
        assert_eq!((members.len(), &*members[0].id), (1, "1-ann"));
        let rest = bench.store.members(inner, Some(members[0].seq), 5).await.unwrap();
        assert_eq!((rest.len(), &*rest[0].id, rest[0].kind), (1, "1-Outer", Kind::Group));
        assert_eq!(bench.store.members_up_to(inner, 1).await.unwrap(), 1);
        assert_eq!(bench.store.members_up_to(inner, 9).await.unwrap(), 2);
    });
}
