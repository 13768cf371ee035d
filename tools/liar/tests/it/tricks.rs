//! Whatever trick is played, nothing that is over is accepted later than the bound; and a feed of honest nodes is
//! followed without a refusal.

use portcullis_core::revocation::wire::Revocation;
use portcullis_liar::Trick;
use portcullis_verifier::VerifyError;

use crate::fixture::Stage;

/// Signs one session out while the trick is played, and sees that another one goes on when it is over.
async fn holds_against(trick: Trick) {
    let stage = Stage::new().await;
    let (doomed, other) = (stage.sign_in(), stage.sign_in());
    assert!(stage.check(&doomed).await.is_ok());
    stage.liar.play(trick);
    stage.sign_out_and_wait(&doomed).await;
    let refused = stage.check(&other).await;
    assert!(
        matches!(refused, Ok(_) | Err(VerifyError::Unavailable { .. })),
        "an outage is no rejection: {refused:?}"
    );
    stage.liar.play(Trick::Honest);
    stage.accepts_soon(&other).await;
    assert_eq!(stage.check(&doomed).await.err(), Some(VerifyError::Revoked));
}

macro_rules! stories {
    ($($name:ident: $trick:ident;)+) => {
        $(
            // ASVS-map: RV2, RV3
            #[tokio::test(flavor = "multi_thread")]
            async fn $name() {
                holds_against(Trick::$trick).await;
            }
        )+
    };
}

stories! {
    an_honest_feed_ends_a_session_within_the_bound: Honest;
    a_record_that_is_left_out_proves_nothing: Gap;
    an_answer_that_is_repeated_proves_nothing: Replay;
    an_answer_to_the_poll_before_proves_nothing: LateNonce;
    an_answer_that_is_held_back_proves_no_more_than_when_it_was_asked_for: Delay;
    an_answer_that_says_that_there_is_more_proves_nothing: EndlessMore;
    two_honest_nodes_in_turn_end_a_session_within_the_bound: AlternatingLogs;
    pages_of_two_snapshots_prove_nothing: MixedPages;
    an_answer_under_another_key_proves_nothing: WrongKey;
    a_feed_that_is_silent_proves_nothing: Silence;
    half_an_answer_proves_nothing: TruncatedBody;
    an_answer_of_another_issuer_proves_nothing: WrongIssuer;
    a_page_of_a_snapshot_is_no_answer: WrongType;
    an_answer_under_another_algorithm_proves_nothing: WrongAlgorithm;
    an_answer_without_a_signature_proves_nothing: NoAlgorithm;
    a_node_that_restarts_before_every_poll_proves_nothing: Restarts;
    a_log_that_is_trimmed_ends_a_session_within_the_bound: Trimmed;
    a_feed_that_is_gone_proves_nothing: Gone;
    a_feed_in_an_outage_proves_nothing: Outage;
    an_answer_that_always_has_one_record_more_proves_nothing: EndlessRecords;
    a_feed_key_that_was_removed_proves_nothing: KeyRemoved;
    a_page_of_a_proxy_proves_nothing: Portal;
    a_proxy_that_wants_a_password_proves_nothing: ProxyPassword;
    a_proxy_that_bars_the_way_proves_nothing: Barred;
}

/// Two nodes behind one balancer, and one whose log is trimmed again and again: both are healthy.
#[tokio::test(flavor = "multi_thread")]
async fn no_honest_request_is_refused_while_the_feed_is_healthy() {
    for trick in [Trick::Honest, Trick::AlternatingLogs, Trick::Trimmed] {
        let stage = Stage::new().await;
        let session = stage.sign_in();
        stage.liar.play(trick);
        for _ in 0..12 {
            stage.liar.polled(1).await;
            assert!(stage.check(&session).await.is_ok(), "{trick:?}");
        }
        assert_eq!(stage.verifier.status().faults, 0, "{trick:?}");
        assert_eq!(stage.verifier.status().snapshots, 1, "{trick:?}");
    }
}

// ASVS-map: AU5
#[tokio::test(flavor = "multi_thread")]
async fn a_role_that_was_taken_away_counts_no_more() {
    let stage = Stage::new().await;
    let session = stage.sign_in();
    let role = portcullis_core::user::Role::User;
    assert_ne!(stage.check(&session).await.unwrap().role, Some(role));
    let until = portcullis_core::clock::Timestamp::from_seconds(9_000_000_000);
    stage.liar.tell(Revocation::Role { id: session.user.id, role, until });
    while stage.check(&session).await.unwrap().role != Some(role) {
        stage.liar.polled(1).await;
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_verifier_with_too_many_revocations_is_stale_and_forgets_none() {
    let stage = Stage::with(|builder| builder.capacity(2)).await;
    let sessions: Vec<_> = (0..4).map(|_| stage.sign_in()).collect();
    for session in &sessions[..3] {
        stage.liar.sign_out(session);
    }
    stage.is_stale_soon().await;
    let refused = stage.check(&sessions[3]).await;
    assert!(matches!(refused, Err(VerifyError::Unavailable { .. })), "{refused:?}");
    assert!(stage.ask(&sessions[3]).await.is_ok(), "the server knows");
    assert!(stage.ask(&sessions[0]).await.is_err());
}
