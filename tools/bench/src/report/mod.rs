//! The tables. They are Markdown, so that what a terminal shows is what the page says.

mod case_tables;
mod gateway_memory_table;
mod headlines;
mod store_size_tables;
mod store_tables;
mod verifier_table;

use portcullis_bench::tally::Tally;
use tabled::builder::Builder;
use tabled::settings::Style;

use crate::cases::Case;
use crate::counts::RequestCounts;
use crate::gateway_memory::GatewayMoment;
use crate::process::ProcessMemory;
use crate::round::Figures;
use crate::shared_stores::StoreFindings;
use crate::spread::Spread;
use crate::start::Starts;
use crate::storm::{CHECKS_PER_SECOND, LOGINS_AT_ONCE, StormRound};
use crate::timing::Comparison;
use crate::verifiers::VerifierFindings;

/// Something that a storm round counted.
type Count = fn(&StormRound) -> u64;

/// Everything that a run found.
#[derive(Debug, Default)]
pub(crate) struct Findings {
    /// Each case with its rounds.
    pub(crate) cases: Vec<(Case, Vec<Figures>)>,
    /// What each case takes, counted.
    pub(crate) counts: Vec<(Case, RequestCounts)>,
    /// The storm's rounds.
    pub(crate) storm: Vec<StormRound>,
    /// Those who have an account beside those who have none.
    pub(crate) timing: Vec<Comparison>,
    /// Starts of servers with few sessions and with many.
    pub(crate) starts: Vec<Starts>,
    /// The stores that nodes share.
    pub(crate) stores: StoreFindings,
    /// Verifiers that follow the revocation feed.
    pub(crate) verifiers: Vec<VerifierFindings>,
    /// The gateway's memory, in the order in which it was read.
    pub(crate) gateway_memory: Vec<GatewayMoment>,
    /// The server's memory, by when it was read.
    pub(crate) memory: Vec<(&'static str, ProcessMemory)>,
}

impl Findings {
    /// All tables that have rows.
    pub(crate) fn tables(&self) -> String {
        let sections = [
            ("Checks", self.checks()),
            ("Guards", self.guards()),
            ("Gateway", self.proxies()),
            ("Memory of the gateway", self.gateway_memory()),
            ("Beside tower-sessions on Redis", self.peers()),
            ("A sign-out on other nodes", self.sign_outs_elsewhere()),
            ("The stores that nodes share", self.shared_stores()),
            ("Refreshes beside the store's own rate", self.own_rates()),
            ("Checks of many sessions", self.sizes()),
            ("Round trips of a refresh", self.round_trips()),
            ("Memory of a session in Redis", self.session_memory()),
            ("A sign-out in verifiers", self.verifiers()),
            ("Refreshes", self.refreshes()),
            ("What a request takes", self.counts()),
            ("Logins and registrations", self.hashes()),
            ("Start", self.starts()),
            ("Checks in a storm of logins", self.storm()),
            ("Over TCP", self.transports()),
            ("Who has an account", self.timing()),
            ("Memory of the server", self.memory()),
        ];
        let shown = |(title, table): (_, Option<_>)| Some(format!("### {title}\n\n{}\n\n", table?));
        sections.into_iter().filter_map(shown).collect()
    }

    fn counts(&self) -> Option<String> {
        let mut builder = Builder::default();
        builder.push_record(["", "allocations", "bytes allocated", "system calls"]);
        for (case, counts) in &self.counts {
            let RequestCounts { allocations, bytes, system_calls } = *counts;
            let system_calls = system_calls.map_or_else(|| "–".to_owned(), |calls| format!("{calls:.2}"));
            builder.push_record([
                case.name(),
                format!("{allocations:.1}"),
                format!("{bytes:.0}"),
                system_calls,
            ]);
        }
        markdown(builder)
    }

    /// How well the time of an answer tells the two apart: 0.5 is not at all.
    fn timing(&self) -> Option<String> {
        let mut builder = Builder::default();
        builder.push_record(["", "machine", "pairs", "known ms", "unknown ms", "AUC (goal: 0.47–0.53)"]);
        for comparison in &self.timing {
            builder.push_record(comparison.row());
        }
        markdown(builder)
    }

    fn starts(&self) -> Option<String> {
        let mut builder = Builder::default();
        builder.push_record(["sessions", "database MiB", "first answer ms (goal: 100)"]);
        for Starts { sessions, mebibytes, millis } in &self.starts {
            let took = show(Spread::of(millis.iter().copied()));
            builder.push_record([sessions.to_string(), mebibytes.to_string(), took]);
        }
        markdown(builder)
    }

    fn storm(&self) -> Option<String> {
        if self.storm.is_empty() {
            return None;
        }
        let mut builder = Builder::default();
        builder.push_record(["", "all rounds"]);
        for (name, figure) in self.storm_latencies().into_iter().chain(self.storm_counts()) {
            builder.push_record([name, figure]);
        }
        markdown(builder)
    }

    fn storm_latencies(&self) -> Vec<(String, String)> {
        let alone = self.p99(|round| &round.alone);
        let stormy = self.p99(|round| &round.stormy);
        let logins = Spread::of(self.storm.iter().map(|round| round.logins.rate()));
        vec![
            (
                format!("checks due, {CHECKS_PER_SECOND}/s: p99 ms alone"),
                show(Spread::of(alone.iter().copied())),
            ),
            ("p99 ms in the storm".to_owned(), show(Spread::of(stormy.iter().copied()))),
            ("in the storm ÷ alone".to_owned(), show(Spread::of_ratios(&stormy, &alone))),
            (format!("logins/s of {LOGINS_AT_ONCE} clients without pause"), show(logins)),
        ]
    }

    fn storm_counts(&self) -> Vec<(String, String)> {
        let counts: [(&str, Count); 6] = [
            ("checks answered, alone", |round| round.alone.count()),
            ("checks answered, in the storm", |round| round.stormy.count()),
            ("checks refused with 503", |round| round.alone.busy + round.stormy.busy),
            ("logins answered 201", |round| round.logins.count()),
            ("logins refused with 503", |round| round.logins.busy),
            ("of those with Retry-After", |round| round.logins.busy_with_retry_after),
        ];
        let sum = |count: Count| self.storm.iter().map(count).sum::<u64>();
        counts.into_iter().map(|(name, count)| (name.to_owned(), sum(count).to_string())).collect()
    }

    /// Each round's p99 in milliseconds.
    fn p99(&self, part: fn(&StormRound) -> &Tally) -> Vec<f64> {
        self.storm.iter().map(|round| part(round).quantile(0.99) / 1000.0).collect()
    }

    fn memory(&self) -> Option<String> {
        let mut builder = Builder::default();
        builder.push_record(["", "resident MiB", "peak MiB"]);
        for (when, memory) in &self.memory {
            let mebibytes = |kibibytes: u64| (kibibytes / 1024).to_string();
            builder.push_record([(*when).to_owned(), mebibytes(memory.resident), mebibytes(memory.peak)]);
        }
        markdown(builder)
    }
}

/// `None` where there is nothing but the head.
fn markdown(builder: Builder) -> Option<String> {
    if builder.count_records() < 2 {
        return None;
    }
    Some(builder.build().with(Style::markdown()).to_string())
}

fn show(spread: Option<Spread>) -> String {
    spread.map_or_else(|| "–".to_owned(), |spread| spread.to_string())
}

#[cfg(test)]
mod tests;
