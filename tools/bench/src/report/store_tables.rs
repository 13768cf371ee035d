//! The tables of the stores that nodes share.

use tabled::builder::Builder;

use super::{Findings, markdown};
use crate::round::{Figures, ProcessorUse};
use crate::spread::Spread;

impl Findings {
    /// Milliseconds from the answer to a sign-out to the last yes on another node.
    pub(super) fn sign_outs_elsewhere(&self) -> Option<String> {
        let mut builder = Builder::default();
        builder.push_record([
            "stores",
            "last yes, ms: p50",
            "p99",
            "most",
            "beside other work: p50",
            "p99",
            "most",
        ]);
        let pairs = self.stores.pairs.iter().filter(|pair| !pair.idle.is_empty());
        for pair in pairs {
            let figures =
                [&pair.idle, &pair.loaded].map(|found| quantiles(found).map(|ms| format!("{ms:.2}")));
            builder.push_record([vec![pair.name.to_owned()], figures.concat()].concat());
        }
        markdown(builder)
    }

    /// A check and a refresh on each, beside those of the first.
    pub(super) fn shared_stores(&self) -> Option<String> {
        let first = self.stores.pairs.first()?;
        let mut builder = Builder::default();
        builder.push_record([
            "stores",
            "checks/s",
            "CPU µs",
            "of the first",
            "refreshes/s",
            "CPU µs",
            "of the first",
        ]);
        let pairs = self.stores.pairs.iter().filter(|pair| !pair.checks.is_empty());
        for pair in pairs {
            let checks = columns(&pair.checks, &first.checks);
            let refreshes = columns(&pair.refreshes, &first.refreshes);
            builder.push_record([vec![pair.name.to_owned()], checks, refreshes].concat());
        }
        markdown(builder)
    }
}

fn columns(figures: &[Figures], first: &[Figures]) -> Vec<String> {
    let shown = |spread: Option<Spread>| spread.map_or_else(String::new, |spread| spread.to_string());
    let rate = Spread::of(figures.iter().map(|figures| figures.summary.rate));
    let ratio = Spread::of_ratios(&processor(figures), &processor(first));
    vec![shown(rate), shown(Spread::of(processor(figures))), shown(ratio)]
}

pub(super) fn processor(figures: &[Figures]) -> Vec<f64> {
    figures.iter().filter_map(|figures| figures.used).map(|ProcessorUse { server, .. }| server).collect()
}

/// The median, the 99th percentile and the most.
pub(super) fn quantiles(found: &[f64]) -> [f64; 3] {
    let mut sorted = found.to_vec();
    sorted.sort_by(f64::total_cmp);
    let at = |percent: usize| sorted.get((sorted.len() * percent / 100).min(sorted.len().saturating_sub(1)));
    [50, 99, 100].map(|percent| at(percent).copied().unwrap_or_default())
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::shared_stores::{PairFindings, StoreFindings};

    #[test]
    fn the_last_yes_of_most_sign_outs_and_of_the_slowest_is_shown() {
        let idle = (0..200).map(f64::from).collect();
        let pair = PairFindings { name: "x", idle, loaded: vec![7.0], ..PairFindings::default() };
        let stores = StoreFindings { pairs: vec![pair], ..StoreFindings::default() };
        let findings = Findings { stores, ..Findings::default() };
        let table = findings.sign_outs_elsewhere().unwrap();
        let row: Vec<&str> = table.lines().last().unwrap().split('|').map(str::trim).collect();
        assert_eq!(row[1..8], ["x", "100.00", "198.00", "199.00", "7.00", "7.00", "7.00"]);
        assert_eq!(Findings::default().sign_outs_elsewhere(), None);
    }
}
