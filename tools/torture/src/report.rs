//! What a run says at its end: the numbers, or who was let down and how it came to that.

use std::fmt;
use std::time::Duration;

use portcullis_bench::server::Server;
use tabled::builder::Builder;
use tabled::settings::Style;

use crate::client::StrategyClient;
use crate::device::DeviceClient;
use crate::ledger::Counts;

/// A promise that was not kept.
#[derive(Debug)]
pub(crate) struct BrokenPromise {
    who: String,
    what: String,
    history: Vec<String>,
}

impl BrokenPromise {
    /// A client was let down.
    pub(crate) fn of(client: &StrategyClient, what: String) -> Self {
        let who = format!("round {}, client {}", client.round, client.number);
        Self { who, what, history: client.ledger.history().map(str::to_owned).collect() }
    }

    /// A client of the device-session surface was let down.
    pub(crate) fn of_device(client: &DeviceClient, what: String) -> Self {
        let who = format!("round {}, device client {}", client.round, client.number);
        Self { who, what, history: client.history().map(str::to_owned).collect() }
    }

    /// The server itself failed.
    pub(crate) fn of_server(server: &Server, what: String) -> Self {
        let history = server.last_words().lines().map(str::to_owned).collect();
        Self { who: "the server".to_owned(), what, history }
    }
}

impl fmt::Display for BrokenPromise {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        writeln!(f, "{}: {}", self.who, self.what)?;
        self.history.iter().try_for_each(|line| writeln!(f, "    {line}"))
    }
}

/// What a whole run counted.
#[derive(Debug, Default)]
pub(crate) struct Numbers {
    pub(crate) rounds: u64,
    pub(crate) acknowledged: Counts,
    pub(crate) lost: Counts,
    pub(crate) checked: Counts,
    /// What the rounds of tabs counted.
    pub(crate) tabs: Counts,
    /// What the servers counted that took over from each other.
    pub(crate) restarts: Counts,
    slowest_restart: Duration,
    stores: StoreNumbers,
}

/// What was found while stores failed.
#[derive(Debug, Default)]
pub(crate) struct StoreNumbers {
    pub(crate) counts: Counts,
    pub(crate) slowest_recovery: Duration,
    /// How long after an acknowledged end a request was sent that a node accepted.
    pub(crate) last_yes: Duration,
}

impl Numbers {
    /// Adds what was counted while the stores of one pair failed.
    pub(crate) fn add_stores(&mut self, of_pair: &StoreNumbers) {
        let StoreNumbers { counts, slowest_recovery, last_yes } = &mut self.stores;
        for (kind, count) in &of_pair.counts {
            *counts.entry(kind).or_default() += count;
        }
        *slowest_recovery = of_pair.slowest_recovery.max(*slowest_recovery);
        *last_yes = of_pair.last_yes.max(*last_yes);
    }

    /// Counts a restart.
    pub(crate) fn restarted(&mut self, took: Duration) {
        self.slowest_restart = self.slowest_restart.max(took);
    }
}

impl fmt::Display for Numbers {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let mut builder = Builder::default();
        builder.push_record(["what", "how often"]);
        builder.push_record(["rounds: load, kill -9, restart, checks", &self.rounds.to_string()]);
        let groups =
            [("acknowledged", &self.acknowledged), ("answer lost", &self.lost), ("checked", &self.checked)];
        for (group, counts) in groups {
            for (kind, count) in counts {
                builder.push_record([format!("{group}: {kind}"), count.to_string()]);
            }
            builder.push_record([format!("{group}, all"), counts.values().sum::<u64>().to_string()]);
        }
        for (kind, count) in self.tabs.iter().chain(&self.restarts).chain(&self.stores.counts) {
            builder.push_record([(*kind).to_owned(), count.to_string()]);
        }
        builder.push_record(["failures", "0"]);
        builder.push_record([
            "slowest restart until ready",
            &format!("{} ms", self.slowest_restart.as_millis()),
        ]);
        for (what, span) in [
            ("slowest recovery of three nodes", self.stores.slowest_recovery),
            ("last yes after an acknowledged end", self.stores.last_yes),
        ] {
            builder.push_record([what.to_owned(), format!("{} ms", span.as_millis())]);
        }
        builder.build().with(Style::markdown()).fmt(f)
    }
}
