//! The steps of a simulation.

use std::time::Duration;

use proptest::prelude::*;

/// Longer than the grace window.
pub(crate) const BEYOND_GRACE: Duration = Duration::from_secs(61);

/// A thief who presents a refresh token.
#[derive(Clone, Copy, Debug)]
pub(crate) enum Thief {
    /// Has a copy of the token.
    WithToken,
    /// Has a copy of the whole device.
    WithDevice,
}

/// What happens to a request.
#[derive(Clone, Copy, Debug)]
pub(crate) enum RequestFate {
    /// It is answered.
    Answered,
    /// It is carried out, and the answer is lost.
    AnswerLost,
    /// The answer comes after that of the next request.
    AnswerLate,
    /// The server crashes after this many calls of the store and is restarted.
    Crash(usize),
    /// The store fails.
    StoreDown,
    /// The store carries a verb out, and its answer is lost.
    StoreAnswerLost,
}

/// One step.
#[derive(Clone, Debug)]
pub(crate) enum Step {
    /// A tab refreshes with its token.
    Refresh(usize, RequestFate),
    /// A tab refreshes several times in parallel.
    Several(usize, usize),
    /// A thief copies the token of a tab.
    Steal(usize),
    /// A thief uses a copied token; the number counts back from the newest copy.
    Use(Thief, usize),
    /// Time passes, after tabs that lost an answer have retried.
    Pass(Duration),
    /// The device sleeps, whether it waits for an answer or not.
    Sleep(Duration),
    /// A rider with token and proof of a tab follows each of its refreshes after this pause.
    Ride(usize, Duration),
    /// The store's records are copied.
    BackUp,
    /// The store comes back with the records that were copied last.
    LoseWrites,
    /// The clock is set back by an hour.
    BackAnHour,
    /// The clock is corrected.
    Right,
    /// New refresh keys begin to sign after this long.
    RotateKeys(Duration),
    /// The user signs out.
    SignOut,
    /// The server is restarted.
    Restart,
}

fn fate() -> impl Strategy<Value = RequestFate> {
    prop_oneof![
        5 => Just(RequestFate::Answered),
        2 => Just(RequestFate::AnswerLost),
        2 => Just(RequestFate::AnswerLate),
        3 => (0..14_usize).prop_map(RequestFate::Crash),
        1 => Just(RequestFate::StoreDown),
        2 => Just(RequestFate::StoreAnswerLost),
    ]
}

fn a_while() -> impl Strategy<Value = Duration> {
    prop_oneof![
        4 => (0..30_u64).prop_map(Duration::from_secs),
        2 => Just(BEYOND_GRACE),
        2 => (1..20_u64).prop_map(Duration::from_hours),
        1 => Just(Duration::from_hours(8 * 24)),
    ]
}

/// Longer than the grace window: half the lifetime of an access token, the whole, and twice as long.
fn a_pause() -> impl Strategy<Value = Duration> {
    prop_oneof![Just(15_u64), Just(30), Just(60)].prop_map(|halves| Duration::from_secs(halves * 30))
}

fn one_step() -> impl Strategy<Value = Step> {
    prop_oneof![
        10 => (0..2_usize, fate()).prop_map(|(tab, fate)| Step::Refresh(tab, fate)),
        2 => (0..2_usize, 2..5_usize).prop_map(|(tab, times)| Step::Several(tab, times)),
        2 => (0..2_usize).prop_map(Step::Steal),
        1 => (0..4_usize).prop_map(|copy| Step::Use(Thief::WithToken, copy)),
        1 => (0..4_usize).prop_map(|copy| Step::Use(Thief::WithDevice, copy)),
        5 => a_while().prop_map(Step::Pass),
        2 => a_while().prop_map(Step::Sleep),
        1 => (0..2_usize, a_pause()).prop_map(|(tab, pause)| Step::Ride(tab, pause)),
        1 => Just(Step::BackUp),
        1 => Just(Step::LoseWrites),
        1 => Just(Step::BackAnHour),
        1 => Just(Step::Right),
        1 => prop_oneof![Just(Duration::ZERO), Just(Duration::from_secs(30))].prop_map(Step::RotateKeys),
        1 => Just(Step::SignOut),
        1 => Just(Step::Restart),
    ]
}

pub(crate) fn steps() -> impl Strategy<Value = Vec<Step>> {
    proptest::collection::vec(one_step(), 1..30)
}
