//! What the gateway answers at `/auth/verify`, where its file says that it does.

use portcullis_api::operation::{FORWARD_AUTH_OPERATIONS, ForwardAuthOperation, ForwardAuthRow};
use portcullis_axum::forward_auth::ForwardAuthRules;
use portcullis_transport::http::AnswerCounter;

use crate::config::GatewayConfig;
use crate::path::RequestPath;
use crate::routes::RoutePath;

/// What answers `/auth/verify`.
#[derive(Debug)]
pub struct ForwardAuthEndpoint {
    /// What requests must meet.
    pub(super) rules: ForwardAuthRules,
    reserved: RoutePath,
    answers: Vec<(ForwardAuthOperation, AnswerCounter)>,
}

/// What a proxy asks by, as its path says.
pub(super) type AskedRow<'p> = (ForwardAuthRow, Option<&'p str>);

impl ForwardAuthEndpoint {
    /// What a configuration describes; `None` if the gateway does not answer.
    pub(super) fn of(config: &GatewayConfig, metric: &'static str) -> Option<Self> {
        let counted = |row: ForwardAuthRow| (row.kind, AnswerCounter::new(metric, row.route.to_owned()));
        Some(Self {
            rules: config.forward_auth_rules()?,
            reserved: RoutePath::of_forward_auth(),
            answers: FORWARD_AUTH_OPERATIONS.into_iter().map(counted).collect(),
        })
    }

    /// Whether a path is none of the routes', as any server may read it: what lies there and is not answered is 404.
    pub(super) fn reserves(&self, path: &RequestPath) -> bool {
        self.reserved.takes_as_any(path)
    }

    /// What counts the answers of a row.
    pub(super) fn counter(&self, row: &ForwardAuthRow) -> Option<&AnswerCounter> {
        self.answers.iter().find(|(kind, _)| *kind == row.kind).map(|(_, counter)| counter)
    }
}
