//! The handlers of the routes under each strategy: one file an operation, the same for all strategies.

mod login;
mod logout;
mod password;
mod profile;
mod refresh;
mod register;

use std::sync::Arc;

use portcullis_api::answer::{StrategyFormat, strategy_format};
use portcullis_core::strategy::StrategyName;

pub(super) use login::login;
pub(super) use logout::logout;
pub(super) use password::password;
pub(super) use profile::profile;
pub(super) use refresh::refresh;
pub(super) use register::register;

use super::App;

/// The strategy of a route, and how its answers are formatted.
#[derive(Clone)]
pub(super) struct Route {
    app: Arc<App>,
    strategy: StrategyName,
    format: StrategyFormat,
}

impl Route {
    pub(super) fn new(app: Arc<App>, strategy: StrategyName) -> Self {
        Self { app, strategy, format: strategy_format(strategy) }
    }
}
