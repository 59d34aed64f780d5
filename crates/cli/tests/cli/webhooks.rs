//! Webhooks on the command line.

use crate::support::{Home, fails, json, said, string};
use serde_json::json as value;

#[test]
fn webhooks_are_made_changed_and_looked_at() {
    let home = Home::new();
    let made = json(&home, "webhook create https://1.1.1.1/hook --kind team:*");
    let id = string(&made, "id");
    let changed = json(&home, &format!("webhook set {id} --kind person:* --kind handover:open --active off"));
    assert_eq!((&changed["kinds"], &changed["state"]), (&value!(["person:*", "handover:open"]), &value!("off")));
    assert_eq!(changed["url"], made["url"]);
    assert_eq!(json(&home, &format!("webhook set {id} --description chat --active on"))["state"], "on");
    let sheet = said(&home, &format!("webhook show {id}"));
    assert!(sheet.contains("description   chat") && sheet.contains("person:* handover:open"), "{sheet}");
    let rotated = json(&home, &format!("webhook rotate {id}"));
    assert_ne!(rotated["secret"], made["secret"]);
    assert_eq!(json(&home, &format!("webhook deliveries {id}")), value!([]));
    fails(&home, &format!("webhook set {id}"), 2);
    assert!(fails(&home, &format!("webhook set {id} --url http://127.0.0.1/"), 1).contains("not public"));
    assert!(fails(&home, &format!("webhook set {id} --kind no:such*"), 1).contains("no:such"));
    for line in ["webhook show wh_0", "webhook rotate wh_0", "webhook deliveries wh_0", "webhook redeliver wh_0 evt_1"]
    {
        assert!(fails(&home, line, 1).contains("There is no webhook"), "{line}");
    }
    fails(&home, &format!("webhook redeliver {id} evt_999999"), 1);
    said(&home, &format!("webhook delete {id}"));
    assert_eq!(json(&home, "webhook list"), value!([]));
}
