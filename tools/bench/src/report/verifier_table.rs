//! The table of verifiers that follow the revocation feed.

use tabled::builder::Builder;

use super::store_tables::quantiles;
use super::{Findings, markdown};

impl Findings {
    /// How soon verifiers refuse what was revoked, and what they take of the server.
    pub(super) fn verifiers(&self) -> Option<String> {
        let mut builder = Builder::default();
        builder.push_record([
            "verifiers",
            "refused, ms: p50",
            "p99",
            "most",
            "the last of them: p50",
            "p99",
            "server, % of a core: quiet",
            "with sign-ins and sign-outs",
        ]);
        for found in &self.verifiers {
            let shown = |ms: f64| format!("{ms:.1}");
            let percent = |share: f64| format!("{:.1}", share * 100.0);
            let [p50, p99, most] = quantiles(&found.refusals).map(shown);
            let [last50, last99, _] = quantiles(&found.last).map(shown);
            let verifiers = found.verifiers.to_string();
            builder.push_record([
                verifiers,
                p50,
                p99,
                most,
                last50,
                last99,
                percent(found.quiet),
                percent(found.busy),
            ]);
        }
        markdown(builder)
    }
}
