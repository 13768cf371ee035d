//! Pagination: a client that follows the cursor sees every record once, whatever changes meanwhile.

use std::collections::BTreeSet;

use portcullis_api::operation::{AdminOperation, DeviceOperation, OwnOperation};
use portcullis_core::email::Email;
use portcullis_core::engine::NewUser;
use portcullis_core::id::TenantId;
use serde_json::{Value, json};

use super::admin::bob_rules;
use super::without_codes;
use crate::fixture::{DeviceClient, DeviceSession, TestServer, TestUser};

/// The ids of one page, and the cursor of the next.
async fn page(
    member: &DeviceSession<'_>,
    kind: DeviceOperation,
    cursor: Option<&str>,
    with: &Value,
) -> (Vec<String>, Option<String>) {
    let mut members = with.clone();
    members["limit"] = json!("4");
    if let Some(cursor) = cursor {
        members["cursor"] = json!(cursor);
    }
    let said = member.asks(kind, members).await;
    let id = |one: &Value| one.get("id").or(one.get("sessionId")).unwrap().as_str().unwrap().to_owned();
    let found: Vec<String> = said.data().as_array().unwrap().iter().map(id).collect();
    assert!(found.len() <= 4);
    let next = said.json()["meta"]["next"].as_str().map(str::to_owned);
    (found, next)
}

/// The ids of all pages; `meanwhile` runs after each page.
async fn ids_of_all_pages(
    member: &DeviceSession<'_>,
    kind: DeviceOperation,
    with: &Value,
    meanwhile: impl AsyncFn(usize),
) -> Vec<String> {
    let (mut seen, mut cursor, mut number) = (Vec::new(), None, 0);
    loop {
        let (found, next) = page(member, kind, cursor.as_deref(), with).await;
        seen.extend(found);
        meanwhile(number).await;
        number += 1;
        let Some(next) = next else { return seen };
        cursor = Some(next);
    }
}

fn once(seen: &[String]) -> BTreeSet<String> {
    let all: BTreeSet<String> = seen.iter().cloned().collect();
    assert_eq!(all.len(), seen.len(), "some came twice: {seen:?}");
    all
}

async fn invited(server: &TestServer, number: usize) -> String {
    let email = Email::parse(&format!("member{number}@example.com")).unwrap();
    let user = server.engine.invite_user(&TenantId::default_tenant(), NewUser::new(email, None)).await;
    user.unwrap().key.id.to_string()
}

#[tokio::test]
async fn all_pages_of_users_hold_each_once_also_while_some_come_and_go() {
    let server = TestServer::start().await;
    let client = DeviceClient::curl(&server);
    let bob = bob_rules(&client).await;
    let mut all = BTreeSet::from([bob.user.clone()]);
    for number in 0..31 {
        all.insert(invited(&server, number).await);
    }
    let seen =
        ids_of_all_pages(&bob, DeviceOperation::Admin(AdminOperation::Users), &json!({}), async |_| ()).await;
    assert_eq!(once(&seen), all);
    let found = ids_of_all_pages(
        &bob,
        DeviceOperation::Admin(AdminOperation::Users),
        &json!({"search": "member"}),
        async |_| (),
    )
    .await;
    assert_eq!(once(&found).len(), 31);

    // After each page one record that was listed goes, one that was not listed goes, and a new one comes.
    let (server, order) = (&*server, &seen);
    let gone = |page: usize| [order[page * 4 + 1].clone(), order[order.len() - 1 - page].clone()];
    let everybody = json!({});
    let seen =
        ids_of_all_pages(&bob, DeviceOperation::Admin(AdminOperation::Users), &everybody, async |page| {
            if page < 3 {
                for id in gone(page) {
                    server.run_sql(&format!("DELETE FROM users WHERE id = '{id}'")).await;
                }
                invited(server, 100 + page).await;
            }
        });
    let seen = once(&seen.await);
    let went: BTreeSet<String> = (0..3).flat_map(gone).collect();
    assert!(all.difference(&went).all(|id| seen.contains(id)), "who stayed was seen");
    assert_eq!(went.iter().filter(|id| seen.contains(*id)).count(), 3, "who went before was not");
    assert_eq!(seen.difference(&all).count(), 3, "who came was seen");
}

#[tokio::test]
async fn all_pages_of_sessions_hold_each_once_also_while_some_come_and_go() {
    let server = TestServer::start().await;
    server.configure_default_tenant(without_codes()).await;
    let client = DeviceClient::curl(&server);
    TestUser::ANN.signs_up(&client).await;
    let mut members = Vec::new();
    for _ in 0..21 {
        members.push(TestUser::ANN.signs_in_on(&client).await);
    }
    let (ann, order) = (&members[0], &members);
    let all: Vec<String> = members.iter().map(|member| member.session.clone()).collect();
    assert_eq!(
        ids_of_all_pages(ann, DeviceOperation::Own(OwnOperation::Sessions), &json!({}), async |_| ()).await,
        all,
        "oldest first"
    );
    let gone = |page: usize| [all[page * 4 + 1].clone(), all[all.len() - 1 - page].clone()];
    let living = json!({});
    let seen = ids_of_all_pages(ann, DeviceOperation::Own(OwnOperation::Sessions), &living, async |page| {
        if page < 2 {
            for session in gone(page) {
                order[0].asks(OwnOperation::LogoutSession, json!({"sessionId": session})).await;
            }
            TestUser::ANN.signs_in_on(&order[0].client).await;
        }
    });
    let seen = once(&seen.await);
    let went: BTreeSet<String> = (0..2).flat_map(gone).collect();
    let stayed = all.iter().filter(|id| !went.contains(*id));
    assert!(stayed.clone().all(|id| seen.contains(id)), "what stayed was seen");
    assert_eq!(seen.len(), stayed.count() + 2 + 2, "and what ended later, and what came");
    let ended = ids_of_all_pages(
        ann,
        DeviceOperation::Own(OwnOperation::Sessions),
        &json!({"ended": "true"}),
        async |_| (),
    )
    .await;
    assert_eq!(once(&ended), went);
}

#[tokio::test]
async fn a_malformed_cursor_is_refused() {
    let server = TestServer::start().await;
    server.configure_default_tenant(without_codes()).await;
    let client = DeviceClient::curl(&server);
    TestUser::ANN.signs_up(&client).await;
    let ann = TestUser::ANN.signs_in_on(&client).await;
    for (query, text) in [
        (json!({"limit": "0"}), "limit must not be less than 1"),
        (json!({"limit": "501"}), "limit must not be greater than 500"),
        (json!({"limit": "x"}), "limit must be an integer number"),
        (json!({"cursor": "x"}), "cursor must be a UUID"),
    ] {
        let said = ann.asks(OwnOperation::Sessions, query).await;
        said.refused_about(400, "VALIDATION_FAILED", text, &format!(r#","details":["{text}"]"#));
    }
}
