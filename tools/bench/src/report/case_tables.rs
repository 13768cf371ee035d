//! The tables of the cases, one for each kind.

use tabled::builder::Builder;

use super::{Findings, markdown, show};
use crate::cases::{BenchTransport, Case, CaseKind, ProxyCase, RefreshCase};
use crate::round::Figures;
use crate::spread::Spread;

/// A heading, and what it shows of a case with its rounds.
type ReportColumn<'f> = (&'static str, Box<dyn Fn(Case, &[Figures]) -> String + 'f>);
/// A figure of one round.
type Figure = fn(&Figures) -> Option<f64>;

pub(super) const RATE: Figure = |round| Some(round.summary.rate);
pub(super) const P50: Figure = |round| Some(round.summary.p50);
pub(super) const P99: Figure = |round| Some(round.summary.p99);
pub(super) const MAX: Figure = |round| Some(round.summary.max);
pub(super) const CPU: Figure = |round| Some(round.used?.server);
const P99_OF_P50: Figure = |round| Some(round.summary.p99 / round.summary.p50.max(1.0));
const CLIENT: Figure = |round| Some(round.used?.client);
const ASKED: Figure = |round| round.used?.asked;
const CPU_WITH_ASKED: Figure = |round| Some(round.used?.server + ASKED(round).unwrap_or_default());
const MEBIBYTES: Figure = |round| Some(f64::from(u32::try_from(round.resident? >> 10).unwrap_or(u32::MAX)));

impl Findings {
    pub(super) fn checks(&self) -> Option<String> {
        let mut columns = latencies();
        columns.extend(costs());
        columns.extend([
            self.ratio("of reference", RATE, |_| Some(Case::Reference)),
            self.ratio("rate of bare", RATE, bare_of),
            self.ratio("CPU of bare (goal: 1.5; cookie: 1.7)", CPU, bare_of),
            ("503s", Box::new(|_, rounds| busy(rounds))),
        ]);
        self.table(|case| case.kind() == CaseKind::Checks, &columns)
    }

    pub(super) fn guards(&self) -> Option<String> {
        let more: ReportColumn<'_> =
            ("more than bare µs (goal: 2)", Box::new(|case, rounds| self.more(case, rounds)));
        let [rate, cpu] = [one("answers/s", RATE), one("CPU µs/answer", CPU)];
        let of_engine = self.ratio("CPU of the guard of an engine (goal: 1.05)", CPU, engine_guard_of);
        self.table(|case| case.kind() == CaseKind::Guards, &[rate, cpu, more, of_engine])
    }

    pub(super) fn proxies(&self) -> Option<String> {
        let [plain, asking, connecting] =
            [ProxyCase::Nginx, ProxyCase::NginxAuthRequest, ProxyCase::NginxConnecting].map(Case::Proxy);
        let columns = [
            one("answers/s", RATE),
            one("p50 µs", P50),
            one("p99 µs", P99),
            one("CPU µs/answer", CPU),
            one("the server's", ASKED),
            one("client's", CLIENT),
            self.ratio("rate of nginx proxy (goal: 0.75)", RATE, move |_| Some(plain)),
            self.ratio("CPU of nginx proxy", CPU, move |_| Some(plain)),
            self.ratio("rate of auth_request (goal: 2.5)", RATE, move |_| Some(asking)),
            self.ratio("of auth_request 1.0", RATE, move |_| Some(connecting)),
            self.ratio("CPU of auth_request", CPU, move |_| Some(asking)),
            self.ratio("with the server's", CPU_WITH_ASKED, move |_| Some(asking)),
            ("503s", Box::new(|_, rounds| busy(rounds))),
        ];
        self.table(|case| case.kind() == CaseKind::Proxies, &columns)
    }

    pub(super) fn refreshes(&self) -> Option<String> {
        let store_of =
            |case: Case| case.bases().first().copied().filter(|base| matches!(base, Case::Store(_)));
        let mut columns = latencies();
        columns.push(one("p99 ÷ p50 (goal: 5)", P99_OF_P50));
        columns.extend(costs());
        columns.push(("goal", Box::new(|case, _| goal_of_refresh(case).to_owned())));
        columns.push(self.ratio("of the store (goal: 0.5)", RATE, store_of));
        columns.push(("503s", Box::new(|_, rounds| busy(rounds))));
        self.table(|case| case.kind() == CaseKind::Refreshes, &columns)
    }

    pub(super) fn peers(&self) -> Option<String> {
        self.rounds(Case::Peer)?;
        let ours = Case::Peer.bases().pop()?;
        let columns = [
            one("answers/s", RATE),
            one("p50 µs", P50),
            one("p99 µs", P99),
            one("CPU µs/answer", CPU),
            one("Redis'", ASKED),
            self.inverse("our rate ÷ its (goal: 1.5)", RATE, ours),
            self.ratio("its CPU ÷ ours (goal: 1.5)", CPU, move |_| Some(ours)),
            self.ratio("with Redis'", CPU_WITH_ASKED, move |_| Some(ours)),
        ];
        self.table(|case| case == Case::Peer || Case::Peer.bases().contains(&case), &columns)
    }

    pub(super) fn transports(&self) -> Option<String> {
        let mut columns = latencies();
        columns.extend(costs());
        let http = |_| Some(Case::Sessions(BenchTransport::Http));
        columns.push(self.ratio("of http (goal: 0.5)", RATE, http));
        self.table(|case| case.kind() == CaseKind::Transports, &columns)
    }

    pub(super) fn hashes(&self) -> Option<String> {
        let columns = [
            one("answers/s", RATE),
            scaled("p50 ms", P50),
            scaled("p99 ms", P99),
            scaled("max ms", MAX),
            scaled("CPU ms/answer", CPU),
            self.ratio("of hash (goal: 1)", RATE, |_| Some(Case::Hash)),
            ("503s (goal: 0)", Box::new(|_, rounds| busy(rounds))),
            one("resident MiB", MEBIBYTES),
        ];
        self.table(|case| case.kind() == CaseKind::Hashes, &columns)
    }

    fn table(&self, shows: impl Fn(Case) -> bool, columns: &[ReportColumn<'_>]) -> Option<String> {
        let mut builder = Builder::default();
        builder.push_record([""].into_iter().chain(columns.iter().map(|(heading, _)| *heading)));
        for (case, rounds) in self.cases.iter().filter(|(case, _)| shows(*case)) {
            let cells = columns.iter().map(|(_, cell)| cell(*case, rounds));
            builder.push_record([case.name()].into_iter().chain(cells));
        }
        markdown(builder)
    }

    /// A figure as a share of the same figure of another case, round by round.
    fn ratio<'f>(
        &'f self,
        heading: &'static str,
        figure: Figure,
        base: impl Fn(Case) -> Option<Case> + 'f,
    ) -> ReportColumn<'f> {
        (heading, Box::new(move |case, rounds| show(self.share(figure, rounds, base(case)))))
    }

    /// A figure of another case as a share of this.
    fn inverse(&self, heading: &'static str, figure: Figure, other: Case) -> ReportColumn<'_> {
        let cell = move |_, rounds: &[Figures]| {
            show(
                self.rounds(other)
                    .and_then(|other| Spread::of_ratios(&all(figure, other), &all(figure, rounds))),
            )
        };
        (heading, Box::new(cell))
    }

    pub(super) fn share(&self, figure: Figure, rounds: &[Figures], base: Option<Case>) -> Option<Spread> {
        Spread::of_ratios(&all(figure, rounds), &all(figure, self.rounds(base?)?))
    }

    /// The processor time that a guard adds to the bare handler, round by round.
    fn more(&self, case: Case, rounds: &[Figures]) -> String {
        let bare = case.bases().first().and_then(|base| self.rounds(*base)).unwrap_or_default();
        let pairs = rounds.iter().zip(bare);
        show(Spread::of(pairs.filter_map(|(guarded, bare)| Some(CPU(guarded)? - CPU(bare)?))))
    }

    pub(super) fn rounds(&self, case: Case) -> Option<&[Figures]> {
        self.cases.iter().find(|(other, _)| *other == case).map(|(_, rounds)| rounds.as_slice())
    }
}

/// The bare handler that is sent the same requests; there is none for the bare handler itself.
fn bare_of(case: Case) -> Option<Case> {
    case.bases().into_iter().find(|base| matches!(base, Case::Bare(_)))
}

/// The guard in whose place a verifier's stands; an engine's has none.
fn engine_guard_of(case: Case) -> Option<Case> {
    case.bases().into_iter().find(|base| matches!(base, Case::Guard(_)))
}

/// How much processor time of the server a refresh may take.
const fn goal_of_refresh(case: Case) -> &'static str {
    match case {
        Case::Refresh(RefreshCase::Each(_)) => "CPU 70",
        Case::Refresh(RefreshCase::SharedSecret) => "CPU 50",
        Case::Refresh(RefreshCase::InTurn) => "CPU 90",
        _ => "–",
    }
}

fn latencies() -> Vec<ReportColumn<'static>> {
    vec![one("answers/s", RATE), one("p50 µs", P50), one("p99 µs", P99), scaled("max ms", MAX)]
}

fn costs() -> [ReportColumn<'static>; 2] {
    [one("CPU µs/answer", CPU), one("client's", CLIENT)]
}

fn one(heading: &'static str, figure: Figure) -> ReportColumn<'static> {
    (heading, Box::new(move |_, rounds| show(Spread::of(all(figure, rounds)))))
}

/// The same in milliseconds.
fn scaled(heading: &'static str, figure: Figure) -> ReportColumn<'static> {
    let cell = move |_, rounds: &[Figures]| {
        show(Spread::of(all(figure, rounds)).map(|spread| spread.scaled_down(1000.0)))
    };
    (heading, Box::new(cell))
}

fn all(figure: Figure, rounds: &[Figures]) -> Vec<f64> {
    rounds.iter().filter_map(figure).collect()
}

fn busy(rounds: &[Figures]) -> String {
    rounds.iter().map(|round| round.busy).sum::<u64>().to_string()
}
