//! People of files, and what files say of memberships.

use super::*;

#[tokio::test]
async fn a_person_whom_two_files_describe_alike_is_one_person() {
    let test = TestApp::start().await;
    let user = |display: &str, email: &str| {
        format!(
            "---\napiVersion: backstage.io/v1alpha1\nkind: User\nmetadata: {{name: ada}}\nspec: {{profile: \
             {{displayName: {display}, email: {email}}}, memberOf: [payments]}}\n"
        )
    };
    let described = |user: String| [team("payments", "ada@example.com"), team("platform", "ada"), user].concat();
    let csv = "Name,Email,Team,Title,Role\nAda Lovelace,ADA@example.com,platform,Engineer,manager\n";
    let text = described(user("Ada Lovelace", "ada@example.com"));
    for files in [[("catalog-info.yaml", text.as_str()), ("people.csv", csv)], [("people.csv", csv), ("z.yaml", &text)]]
    {
        let test = TestApp::start().await;
        let done = import(&test, "shop", &files, PLAIN).await;
        assert_eq!((done.counts.created, done.counts.refused), (3, 0), "{:#?}", done.files);
        let all = persons(&test).await;
        assert_eq!(all.len(), 1, "{all:#?}");
        assert_eq!((all[0].display.as_str(), all[0].user_name.as_deref()), ("Ada Lovelace", Some("ada")));
        assert!(all[0].doc.contains("Engineer"), "{}", all[0].doc);
        assert_eq!(members(&test, "team:payments").await, ["Ada Lovelace contributor"]);
        assert_eq!(members(&test, "team:platform").await, ["Ada Lovelace manager"]);
        let again = import(&test, "shop", &files, PLAIN).await;
        assert_eq!((again.counts.created, again.counts.changed), (0, 0), "{:#?}", again.files);
        assert_eq!(persons(&test).await.len(), 1);
        // Whether one file or the other describes them: it is the same person, and nobody is closed.
        let only = import(&test, "shop", &files[..1], ACCEPT).await;
        assert!(!only.removals.removed.iter().any(|removed| removed.starts_with("person")), "{:?}", only.removals);
        let both = import(&test, "shop", &files, PLAIN).await;
        assert_eq!(both.counts.refused, 0, "{:#?}", both.files);
        let all = persons(&test).await;
        assert_eq!((all.len(), all[0].state), (1, State::Active));
    }
    // Who is called otherwise there is somebody else: told with both places, and the rest goes on.
    let other = described(user("Ada King", "ada@example.com"));
    let done = import(&test, "shop", &[("catalog-info.yaml", &other), ("people.csv", csv)], PLAIN).await;
    let errors = problems(&done, import::Severity::Error);
    assert_eq!(errors.len(), 1, "{errors:#?}");
    assert!(errors[0].starts_with("people.csv:2:1 ") && errors[0].contains("as catalog-info.yaml:"), "{errors:#?}");
    assert_eq!(done.counts.created, 3, "{:#?}", done.files);
}

#[tokio::test]
async fn a_membership_of_a_source_is_changed_in_its_file() {
    let test = TestApp::start().await;
    let host = Principal::host();
    let payments = team("payments", "");
    let people = "Name,Email,Team\nAnn,ann@example.com,payments\nBob,bob@example.com,payments\n";
    let both = [("catalog-info.yaml", payments.as_str()), ("people.csv", people)];
    import(&test, "shop", &both, PLAIN).await;
    let refused = catalog::remove_member(test.app(), &host, "payments", "ann@example.com").await.unwrap_err();
    assert_eq!((refused.code, refused.status), ("membership-managed", 409), "{}", refused.detail);
    assert!(refused.detail.contains("by the import \"shop\" (people.csv:2)"), "{}", refused.detail);
    assert_eq!(members(&test, "team:payments").await, ["Ann contributor", "Bob contributor"]);
    // By hand besides: that goes, what the file says stays.
    catalog::put_member(test.app(), &host, "payments", "ann@example.com", Some("manager")).await.unwrap();
    assert_eq!(members(&test, "team:payments").await, ["Ann manager", "Bob contributor"]);
    let removed = catalog::remove_member(test.app(), &host, "payments", "ann@example.com").await.unwrap();
    assert_eq!(removed.stays, ["by the import \"shop\" (people.csv:2)"]);
    assert_eq!(members(&test, "team:payments").await, ["Ann contributor", "Bob contributor"]);
    // The file is where it changes.
    let fewer = [both[0], ("people.csv", "Name,Email,Team\nAnn,ann@example.com,\nBob,bob@example.com,payments\n")];
    import(&test, "shop", &fewer, PLAIN).await;
    assert_eq!(members(&test, "team:payments").await, ["Bob contributor"]);
}

#[tokio::test]
async fn a_membership_role_that_is_none_is_refused_and_the_rest_of_the_file_is_taken() {
    let test = TestApp::start().await;
    let text =
        format!("Name,Email,Team,Role\nAnn,ann@example.com,pay,{}\nCid,cid@example.com,pay,Lead\n", "x".repeat(64));
    let files = [("catalog-info.yaml", team("pay", "")), ("people.csv", text)];
    let files: Vec<(&str, &str)> = files.iter().map(|(path, text)| (*path, text.as_str())).collect();
    let done = import(&test, "shop", &files, PLAIN).await;
    let errors = problems(&done, import::Severity::Error);
    assert_eq!(errors.len(), 1, "{errors:#?}");
    let told = errors[0].starts_with("people.csv:2:") && errors[0].contains("A membership role is manager");
    assert!(told, "{errors:#?}");
    assert!(catalog::find_person(test.app(), "ann@example.com").await.is_err());
    assert_eq!(done.counts.created, 2, "{:#?}", done.files);
    let pay = item(&test, "team:pay").await.unwrap();
    let held = test.app().store().holders(GrantKind::Team, &pay.id, 0, 10).await.unwrap();
    assert_eq!(
        held.iter().map(|(who, grant)| (who.display.as_str(), grant.value.as_str())).collect::<Vec<_>>(),
        [("Cid", "lead")]
    );
}
