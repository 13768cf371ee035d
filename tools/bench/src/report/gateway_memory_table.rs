//! The table of what a gateway holds in memory.

use tabled::builder::Builder;

use super::{Findings, markdown};
use crate::gateway_memory::GatewayMoment;

impl Findings {
    /// Each moment, what it has more than the one before, and what a WebSocket takes where they were opened.
    pub(super) fn gateway_memory(&self) -> Option<String> {
        let mut builder = Builder::default();
        builder.push_record([
            "after",
            "requests",
            "WebSockets open",
            "resident MiB",
            "more than before MiB",
            "bytes per open WebSocket",
        ]);
        let before = [None].into_iter().chain(self.gateway_memory.iter().map(Some));
        for (moment, before) in self.gateway_memory.iter().zip(before) {
            let grown = before.map(|before| grown(before, moment));
            let opened = before.map_or(0, |before| moment.websockets.saturating_sub(before.websockets));
            let each = grown.filter(|_| opened > 0).map(|kibibytes| kibibytes * 1024.0 / f64::from(opened));
            builder.push_record([
                moment.when.to_owned(),
                moment.requests.to_string(),
                moment.websockets.to_string(),
                format!("{:.1}", mebibytes(kibibytes(moment))),
                grown.map_or_else(dash, |grown| format!("{:.1}", mebibytes(grown))),
                each.map_or_else(dash, |bytes| format!("{bytes:.0}")),
            ]);
        }
        markdown(builder)
    }
}

fn grown(before: &GatewayMoment, moment: &GatewayMoment) -> f64 {
    kibibytes(moment) - kibibytes(before)
}

fn kibibytes(moment: &GatewayMoment) -> f64 {
    f64::from(u32::try_from(moment.resident).unwrap_or(u32::MAX))
}

fn mebibytes(kibibytes: f64) -> f64 {
    kibibytes / 1024.0
}

fn dash() -> String {
    "–".to_owned()
}
