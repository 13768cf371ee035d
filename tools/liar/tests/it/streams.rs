//! Open streams are cut when their user must not go on.

use std::time::Duration;

use portcullis_core::revocation::wire::Revocation;
use portcullis_core::user::Role;
use portcullis_liar::Trick;
use portcullis_verifier::CutReason;

use crate::fixture::Stage;

/// Longer than any test.
const GRACE: Duration = Duration::from_mins(10);

#[tokio::test(flavor = "multi_thread")]
async fn a_sign_out_cuts_the_streams_of_its_session_and_no_others() {
    let stage = Stage::new().await;
    let (doomed, other) = (stage.sign_in(), stage.sign_in());
    let users = [stage.check(&doomed).await.unwrap(), stage.check(&other).await.unwrap()];
    let [doomed_stream, other_stream] = users.map(|user| stage.verifier.watch(&user, GRACE));
    let other_stream = tokio::spawn(other_stream);
    stage.liar.sign_out(&doomed);
    assert_eq!(doomed_stream.await, CutReason::Revoked);
    assert!(!other_stream.is_finished());
    stage.liar.tell(Revocation::Everyone { epoch: 1 });
    assert_eq!(other_stream.await.unwrap(), CutReason::Revoked);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_role_that_was_taken_away_cuts_a_stream_that_it_opened() {
    let stage = Stage::new().await;
    let session = stage.sign_in();
    let user = stage.check(&session).await.unwrap();
    let stream = stage.verifier.watch(&user, GRACE);
    let until = portcullis_core::clock::Timestamp::from_seconds(9_000_000_000);
    stage.liar.tell(Revocation::Role { id: session.user.id, role: Role::User, until });
    assert_eq!(stream.await, CutReason::RoleChanged);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_stream_is_cut_when_nothing_was_proven_for_the_grace_period() {
    let stage = Stage::new().await;
    let user = stage.check(&stage.sign_in()).await.unwrap();
    stage.liar.play(Trick::Silence);
    assert_eq!(stage.verifier.watch(&user, Duration::from_secs(1)).await, CutReason::Unproven);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_stream_is_cut_at_the_end_of_its_token() {
    let stage = Stage::new().await;
    let mut user = stage.check(&stage.sign_in()).await.unwrap();
    user.expires = Some(portcullis_core::clock::Timestamp::from_seconds(0));
    assert_eq!(stage.verifier.watch(&user, GRACE).await, CutReason::Expired);
}
