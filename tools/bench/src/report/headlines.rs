//! The few figures that the README shows, each with the command that makes it.

use portcullis_bench::strategy::StrategyUnderTest;

use super::case_tables::{CPU, MAX, P99, RATE};
use super::store_tables::quantiles;
use super::{Findings, markdown};
use crate::cases::{BenchTransport, Case, ProxyCase, RefreshCase};
use crate::round::Figures;
use crate::spread::Spread;
use crate::storm::LOGINS_AT_ONCE;
use crate::timing::Comparison;
use tabled::builder::Builder;

impl Findings {
    /// The README's table.
    pub(crate) fn headlines(&self) -> String {
        let rows = [
            ("session check (`session-jwt`), 64 connections", self.check(), "--only profile"),
            (
                "the same with a cookie, beside tower-sessions on Redis",
                self.beside_peer(),
                "--peers --only peer",
            ),
            ("refresh, on disk before it is answered", self.refresh(), "--only refresh"),
            ("100,000 sessions refreshed in turn", self.in_turn(), "--only refresh"),
            (
                "a sign-out, refused by verifiers in other processes",
                self.verifiers_told(),
                "--only verifiers",
            ),
            (
                "a public route of the gateway, beside nginx as a plain proxy",
                self.gateway(),
                "--only gateway",
            ),
            ("login with Argon2id (19 MiB, 2 passes)", self.login(), "--only login"),
            ("session checks while clients log in without pause", self.check_in_storm(), "--only storm"),
            ("list of sessions over NestJS TCP", self.over_tcp(), "--only sessions"),
            ("telling accounts apart by response time", self.timing_range(), "--only timing"),
            ("start with a million sessions", self.largest_start(), "--only start"),
            ("memory, peak in the login storm", self.peak(), ""),
        ];
        let mut builder = Builder::default();
        builder.push_record(["what", "result", "command"]);
        for (what, result, arguments) in rows {
            let command = format!("`{}`", format!("cargo xtask bench {arguments}").trim_end());
            if let Some(result) = result {
                builder.push_record([what, &result, &command]);
            }
        }
        markdown(builder).unwrap_or_default()
    }

    fn check(&self) -> Option<String> {
        let case = Case::Profile(StrategyUnderTest::SessionJwt);
        let rounds = self.rounds(case)?;
        let of_bare = self.share(CPU, rounds, Some(Case::Bare(StrategyUnderTest::SessionJwt)))?;
        Some(format!(
            "{}, {:.2} of the processor time of a bare axum handler",
            rate_and_p99(rounds)?,
            of_bare.median
        ))
    }

    fn beside_peer(&self) -> Option<String> {
        let (ours, peer) = (self.rounds(Case::Peer.bases().pop()?)?, self.rounds(Case::Peer)?);
        let rate = self.share(RATE, ours, Some(Case::Peer))?.median;
        let cpu = self.share(CPU, peer, Case::Peer.bases().pop())?.median;
        Some(format!(
            "{rate:.2} × its rate; it takes {cpu:.2} × our processor time, and that of Redis beside"
        ))
    }

    fn refresh(&self) -> Option<String> {
        let rounds = self.rounds(Case::Refresh(RefreshCase::Each(StrategyUnderTest::Refresh)))?;
        Some(format!("{}, {:.0} µs of processor time", rate_and_p99(rounds)?, median(rounds, CPU)?))
    }

    fn in_turn(&self) -> Option<String> {
        let rounds = self.rounds(Case::Refresh(RefreshCase::InTurn))?;
        let most = Spread::of(rounds.iter().filter_map(MAX))?.most / 1000.0;
        Some(format!("{}, at most {most:.0} ms", rate_and_p99(rounds)?))
    }

    fn verifiers_told(&self) -> Option<String> {
        let found = self.verifiers.iter().max_by_key(|found| found.verifiers)?;
        let [_, p99, _] = quantiles(&found.refusals);
        let (verifiers, share) = (found.verifiers, found.quiet * 100.0);
        Some(format!(
            "p99 {p99:.0} ms with {verifiers} of them, which take {share:.0} % of a core of the server"
        ))
    }

    fn gateway(&self) -> Option<String> {
        let rounds = self.rounds(Case::Proxy(ProxyCase::GatewayPublic))?;
        let of_nginx = self.share(RATE, rounds, Some(Case::Proxy(ProxyCase::Nginx)))?.median;
        Some(format!("{}, {of_nginx:.2} of its rate", rate_and_p99(rounds)?))
    }

    fn login(&self) -> Option<String> {
        let case = Case::Login(StrategyUnderTest::SessionJwt, 4);
        let rounds = self.rounds(case)?;
        let of_hash = self.share(RATE, rounds, Some(Case::Hash))?.median;
        Some(format!("{:.0}/s, {of_hash:.2} of the rate of the bare hash", median(rounds, RATE)?))
    }

    fn check_in_storm(&self) -> Option<String> {
        let p99 = Spread::of(self.p99(|round| &round.stormy))?.median;
        let refused: u64 = self.storm.iter().map(|round| round.stormy.busy).sum();
        Some(format!("p99 {p99:.1} ms beside {LOGINS_AT_ONCE} clients, {refused} refused"))
    }

    fn over_tcp(&self) -> Option<String> {
        let [http, tcp] = BenchTransport::ALL.map(Case::Sessions);
        let rounds = self.rounds(tcp)?;
        let of_http = self.share(RATE, rounds, Some(http))?.median;
        Some(format!("{:.0}/s, {of_http:.2} of the rate over HTTP", median(rounds, RATE)?))
    }

    fn timing_range(&self) -> Option<String> {
        let range = Spread::of(self.timing.iter().filter_map(Comparison::auc))?;
        Some(format!("AUC {:.3} to {:.3}; 0.5 is a blind guess", range.least, range.most))
    }

    fn largest_start(&self) -> Option<String> {
        let starts = self.starts.iter().max_by_key(|starts| starts.sessions)?;
        Some(format!("{:.0} ms to the first answer", Spread::of(starts.millis.iter().copied())?.median))
    }

    fn peak(&self) -> Option<String> {
        Some(format!("{} MiB", self.memory.iter().map(|(_, memory)| memory.peak).max()? / 1024))
    }
}

fn rate_and_p99(rounds: &[Figures]) -> Option<String> {
    Some(format!("{:.0}/s, p99 {:.1} ms", median(rounds, RATE)?, median(rounds, P99)? / 1000.0))
}

fn median(rounds: &[Figures], figure: fn(&Figures) -> Option<f64>) -> Option<f64> {
    Some(Spread::of(rounds.iter().filter_map(figure))?.median)
}
