//! What the operations of the device-session surface answer when they succeed, shown with a sample user.

use serde::Serialize;
use serde_json::{Value, to_value};
use utoipa::ToSchema;
use utoipa::openapi::example::ExampleBuilder;
use utoipa::openapi::response::{Response, ResponseBuilder};
use utoipa::openapi::schema::{ArrayBuilder, KnownFormat, Object, ObjectBuilder, SchemaFormat, Type};
use utoipa::openapi::{Content, ContentBuilder, Ref, RefOr, Schema};

use super::{operation_id, uuid};
use crate::answer::device::{
    AdminUser, DeviceLogin, DeviceProfile, DeviceUser, PendingLogin, RenamedSession, RevokedSession,
    RevokedSessions, SessionSummary, TokenPair,
};
use crate::answer::{AUTH_HEALTH, AuthHealth, Success};
use crate::openapi::answers::{capitalised, either, nothing};
use crate::openapi::requests::named;
use crate::openapi::sample::{self, NOW, SESSION, USER};
use crate::openapi::{Named, headers};
use crate::operation::{
    AdminOperation, DEVICE_OPERATIONS, DeviceOperation, DeviceRow, OwnOperation, PublicOperation,
};

/// What an operation answers: the schema of its data, and complete examples.
struct DeviceAnswer {
    data: RefOr<Schema>,
    examples: Vec<(&'static str, Value)>,
}

impl DeviceAnswer {
    /// The answer with these data.
    fn of<T: Serialize>(row: &DeviceRow, schema: RefOr<Schema>, data: T) -> Option<Self> {
        let whole = to_value(row.success?.reply(data, NOW)).ok()?;
        Some(Self { data: schema, examples: vec![("answer", whole)] })
    }

    fn empty(row: &DeviceRow) -> Option<Self> {
        Self::of(row, nothing(), ())
    }

    fn page<T: Serialize>(row: &DeviceRow, schema: RefOr<Schema>, data: T, last: uuid::Uuid) -> Option<Self> {
        let page = |next| to_value(row.success?.page(&data, next, NOW)).ok();
        Some(Self { data: schema, examples: vec![("answer", page(Some(last))?), ("lastPage", page(None)?)] })
    }

    /// Another answer that the operation may give.
    fn or<T: Serialize>(mut self, name: &'static str, said: Success, data: T) -> Option<Self> {
        self.examples.push((name, to_value(said.reply(data, NOW)).ok()?));
        Some(self)
    }
}

fn answer(row: &DeviceRow) -> Option<DeviceAnswer> {
    match row.kind {
        DeviceOperation::Public(kind) => public_answer(kind, row),
        DeviceOperation::Own(kind) => own_answer(kind, row),
        DeviceOperation::Admin(kind) => admin_answer(kind, row),
    }
}

fn public_answer(kind: PublicOperation, row: &DeviceRow) -> Option<DeviceAnswer> {
    match kind {
        PublicOperation::Signup => {
            let either = either(reference::<DeviceUser>(), nothing());
            let shown = DeviceUser::of(&sample::user()?);
            DeviceAnswer::of(row, either, shown)?.or("hidden", Success::SIGNED_UP, ())
        }
        PublicOperation::Login => login(row),
        PublicOperation::VerifyLogin => {
            let answer = DeviceAnswer::of(row, reference::<DeviceLogin>(), sample::device_login(false)?)?;
            answer.or("native", Success::LOGGED_IN, sample::device_login(true)?)
        }
        PublicOperation::Refresh => {
            let refreshed = sample::refreshed();
            let pair = TokenPair::new(&refreshed.access, &refreshed.refresh);
            DeviceAnswer::of(row, reference::<TokenPair>(), pair)
        }
        PublicOperation::UnlockPage
        | PublicOperation::Unlock
        | PublicOperation::ForgotPassword
        | PublicOperation::ResetPassword => DeviceAnswer::empty(row),
        PublicOperation::Health | PublicOperation::ResetPage => None,
    }
}

fn own_answer(kind: OwnOperation, row: &DeviceRow) -> Option<DeviceAnswer> {
    let session = sample::session(false);
    match kind {
        OwnOperation::Me => {
            let profile = DeviceProfile { user: DeviceUser::of(&sample::user()?), session };
            DeviceAnswer::of(row, reference::<DeviceProfile>(), profile)
        }
        OwnOperation::Sessions => sessions(row, session),
        OwnOperation::RenameSession => {
            let renamed = RenamedSession { session_id: session.session_id, device_name: session.device_name };
            DeviceAnswer::of(row, reference::<RenamedSession>(), renamed)
        }
        OwnOperation::LogoutSession => revoked(row),
        OwnOperation::LogoutAll => all_revoked(row),
        OwnOperation::Password => DeviceAnswer::empty(row),
    }
}

fn admin_answer(kind: AdminOperation, row: &DeviceRow) -> Option<DeviceAnswer> {
    let user = AdminUser::of(&sample::user()?, None);
    match kind {
        AdminOperation::Users => DeviceAnswer::page(row, list::<AdminUser>(), [user], USER),
        AdminOperation::CreateUser
        | AdminOperation::User
        | AdminOperation::DisableUser
        | AdminOperation::EnableUser
        | AdminOperation::UnlockUser
        | AdminOperation::SetRole => DeviceAnswer::of(row, reference::<AdminUser>(), user),
        AdminOperation::ResetUser => DeviceAnswer::empty(row),
        AdminOperation::UserSessions => {
            sessions(row, SessionSummary { current: false, ..sample::session(false) })
        }
        AdminOperation::EndUserSession => revoked(row),
        AdminOperation::EndUserSessions => all_revoked(row),
    }
}

fn revoked(row: &DeviceRow) -> Option<DeviceAnswer> {
    let revoked = RevokedSession { session_id: sample::session(false).session_id };
    DeviceAnswer::of(row, reference::<RevokedSession>(), revoked)
}

fn all_revoked(row: &DeviceRow) -> Option<DeviceAnswer> {
    DeviceAnswer::of(row, reference::<RevokedSessions>(), RevokedSessions { revoked_count: 3 })
}

/// A list of live sessions, or of ended ones.
fn sessions(row: &DeviceRow, live: SessionSummary) -> Option<DeviceAnswer> {
    let mut answer = DeviceAnswer::page(row, list::<SessionSummary>(), [live], SESSION)?;
    let ended = Success::ENDED_SESSIONS.page([sample::session(true)], None, NOW);
    answer.examples.push(("ended", to_value(ended).ok()?));
    Some(answer)
}

/// A login that waits for its code, or one that is done where the tenant has no second step.
fn login(row: &DeviceRow) -> Option<DeviceAnswer> {
    let either = either(reference::<PendingLogin>(), reference::<DeviceLogin>());
    DeviceAnswer::of(row, either, PendingLogin::by_mail(SESSION, NOW))?.or(
        "oneStep",
        Success::LOGGED_IN,
        sample::device_login(false)?,
    )
}

/// The answer of success.
pub(super) fn success(row: &DeviceRow) -> Response {
    let description = row.success.map_or("A page, or that it is up.", |success| success.message);
    let described = ResponseBuilder::new().description(description);
    let headers = headers::of_device(row.kind);
    let response = headers.iter().fold(described, |response, header| header.on(response));
    let response = match json(row) {
        Some(json) => response.content("application/json", json),
        None => response,
    };
    if has_page(row) { response.content("text/html", page()).build() } else { response.build() }
}

/// Whether a browser gets a page, on success and on refusal.
pub(super) fn has_page(row: &DeviceRow) -> bool {
    row.form
        || matches!(
            row.kind,
            DeviceOperation::Public(PublicOperation::UnlockPage | PublicOperation::ResetPage)
        )
}

/// A page.
pub(super) fn page() -> Content {
    ContentBuilder::new().schema(Some(RefOr::T(Object::with_type(Type::String).into()))).build()
}

fn json(row: &DeviceRow) -> Option<Content> {
    if row.kind == DeviceOperation::Public(PublicOperation::Health) {
        let example = ExampleBuilder::new().value(to_value(AUTH_HEALTH).ok());
        let content = ContentBuilder::new().schema(Some(reference::<AuthHealth>()));
        return Some(content.examples_from_iter([("answer", example)]).build());
    }
    let examples = answer(row)?.examples;
    let examples = examples.into_iter().map(|(name, value)| (name, ExampleBuilder::new().value(Some(value))));
    let schema = Ref::from_schema_name(name(row));
    Some(ContentBuilder::new().schema(Some(schema)).examples_from_iter(examples).build())
}

fn name(row: &DeviceRow) -> String {
    format!("{}Reply", capitalised(&operation_id(row)))
}

pub(super) fn schemas() -> impl Iterator<Item = Named> {
    let replies = DEVICE_OPERATIONS.iter().filter_map(|row| Some((name(row), envelope(answer(row)?).into())));
    let data = [
        named::<DeviceUser>(),
        named::<AdminUser>(),
        named::<PendingLogin>(),
        named::<DeviceLogin>(),
        named::<TokenPair>(),
        named::<DeviceProfile>(),
        named::<SessionSummary>(),
        named::<RenamedSession>(),
        named::<RevokedSession>(),
        named::<RevokedSessions>(),
        named::<AuthHealth>(),
    ];
    replies.chain(data)
}

/// The envelope, with the words that the examples show.
fn envelope(answer: DeviceAnswer) -> Schema {
    let words = |pointer: &str| {
        let mut words: Vec<Value> =
            answer.examples.iter().filter_map(|(_, whole)| whole.pointer(pointer)).cloned().collect();
        words.dedup();
        ObjectBuilder::new().schema_type(Type::String).enum_values(Some(words)).build()
    };
    let is_page = answer.examples.iter().any(|(_, whole)| whole.pointer("/meta/next").is_some());
    let meta = ObjectBuilder::new()
        .schema_type(Type::Object)
        .property("status", words("/meta/status"))
        .required("status")
        .property("code", words("/meta/code"))
        .required("code");
    let meta = if is_page {
        meta.property("next", either(RefOr::T(uuid().into()), nothing())).required("next")
    } else {
        meta
    };
    let time = ObjectBuilder::new()
        .schema_type(Type::String)
        .format(Some(SchemaFormat::KnownFormat(KnownFormat::DateTime)));
    let message = words("/message");
    ObjectBuilder::new()
        .schema_type(Type::Object)
        .property("message", message)
        .required("message")
        .property("data", answer.data)
        .required("data")
        .property("meta", meta)
        .required("meta")
        .property("ts", time)
        .required("ts")
        .into()
}

fn reference<T: ToSchema>() -> RefOr<Schema> {
    RefOr::Ref(Ref::from_schema_name(T::name()))
}

fn list<T: ToSchema>() -> RefOr<Schema> {
    RefOr::T(ArrayBuilder::new().items(reference::<T>()).into())
}
