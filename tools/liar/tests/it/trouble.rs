//! What is said where the feed cannot be followed.

use std::time::Duration;

use portcullis_liar::{Liar, Trick};
use portcullis_verifier::{BuildError, Verifier};

use crate::fixture::Stage;

/// Waits until the verifier says why it does not follow the feed.
async fn trouble_of(verifier: &Verifier) -> String {
    loop {
        if let Some(trouble) = verifier.trouble() {
            return trouble;
        }
        tokio::time::sleep(Duration::from_millis(10)).await;
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_verifier_that_is_never_ready_says_why_and_what_to_do() {
    let liar = Liar::start("127.0.0.1:0").await.unwrap();
    let with_key = |key: &str| Verifier::builder(liar.url()).feed_key(key);
    let wrong_key = with_key("wrong").build().unwrap();
    assert!(trouble_of(&wrong_key).await.contains("`portcullis feed key create`"));
    let tenants = ["default", "acme"].map(|name| name.parse().unwrap());
    let of_one_tenant = with_key(liar.feed_key()).tenants(tenants).build().unwrap();
    assert!(trouble_of(&of_one_tenant).await.contains("`portcullis feed key create --tenant acme`"));
}

/// A service whose feed key is removed while it runs: its users go on, because the server is asked, and it says so.
#[tokio::test(flavor = "multi_thread")]
async fn a_feed_key_that_is_removed_is_named_until_the_feed_is_followed_again() {
    let stage = Stage::new().await;
    let session = stage.sign_in();
    assert_eq!(stage.verifier.trouble(), None);
    stage.liar.play(Trick::KeyRemoved);
    stage.is_stale_soon().await;
    assert!(trouble_of(&stage.verifier).await.contains("does not accept the feed key"));
    assert_eq!(stage.ask(&session).await.unwrap().id, session.user.id);
    stage.liar.play(Trick::Honest);
    stage.accepts_soon(&session).await;
    while stage.verifier.trouble().is_some() {
        stage.liar.polled(1).await;
    }
}

#[test]
fn a_verifier_needs_a_runtime_and_says_so() {
    let built = Verifier::builder("http://127.0.0.1:1").feed_key("key").build();
    assert!(matches!(built, Err(BuildError::NoRuntime)), "{built:?}");
}
