//! Passwords over the years.

use std::time::Duration;

use portcullis_core::store::conformance::fixture::Fixture;
use portcullis_core::store::memory::MemoryStore;
use portcullis_core::strategy::StrategyName;

const YEAR: Duration = Duration::from_hours(365 * 24);

// ASVS-map: PW3
#[tokio::test]
async fn a_password_stays_good_for_years_and_no_sign_in_asks_for_another() {
    let fixture = Fixture::new(MemoryStore::stores());
    let engine = fixture.node().await;
    let ann = fixture.new_user(&engine).await;
    for year in 1..=10 {
        fixture.clock.pass(YEAR);
        for strategy in StrategyName::ROUTED {
            let held = ann.password_sign_in(&engine, strategy).await;
            assert!(held.authenticate(&engine).await.is_ok(), "{strategy} after {year} years");
        }
    }
}
