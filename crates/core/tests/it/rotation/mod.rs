//! Refresh token rotation as a state machine: a device with two tabs that may sleep, a thief who copies from it, a
//! rider who keeps up with it, and a network, a clock, a server and a store that fail between any two steps.
//!
//! The simulation applies random steps to a real engine on real stores. After each it compares the answer with what the
//! rotation promises. The model knows what an honest client knows: the token of each tab, and which answers were lost.

mod client;
mod misfortunes;
mod promise;
mod simulation;
mod steps;

use std::time::Duration;

use proptest::test_runner::{Config, TestRunner};

use simulation::Simulation;
use steps::{RequestFate, Step, steps};

/// Random runs for each kind of device: enough to find any broken line of the rotation.
const CASES: u32 = 160;

fn run(device: simulation::TestDevice, steps: Vec<Step>) {
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
    runtime.block_on(async {
        let mut simulation = Simulation::new(device).await;
        for next in steps {
            simulation.apply(next).await;
        }
        simulation.assert_device_keeps_its_session().await;
    });
}

fn explore(device: simulation::TestDevice, cases: u32) {
    let mut runner = TestRunner::new(Config { cases, failure_persistence: None, ..Config::default() });
    let result = runner.run(&steps(), |steps| {
        run(device, steps);
        Ok(())
    });
    if let Err(failure) = result {
        panic!("{failure}");
    }
}

// ASVS-map: RT1 RT2 RT3 RT4 RT5
#[test]
fn a_device_whose_tabs_share_their_storage_keeps_its_promises() {
    explore(simulation::TestDevice { shares_storage: true, proves: true }, CASES);
}

// ASVS-map: RT1 RT2 RT3 RT4 RT5
#[test]
fn a_device_whose_tabs_have_their_own_copies_keeps_its_promises() {
    explore(simulation::TestDevice { shares_storage: false, proves: true }, CASES);
}

// ASVS-map: RT5
#[test]
fn the_device_itself_may_make_the_repeat_that_raises_the_alarm_about_a_rider() {
    let pause = Duration::from_secs(450);
    let ride = |tab| Step::Ride(tab, pause);
    let steps = vec![ride(1), Step::Refresh(1, RequestFate::StoreAnswerLost), ride(0), ride(1)];
    run(simulation::TestDevice { shares_storage: false, proves: true }, steps);
}

// ASVS-map: RT1 RT5
#[test]
fn a_device_without_a_proof_loses_its_session_to_a_second_use_and_to_nothing_else() {
    explore(simulation::TestDevice { shares_storage: true, proves: false }, CASES);
}
