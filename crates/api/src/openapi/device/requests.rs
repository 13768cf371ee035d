//! The bodies of requests.

use utoipa::ToSchema;
use utoipa::openapi::request_body::{RequestBody, RequestBodyBuilder};
use utoipa::openapi::{Content, Ref, Required};

use super::Row;
use crate::openapi::Named;
use crate::openapi::requests::named;
use crate::operation::DeviceOperation;
use crate::request::device::schema;

/// What an operation takes.
pub(super) fn body(row: &Row) -> Option<RequestBody> {
    let schema = match row.kind {
        DeviceOperation::Signup => schema::SignUp::name(),
        DeviceOperation::Login => schema::LogIn::name(),
        DeviceOperation::VerifyLogin => schema::VerifyLogin::name(),
        DeviceOperation::Unlock => schema::Unlock::name(),
        DeviceOperation::Password => crate::request::schema::ChangePassword::name(),
        DeviceOperation::RenameSession => schema::Rename::name(),
        DeviceOperation::LogoutSession => schema::EndSession::name(),
        DeviceOperation::Refresh => schema::Refresh::name(),
        DeviceOperation::ForgotPassword => schema::Forgot::name(),
        DeviceOperation::ResetPassword => schema::Reset::name(),
        DeviceOperation::CreateUser => schema::CreateUser::name(),
        DeviceOperation::SetRole => schema::SetRole::name(),
        _ => return None,
    };
    let content = || Content::new(Some(Ref::from_schema_name(schema.clone())));
    let json =
        RequestBodyBuilder::new().content("application/json", content()).required(Some(Required::True));
    let body = if row.form { json.content("application/x-www-form-urlencoded", content()) } else { json };
    Some(body.build())
}

pub(super) fn schemas() -> impl Iterator<Item = Named> {
    [
        named::<schema::SignUp>(),
        named::<schema::LogIn>(),
        named::<schema::VerifyLogin>(),
        named::<schema::Unlock>(),
        named::<schema::Rename>(),
        named::<schema::EndSession>(),
        named::<schema::Refresh>(),
        named::<schema::Forgot>(),
        named::<schema::Reset>(),
        named::<schema::CreateUser>(),
        named::<schema::SetRole>(),
        named::<schema::Role>(),
    ]
    .into_iter()
}
