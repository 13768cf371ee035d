//! Servers on PostgreSQL whose machines' clocks are wrong.

use std::sync::Arc;

use portcullis_core::clock::{Clock, Ticks, Timestamp};
use portcullis_core::machine::SystemClock;
use portcullis_core::strategy::StrategyName;
use portcullis_server::http::Recorder;
use serde_json::json;

use crate::fixture::{DataDirectory, PAIRS, SharedStores, TestServer, TestUser};

/// A machine whose clock is so many seconds ahead.
pub(crate) struct Ahead(pub(crate) i64);

impl Clock for Ahead {
    fn now(&self) -> Timestamp {
        Timestamp::from_millis(SystemClock.now().as_millis() + 1000 * self.0)
    }

    fn ticks(&self) -> Ticks {
        SystemClock.ticks()
    }
}

async fn server(home: &DataDirectory, stores: &SharedStores, ahead: i64) -> TestServer {
    let mut settings: Vec<_> = stores.settings.iter().map(|(name, value)| (*name, value.as_str())).collect();
    settings.push(("SESSIONS", ""));
    home.server_at(&settings, Arc::new(Ahead(ahead))).await
}

#[tokio::test(flavor = "multi_thread")]
async fn a_server_whose_clock_is_far_off_goes_by_that_of_the_database_and_is_not_ready() {
    let postgres = PAIRS.iter().find(|pair| pair.name == "postgres").unwrap();
    let homes = [(); 4].map(|()| DataDirectory::new());
    let stores = postgres.make(homes[0].path());
    let mut servers = Vec::new();
    let of_a_machine = [(3600, 503), (-3600, 503), (30, 200), (0, 200)];
    for (home, (ahead, status)) in homes.iter().zip(of_a_machine) {
        let server = server(home, &stores, ahead).await;
        let ready = server.get("/readyz").await.status(status);
        if status == 503 {
            assert_eq!(ready.json(), json!({ "status": "unavailable", "clock": "wrong" }));
        }
        let shown = Recorder::install(server.engine.clone()).unwrap().text().await;
        let shown = shown.lines().find_map(|line| line.strip_prefix("portcullis_clock_ahead_seconds "));
        let off = shown.unwrap().parse::<f64>().unwrap();
        #[expect(clippy::cast_precision_loss, reason = "it is small")]
        let wrong_by = off - ahead as f64;
        assert!(wrong_by.abs() < 10.0, "{off} is shown, {ahead} is right");
        servers.push(server);
    }
    TestUser::ANN.registered(&servers[0]).await;
    for one in &servers {
        let held = TestUser::ANN.signs_in(one, StrategyName::Jwt).await;
        for other in &servers {
            held.profile(other).await.status(200);
        }
    }
}
