//! The tables of stores with many sessions, of the stores' own rates, and of what a refresh sends.

use tabled::builder::Builder;

use super::store_tables::processor;
use super::{Findings, markdown, show};
use crate::round::Figures;
use crate::shared_stores::{SizeFindings, SizeRound, WireTrips};
use crate::spread::Spread;

impl Findings {
    /// Refreshes, and what the store's own program reaches.
    pub(super) fn own_rates(&self) -> Option<String> {
        let mut builder = Builder::default();
        builder.push_record([
            "stores",
            "refreshes/s",
            "own program",
            "connections",
            "its rotations/s",
            "of its rate",
        ]);
        for found in &self.stores.own_rates {
            let refreshes: Vec<f64> = found.rounds.iter().map(|round| round.refreshes).collect();
            let own: Vec<f64> = found.rounds.iter().map(|round| round.own).collect();
            let connections = found.rounds.first().map_or(0, |round| round.connections);
            builder.push_record([
                found.stores.to_owned(),
                show(Spread::of(refreshes.iter().copied())),
                found.program.to_owned(),
                connections.to_string(),
                show(Spread::of(own.iter().copied())),
                show(Spread::of_ratios(&refreshes, &own)),
            ]);
        }
        markdown(builder)
    }

    /// Checks of stores that hold few sessions, and many.
    pub(super) fn sizes(&self) -> Option<String> {
        let mut builder = Builder::default();
        builder.push_record([
            "stores",
            "live sessions",
            "of them asked for",
            "checks/s",
            "CPU µs",
            "of the fewest (goal: 1.2)",
            "from the view",
        ]);
        let all = &self.stores.sizes;
        for found in all {
            let fewest = all.iter().find(|other| other.stores == found.stores).map_or_else(Vec::new, cpu);
            let rates = found.rounds.iter().map(|round| round.figures.summary.rate);
            let hits = Spread::of(found.rounds.iter().map(|round| round.hits));
            builder.push_record([
                found.stores.to_owned(),
                found.sessions.to_string(),
                found.asked.to_string(),
                show(Spread::of(rates)),
                show(Spread::of(cpu(found))),
                show(Spread::of_ratios(&cpu(found), &fewest)),
                hits.map_or_else(String::new, |hits| format!("{:.4}", hits.median)),
            ]);
        }
        markdown(builder)
    }

    /// What is sent to the stores for a refresh, and what becomes known of it.
    pub(super) fn round_trips(&self) -> Option<String> {
        let mut builder = Builder::default();
        builder.push_record([
            "stores",
            "warm: to the session store (goal: 1)",
            "to the database beside it",
            "cold: to the session store (goal: 2)",
            "to the database beside it",
            "cold, user unknown: to the session store",
            "to the database beside it",
            "announced of refreshes (goal: 0)",
            "of one sign-out",
        ]);
        for found in &self.stores.round_trips {
            let trips = [&found.warm, &found.cold, &found.unknown_user].map(trips);
            let announced = format!("{} of {}", found.announced, found.refreshes);
            let announced = [announced, found.announced_sign_out.to_string()];
            builder.push_record([vec![found.stores.to_owned()], trips.concat(), announced.to_vec()].concat());
        }
        markdown(builder)
    }

    /// Bytes that a session takes of Redis, with its user's hash.
    pub(super) fn session_memory(&self) -> Option<String> {
        let mut builder = Builder::default();
        builder.push_record(["strategy", "bytes a session, one a user", "goal"]);
        for found in &self.stores.memory {
            let bytes = format!("{:.0}", found.bytes);
            builder.push_record([found.strategy.to_owned(), bytes, found.goal.to_string()]);
        }
        markdown(builder)
    }
}

fn cpu(found: &SizeFindings) -> Vec<f64> {
    processor(&found.rounds.iter().map(|SizeRound { figures, .. }| *figures).collect::<Vec<Figures>>())
}

fn trips(trips: &WireTrips) -> Vec<String> {
    [&trips.sessions, &trips.database].map(|found| show(Spread::of(found.iter().copied()))).to_vec()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::shared_stores::{RoundTripFindings, StoreFindings};

    #[test]
    fn trips_are_shown_warm_and_cold_and_announcements_beside_how_many_refreshes_there_were() {
        let wire = |sessions, database| WireTrips { sessions: vec![sessions], database: vec![database] };
        let found = RoundTripFindings {
            stores: "x",
            warm: wire(1.0, 0.0),
            cold: wire(2.0, 3.0),
            unknown_user: wire(6.0, 7.0),
            refreshes: 9,
            announced: 4,
            announced_sign_out: 5,
        };
        let stores = StoreFindings { round_trips: vec![found], ..StoreFindings::default() };
        let table = Findings { stores, ..Findings::default() }.round_trips().unwrap();
        let row: Vec<&str> = table.lines().last().unwrap().split('|').map(str::trim).collect();
        let figures = [1, 0, 2, 3, 6, 7].map(|count| format!("{count}.00 ({count}.00–{count}.00)"));
        assert_eq!(row[1], "x");
        assert_eq!(row[2..8], figures);
        assert_eq!(row[8..10], ["4 of 9", "5"]);
    }
}
