//! What a run says at its end: the numbers, or who was let down and how it came to that.

mod kills;

use std::fmt;
use std::time::Duration;

use portcullis_bench::server::Server;
use tabled::builder::Builder;
use tabled::settings::Style;

use crate::breach::{Breach, BreachKind};
use crate::client::StrategyClient;
use crate::device::DeviceClient;
use crate::ledger::Counts;
use crate::stores_under_test::StoresUnderTest;

pub(crate) use kills::{KillNumbers, KillsByStores};

/// A promise that was not kept.
#[derive(Debug)]
pub(crate) struct BrokenPromise {
    kind: BreachKind,
    who: String,
    what: String,
    history: Vec<String>,
}

impl BrokenPromise {
    /// A client was let down.
    pub(crate) fn of(client: &StrategyClient, Breach { kind, what }: Breach) -> Self {
        let who = format!("round {}, client {}", client.round, client.number);
        Self { kind, who, what, history: client.ledger.history().map(str::to_owned).collect() }
    }

    /// A client of the device-session surface was let down.
    pub(crate) fn of_device(client: &DeviceClient, Breach { kind, what }: Breach) -> Self {
        let who = format!("round {}, device client {}", client.round, client.number);
        Self { kind, who, what, history: client.history().map(str::to_owned).collect() }
    }

    /// The server itself failed.
    pub(crate) fn of_server(server: &Server, breach: impl Into<Breach>) -> Self {
        let Breach { kind, what } = breach.into();
        let history = server.last_words().lines().map(str::to_owned).collect();
        Self { kind, who: "the server".to_owned(), what, history }
    }

    /// The same promise, said to have been broken on these stores.
    pub(crate) fn on(self, stores: StoresUnderTest) -> Self {
        Self { who: format!("{stores}, {}", self.who), ..self }
    }
}

impl fmt::Display for BrokenPromise {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        writeln!(f, "{} ({}): {}", self.who, self.kind.name(), self.what)?;
        self.history.iter().try_for_each(|line| writeln!(f, "    {line}"))
    }
}

/// What a whole run counted.
#[derive(Debug, Default)]
pub(crate) struct Numbers {
    /// What was counted while a server was killed, by pair of stores.
    pub(crate) kills: Vec<KillNumbers>,
    /// What the rounds of tabs counted.
    pub(crate) tabs: Counts,
    /// What the servers counted that took over from each other.
    pub(crate) restarts: Counts,
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
        add(counts, &of_pair.counts);
        *slowest_recovery = of_pair.slowest_recovery.max(*slowest_recovery);
        *last_yes = of_pair.last_yes.max(*last_yes);
    }
}

/// One of the books of a pair.
type CountsOf = fn(&KillNumbers) -> &Counts;

impl fmt::Display for Numbers {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let mut builder = Builder::default();
        builder.push_record(["what", "how often"]);
        let groups: [(&str, CountsOf); 3] = [
            ("acknowledged", |of_pair| &of_pair.acknowledged),
            ("answer lost", |of_pair| &of_pair.lost),
            ("checked", |of_pair| &of_pair.checked),
        ];
        for (group, counts_of) in groups {
            let mut counts = Counts::default();
            self.kills.iter().for_each(|of_pair| add(&mut counts, counts_of(of_pair)));
            for (kind, count) in counts {
                builder.push_record([format!("{group}: {kind}"), count.to_string()]);
            }
        }
        for (kind, count) in self.tabs.iter().chain(&self.restarts).chain(&self.stores.counts) {
            builder.push_record([(*kind).to_owned(), count.to_string()]);
        }
        for (what, span) in [
            ("slowest recovery of three nodes", self.stores.slowest_recovery),
            ("last yes after an acknowledged end", self.stores.last_yes),
        ] {
            builder.push_record([what.to_owned(), format!("{} ms", span.as_millis())]);
        }
        builder.build().with(Style::markdown()).fmt(f)
    }
}

/// Adds counts to others.
pub(crate) fn add(total: &mut Counts, part: &Counts) {
    for (kind, count) in part {
        *total.entry(kind).or_default() += count;
    }
}
