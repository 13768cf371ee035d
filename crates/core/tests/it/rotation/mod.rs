//! Rotation as a state machine: one device with two tabs, somebody who steals from it, and a network, a clock and a
//! server that do their worst between any two steps.
//!
//! The world applies moves to a real engine on real stores; after each it compares what happened with what the design
//! promises. The model is what an honest client knows (which tokens each tab holds, what it was answered and what was
//! lost) and nothing of what the engine keeps.

mod moves;
mod world;

use proptest::test_runner::{Config, TestRunner};

use moves::{Move, moves};
use world::World;

/// Stories of each kind of device. Hundreds are enough to find what a change of one line of the rotation breaks.
const CASES: u32 = 160;

fn tell(device: world::Device, moves: Vec<Move>) {
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
    runtime.block_on(async {
        let mut world = World::new(device).await;
        for next in moves {
            world.apply(next).await;
        }
        world.assert_the_end_is_good().await;
    });
}

fn explore(device: world::Device, cases: u32) {
    let mut runner = TestRunner::new(Config { cases, failure_persistence: None, ..Config::default() });
    let result = runner.run(&moves(), |moves| {
        tell(device, moves);
        Ok(())
    });
    if let Err(failure) = result {
        panic!("{failure}");
    }
}

// ASVS-map: RT1 RT2 RT3 RT5
#[test]
fn a_device_whose_tabs_share_their_storage_keeps_its_promises() {
    explore(world::Device { shares_storage: true, proves: true }, CASES);
}

// ASVS-map: RT1 RT2 RT3 RT5
#[test]
fn a_device_whose_tabs_have_their_own_copies_keeps_its_promises() {
    explore(world::Device { shares_storage: false, proves: true }, CASES);
}

// ASVS-map: RT1 RT5
#[test]
fn a_device_without_a_proof_loses_its_session_to_a_second_use_and_to_nothing_else() {
    explore(world::Device { shares_storage: true, proves: false }, CASES);
}
