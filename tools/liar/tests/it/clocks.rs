//! A machine whose wall clock is wrong.

use std::sync::Arc;
use std::time::Duration;

use portcullis_core::clock::{Clock, Ticks, Timestamp};
use portcullis_core::machine::SystemClock;
use portcullis_core::token::TokenFault;
use portcullis_core::user::Role;
use portcullis_verifier::VerifyError;

use crate::fixture::Stage;

/// A wall clock that was set back by two hours.
struct SetBack;

impl Clock for SetBack {
    fn now(&self) -> Timestamp {
        SystemClock.now().minus(Duration::from_hours(2))
    }

    fn ticks(&self) -> Ticks {
        SystemClock.ticks()
    }
}

/// The record of an end is kept until its tokens have expired: a clock that makes them valid again would revive them.
// ASVS-map: RV4, JW4
#[tokio::test(flavor = "multi_thread")]
async fn a_wall_clock_that_is_set_back_revives_no_token() {
    let stage = Stage::with(|builder| builder.clock(Arc::new(SetBack))).await;
    let expired = stage.liar.signed_in(Role::User, Duration::from_mins(90)).unwrap();
    let live = stage.liar.signed_in(Role::User, Duration::from_mins(30)).unwrap();
    assert_eq!(stage.check(&expired).await.err(), Some(VerifyError::Invalid(TokenFault::Expired)));
    assert!(stage.check(&live).await.is_ok());
}
