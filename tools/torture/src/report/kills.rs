//! What was counted while a server was killed on one pair of stores, and all pairs side by side.

use std::fmt;
use std::time::Duration;

use tabled::builder::Builder;
use tabled::settings::Style;

use super::BrokenPromise;
use crate::breach::BreachKind;
use crate::ledger::Counts;
use crate::stores_under_test::StoresUnderTest;

/// Acknowledged operations that write nothing.
const READS: [&str; 2] = ["profile", "retry of a refresh"];

/// What was counted on one pair.
#[derive(Debug)]
pub(crate) struct KillNumbers {
    stores: StoresUnderTest,
    pub(crate) kills: u64,
    /// Kills after which the node that stayed was asked.
    pub(crate) on_other_node: u64,
    pub(crate) acknowledged: Counts,
    /// Requests without an answer.
    pub(crate) lost: Counts,
    pub(crate) checked: Counts,
    broken: Vec<BreachKind>,
    slowest_start: Duration,
}

impl KillNumbers {
    pub(crate) fn on(stores: StoresUnderTest) -> Self {
        let (acknowledged, lost, checked) = Default::default();
        Self {
            stores,
            kills: 0,
            on_other_node: 0,
            acknowledged,
            lost,
            checked,
            broken: Vec::new(),
            slowest_start: Duration::ZERO,
        }
    }

    /// Counts a start on what a killed server left.
    pub(crate) fn started(&mut self, took: Duration) {
        self.slowest_start = self.slowest_start.max(took);
    }

    /// Counts promises that were not kept.
    pub(crate) fn broke(&mut self, promises: &[BrokenPromise]) {
        self.broken.extend(promises.iter().map(|broken| broken.kind));
    }

    fn column(&self) -> Vec<String> {
        let sum = |counts: &Counts| counts.values().sum::<u64>();
        let writes = self.acknowledged.iter().filter(|(kind, _)| !READS.contains(kind));
        let written = writes.map(|(_, count)| count).sum();
        let counted = [self.kills, self.on_other_node, written, sum(&self.lost), sum(&self.checked)];
        let broken = BreachKind::ALL.map(|kind| self.broken.iter().filter(|broken| **broken == kind).count());
        let mut column = vec![self.stores.to_string()];
        column.extend(counted.iter().map(u64::to_string));
        column.extend(broken.iter().map(usize::to_string));
        column.push(self.slowest_start.as_millis().to_string());
        column
    }
}

/// All pairs, side by side.
pub(crate) struct KillsByStores<'n>(pub(crate) &'n [KillNumbers]);

impl fmt::Display for KillsByStores<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let mut names = vec![
            "",
            "kills",
            "of these, checked on a node that stayed",
            "writes acknowledged",
            "requests without an answer at a kill",
            "promises checked after it",
        ];
        names.extend(BreachKind::ALL.map(BreachKind::name));
        names.push("slowest start until ready, ms");
        let mut builder = Builder::default();
        builder.push_column(names);
        for numbers in self.0 {
            builder.push_column(numbers.column());
        }
        builder.build().with(Style::markdown()).fmt(f)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::client::StrategyClient;

    #[test]
    fn what_is_broken_is_counted_for_its_pair() {
        let mut numbers = KillNumbers::on(StoresUnderTest::PostgresAndRedis);
        numbers.kills = 7;
        numbers.acknowledged = Counts::from([("login", 3), ("profile", 40)]);
        numbers.started(Duration::from_millis(120));
        let client = StrategyClient::new(0);
        numbers.broke(&[BrokenPromise::of(&client, BreachKind::WriteLost.breach("a user is gone"))]);
        let table = KillsByStores(&[KillNumbers::on(StoresUnderTest::Sqlite), numbers]).to_string();
        let row = |name: &str| {
            let line = table.lines().find(|line| line.contains(name)).unwrap();
            line.split('|').map(str::trim).skip(2).take(2).map(str::to_owned).collect::<Vec<_>>()
        };
        assert_eq!(row("sqlite"), ["sqlite", "postgres+redis"]);
        assert_eq!(row("| kills"), ["0", "7"]);
        assert_eq!(row("writes acknowledged"), ["0", "3"], "a read is no write");
        assert_eq!(row("acknowledged writes lost"), ["0", "1"]);
        assert_eq!(row("double spends"), ["0", "0"]);
        assert_eq!(row("slowest start"), ["0", "120"]);
    }
}
