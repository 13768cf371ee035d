//! The bodies of requests.

use utoipa::ToSchema;
use utoipa::openapi::request_body::{RequestBody, RequestBodyBuilder};
use utoipa::openapi::{Content, Ref, Required};

use crate::openapi::Named;
use crate::openapi::requests::named;
use crate::operation::{AdminOperation, DeviceOperation, DeviceRow, OwnOperation, PublicOperation};
use crate::request::device::schema;

/// What an operation takes.
pub(super) fn body(row: &DeviceRow) -> Option<RequestBody> {
    let schema = match row.kind {
        DeviceOperation::Public(PublicOperation::Signup) => schema::SignUp::name(),
        DeviceOperation::Public(PublicOperation::Login) => schema::LogIn::name(),
        DeviceOperation::Public(PublicOperation::VerifyLogin) => schema::VerifyLogin::name(),
        DeviceOperation::Public(PublicOperation::Unlock) => schema::Unlock::name(),
        DeviceOperation::Own(OwnOperation::Password) => crate::request::schema::ChangePassword::name(),
        DeviceOperation::Own(OwnOperation::RenameSession) => schema::Rename::name(),
        DeviceOperation::Own(OwnOperation::LogoutSession) => schema::EndSession::name(),
        DeviceOperation::Public(PublicOperation::Refresh) => schema::Refresh::name(),
        DeviceOperation::Public(PublicOperation::ForgotPassword) => schema::Forgot::name(),
        DeviceOperation::Public(PublicOperation::ResetPassword) => schema::Reset::name(),
        DeviceOperation::Admin(AdminOperation::CreateUser) => schema::CreateUser::name(),
        DeviceOperation::Admin(AdminOperation::SetRole) => schema::SetRole::name(),
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
