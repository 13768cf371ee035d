//! Asking the server: where the knowledge is too old, and about cookies.

use portcullis_liar::Trick;
use portcullis_verifier::{OnStale, SentCredential, VerifyError};

use crate::fixture::Stage;

// ASVS-map: RV3
#[tokio::test(flavor = "multi_thread")]
async fn where_the_feed_is_silent_each_route_decides_whether_the_server_is_asked() {
    let stage = Stage::new().await;
    let (live, ended) = (stage.sign_in(), stage.sign_in());
    stage.liar.play(Trick::Silence);
    stage.sign_out_and_wait(&ended).await;
    stage.is_stale_soon().await;
    assert!(matches!(stage.check(&live).await, Err(VerifyError::Unavailable { .. })));
    assert_eq!(stage.ask(&live).await.unwrap().id, live.user.id);
    assert_eq!(stage.ask(&ended).await.err(), Some(VerifyError::Refused));
}

// ASVS-map: RV3
#[tokio::test(flavor = "multi_thread")]
async fn what_a_proxy_answers_in_place_of_the_server_is_an_outage_and_no_rejection() {
    for trick in [Trick::Outage, Trick::Portal, Trick::ProxyPassword, Trick::Barred] {
        let stage = Stage::new().await;
        let session = stage.sign_in();
        stage.liar.play(trick);
        stage.is_stale_soon().await;
        let refused = stage.ask(&session).await;
        assert!(matches!(refused, Err(VerifyError::Unavailable { .. })), "{trick:?}: {refused:?}");
    }
}

// ASVS-map: GW4
#[tokio::test(flavor = "multi_thread")]
async fn all_who_show_one_credential_share_one_question() {
    let stage = Stage::new().await;
    let session = stage.sign_in();
    let cookie = format!("theme=dark; connect.sid={}", session.id);
    let ask = || stage.verifier.verify(SentCredential::Cookie(&cookie), OnStale::Refuse);
    let (one, two, three) = tokio::join!(ask(), ask(), ask());
    for user in [one, two, three, ask().await] {
        assert_eq!(user.unwrap().session, Some(session.id));
    }
    assert_eq!(stage.verifier.status().asks, 1);
}

// ASVS-map: SE4
#[tokio::test(flavor = "multi_thread")]
async fn a_cookie_that_was_asked_about_obeys_the_feed() {
    let stage = Stage::new().await;
    let session = stage.sign_in();
    let cookie = format!("connect.sid={}", session.id);
    let check = || stage.verifier.verify(SentCredential::Cookie(&cookie), OnStale::Refuse);
    assert!(check().await.is_ok());
    stage.liar.sign_out(&session);
    while check().await.is_ok() {
        tokio::task::yield_now().await;
    }
    assert_eq!(check().await.err(), Some(VerifyError::Revoked));
    assert_eq!(stage.verifier.status().asks, 1);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_request_without_a_credential_is_told_so_and_nothing_is_asked() {
    let stage = Stage::new().await;
    for nothing in [SentCredential::Bearer(""), SentCredential::Cookie("theme=dark")] {
        let refused = stage.verifier.verify(nothing, OnStale::Ask).await;
        assert_eq!(refused.err(), Some(VerifyError::Missing));
    }
    assert_eq!(stage.verifier.status().asks, 0);
}

// ASVS-map: JW11
#[tokio::test(flavor = "multi_thread")]
async fn made_up_keys_have_the_key_set_read_once_in_a_while_and_are_never_accepted() {
    let (stage, other) = (Stage::new().await, Stage::new().await);
    let foreign = other.sign_in();
    let read = stage.liar.key_readings();
    for _ in 0..50 {
        assert_eq!(
            stage.ask(&foreign).await,
            Err(VerifyError::Refused),
            "the server says so, and no key set"
        );
    }
    assert_eq!(stage.verifier.status().asks, 50);
    assert!(stage.liar.key_readings() <= read + 10, "the key set is read once in a while");
}
