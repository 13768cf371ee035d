//! `portcullis feed key`: keys for verifiers in other processes.

use serde_json::json;

use crate::fixture::{Workdir, text};

// ASVS-map: SE1
#[test]
fn a_feed_key_is_shown_once_and_listed_without_its_secret() {
    let home = Workdir::new();
    home.run("tenant create acme").done();
    let made = home.json("feed key create --tenant acme --tenant default --json");
    let key = text(&made["key"]);
    assert_eq!((key.len(), &made["tenants"]), (43, &json!(["acme", "default"])));
    let said = home.run("feed key create --all").done().out;
    let (secret, about) = said.split_once('\n').unwrap();
    assert!(secret.len() == 43 && about.contains("for all. It is not shown again."), "{said}");

    let listed = home.run("feed key list --json").done().out;
    assert!(!listed.contains(key) && !listed.contains(secret), "{listed}");
    let listed = home.json("feed key list --json");
    assert_eq!((&listed[0]["id"], &listed[0]["lastUsed"]), (&made["id"], &json!(null)));
    assert_eq!(
        (&listed[0]["tenants"], &listed[1]["tenants"]),
        (&json!(["acme", "default"]), &json!(["all"]))
    );
    let table = home.run("feed key list").done().out;
    assert!(table.contains("acme, default") && table.contains("LAST USED"), "{table}");
}

#[test]
fn a_feed_key_is_revoked_once_and_an_unknown_tenant_gets_none() {
    let home = Workdir::new();
    let made = home.json("feed key create --json");
    assert_eq!(made["tenants"], json!(["default"]));
    let id = text(&made["id"]);
    let said = home.run(&format!("feed key revoke {id}")).done().out;
    assert!(said.contains("told nothing more after a second"), "{said}");
    let again = home.run(&format!("feed key revoke {id}"));
    assert!(
        again.err.contains(&format!("there is no feed key {id}; `portcullis feed key list`")),
        "{}",
        again.err
    );
    let refused = home.run("feed key create --tenant nowhere");
    assert!(refused.err.contains("there is no tenant nowhere"), "{}", refused.err);
    assert_eq!(home.json("feed key list --json"), json!([]));
}
