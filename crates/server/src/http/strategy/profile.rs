//! `GET /auth/{strategy}/profile`

use http::StatusCode;
use portcullis_axum::CurrentUser;

use super::Route;
use crate::http::answer::{HandlerResult, private};

pub(in crate::http) async fn profile(route: Route, CurrentUser(identity): CurrentUser) -> HandlerResult {
    private(StatusCode::OK, &route.format.profile(&identity))
}
