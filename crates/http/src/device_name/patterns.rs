//! The patterns of browsers and systems, compiled once.

use std::error::Error;
use std::sync::LazyLock;

use serde::Deserialize;
use tracing::error;
use ua_parser::{os, user_agent};

/// The patterns; `None` if they are broken, and then devices keep their own texts.
pub(super) static PATTERNS: LazyLock<Option<Patterns>> = LazyLock::new(|| {
    let broken = |fault| {
        error!(%fault, "the patterns of browsers are broken: devices are named by their User-Agent");
    };
    Patterns::read(AGENTS).map_err(broken).ok()
});

/// The patterns of uap-core, as the crate `ua-parser` packages them; `README.md` beside the file says how to update it.
const AGENTS: &str = include_str!("agents.json");

/// The content of the file.
#[derive(Deserialize)]
struct PatternFile {
    user_agent_parsers: Vec<user_agent::Parser<'static>>,
    os_parsers: Vec<os::Parser<'static>>,
}

/// Compiled patterns.
pub(super) struct Patterns {
    browsers: user_agent::Extractor<'static>,
    systems: os::Extractor<'static>,
}

impl Patterns {
    fn read(text: &str) -> Result<Self, Box<dyn Error>> {
        let stated: PatternFile = serde_json::from_str(text)?;
        let mut browsers = stated.user_agent_parsers.into_iter();
        let browsers = browsers.try_fold(user_agent::Builder::new(), user_agent::Builder::push)?;
        let mut systems = stated.os_parsers.into_iter();
        let systems = systems.try_fold(os::Builder::new(), os::Builder::push)?;
        Ok(Self { browsers: browsers.build()?, systems: systems.build()? })
    }

    /// The family of a browser.
    pub(super) fn browser(&self, agent: &str) -> Option<String> {
        self.browsers.extract(agent).map(|found| found.family.into_owned())
    }

    /// The family of a system.
    pub(super) fn system(&self, agent: &str) -> Option<String> {
        self.systems.extract(agent).map(|found| found.os.into_owned())
    }
}
