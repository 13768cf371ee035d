//! What the operations of the device-session surface answer when they succeed, shown with a sample user.

use serde::Serialize;
use serde_json::{Value, to_value};
use utoipa::ToSchema;
use utoipa::openapi::response::Response;
use utoipa::openapi::schema::{KnownFormat, ObjectBuilder, Type};
use utoipa::openapi::{Content, Ref, RefOr, Schema};

use super::operation_id;
use crate::answer::device::{
    AdminUser, DeviceLogin, DeviceProfile, DeviceSummary, DeviceUser, ForgottenDevice, PendingLogin,
    RenamedSession, RevokedSession, RevokedSessions, SessionSummary, TokenPair,
};
use crate::answer::{AUTH_HEALTH, AuthHealth, Success};
use crate::openapi::answers::capitalised;
use crate::openapi::sample::{self, NOW, SESSION, USER};
use crate::openapi::schema::{content, either, formatted, list, named, nothing, object, reference, text};
use crate::openapi::{Named, headers};
use crate::operation::{
    AdminOperation, DEVICE_OPERATIONS, DeviceOperation, DeviceRow, OwnOperation, PublicOperation,
};

/// What an operation answers: the schema of its data, the types that it shows, and complete examples.
struct DeviceAnswer {
    data: RefOr<Schema>,
    types: Vec<Named>,
    examples: Vec<(&'static str, Value)>,
}

impl DeviceAnswer {
    /// The answer with these data.
    fn of<T: Serialize + ToSchema>(row: &DeviceRow, data: T) -> Option<Self> {
        let whole = to_value(row.success?.reply(data, NOW)).ok()?;
        Some(Self { data: reference::<T>(), types: vec![named::<T>()], examples: vec![("answer", whole)] })
    }

    fn empty(row: &DeviceRow) -> Option<Self> {
        let whole = to_value(row.success?.reply((), NOW)).ok()?;
        Some(Self { data: nothing(), types: Vec::new(), examples: vec![("answer", whole)] })
    }

    /// A list without pages.
    fn all<T: Serialize + ToSchema>(row: &DeviceRow, item: &T) -> Option<Self> {
        let whole = to_value(row.success?.reply([item], NOW)).ok()?;
        Some(Self { data: list::<T>(), types: vec![named::<T>()], examples: vec![("answer", whole)] })
    }

    fn page<T: Serialize + ToSchema>(row: &DeviceRow, item: &T, last: uuid::Uuid) -> Option<Self> {
        let page = |next| to_value(row.success?.page([item], next, NOW)).ok();
        let examples = vec![("answer", page(Some(last))?), ("lastPage", page(None)?)];
        Some(Self { data: list::<T>(), types: vec![named::<T>()], examples })
    }

    /// Another answer that the operation may give, with data of this schema.
    fn or<T: Serialize>(
        mut self,
        name: &'static str,
        said: Success,
        data: T,
        schema: RefOr<Schema>,
    ) -> Option<Self> {
        self.examples.push((name, to_value(said.reply(data, NOW)).ok()?));
        if self.data != schema {
            self.data = either(self.data, schema);
        }
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
    let logged_in = |answer: DeviceAnswer, name, native| {
        answer.or(name, Success::LOGGED_IN, sample::device_login(native)?, reference::<DeviceLogin>())
    };
    match kind {
        PublicOperation::Signup => {
            let shown = DeviceAnswer::of(row, DeviceUser::of(&sample::user()?))?;
            shown.or("hidden", Success::SIGNED_UP, (), nothing())
        }
        // Where the tenant has no second step, the sign-in is done.
        PublicOperation::Login => {
            logged_in(DeviceAnswer::of(row, PendingLogin::by_mail(SESSION, NOW))?, "oneStep", false)
        }
        PublicOperation::ResendCode => DeviceAnswer::of(row, PendingLogin::by_mail(SESSION, NOW)),
        PublicOperation::VerifyLogin => {
            logged_in(DeviceAnswer::of(row, sample::device_login(false)?)?, "native", true)
        }
        PublicOperation::Refresh => {
            let refreshed = sample::refreshed();
            DeviceAnswer::of(row, TokenPair::new(&refreshed.access, &refreshed.refresh))
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
            DeviceAnswer::of(row, DeviceProfile { user: DeviceUser::of(&sample::user()?), session })
        }
        OwnOperation::Sessions => sessions(row, &session),
        OwnOperation::RenameSession => {
            let SessionSummary { session_id, device_name, .. } = session;
            DeviceAnswer::of(row, RenamedSession { session_id, device_name })
        }
        OwnOperation::Devices => {
            let SessionSummary { session_id, device_name, last_seen, .. } = session;
            let (id, last_used) = (session_id.as_uuid(), last_seen);
            DeviceAnswer::all(row, &DeviceSummary { id, name: device_name, last_used, current: true })
        }
        OwnOperation::ForgetDevice => {
            DeviceAnswer::of(row, ForgottenDevice { device_id: session.session_id.as_uuid() })
        }
        OwnOperation::LogoutSession => revoked(row),
        OwnOperation::LogoutAll => all_revoked(row),
        OwnOperation::Password => DeviceAnswer::empty(row),
    }
}

fn admin_answer(kind: AdminOperation, row: &DeviceRow) -> Option<DeviceAnswer> {
    let user = AdminUser::of(&sample::user()?, None);
    match kind {
        AdminOperation::Users => DeviceAnswer::page(row, &user, USER),
        AdminOperation::CreateUser
        | AdminOperation::User
        | AdminOperation::DisableUser
        | AdminOperation::EnableUser
        | AdminOperation::UnlockUser
        | AdminOperation::SetRole => DeviceAnswer::of(row, user),
        AdminOperation::ResetUser => DeviceAnswer::empty(row),
        AdminOperation::UserSessions => {
            sessions(row, &SessionSummary { current: false, ..sample::session(false) })
        }
        AdminOperation::EndUserSession => revoked(row),
        AdminOperation::EndUserSessions => all_revoked(row),
    }
}

fn revoked(row: &DeviceRow) -> Option<DeviceAnswer> {
    DeviceAnswer::of(row, RevokedSession { session_id: sample::session(false).session_id })
}

fn all_revoked(row: &DeviceRow) -> Option<DeviceAnswer> {
    DeviceAnswer::of(row, RevokedSessions { revoked_count: 3 })
}

/// A list of live sessions, or of ended ones.
fn sessions(row: &DeviceRow, live: &SessionSummary) -> Option<DeviceAnswer> {
    let mut answer = DeviceAnswer::page(row, live, SESSION)?;
    let ended = Success::ENDED_SESSIONS.page([sample::session(true)], None, NOW);
    answer.examples.push(("ended", to_value(ended).ok()?));
    Some(answer)
}

/// The answer of success.
pub(super) fn success(row: &DeviceRow) -> Response {
    let description = row.success.map_or("A page, or that it is up.", |success| success.message);
    let response = headers::response(description, headers::of_device(row.kind));
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
    content(text(), [])
}

fn json(row: &DeviceRow) -> Option<Content> {
    if row.kind == DeviceOperation::Public(PublicOperation::Health) {
        return Some(content(reference::<AuthHealth>(), [("answer", to_value(AUTH_HEALTH).ok())]));
    }
    let examples = answer(row)?.examples.into_iter().map(|(name, whole)| (name, Some(whole)));
    Some(content(RefOr::Ref(Ref::from_schema_name(name(row))), examples))
}

fn name(row: &DeviceRow) -> String {
    format!("{}Reply", capitalised(&operation_id(row)))
}

pub(in crate::openapi) fn schemas() -> impl Iterator<Item = Named> {
    let replies = DEVICE_OPERATIONS.iter().filter_map(|row| {
        let answer = answer(row)?;
        let envelope = (name(row), envelope(&answer));
        Some([envelope].into_iter().chain(answer.types))
    });
    replies.flatten().chain([named::<AuthHealth>()])
}

/// The envelope, with the words that the examples show.
fn envelope(answer: &DeviceAnswer) -> RefOr<Schema> {
    let shown = |pointer| answer.examples.iter().filter_map(move |(_, whole)| whole.pointer(pointer));
    let words = |pointer| {
        let mut words: Vec<&Value> = shown(pointer).collect();
        words.dedup();
        ObjectBuilder::new().schema_type(Type::String).enum_values(Some(words.into_iter().cloned())).into()
    };
    let next = shown("/meta/next").next().map(|_| either(formatted(KnownFormat::Uuid), nothing()));
    let meta = [("status", words("/meta/status"), true), ("code", words("/meta/code"), true)];
    let meta = object(meta.into_iter().chain(next.map(|next| ("next", next, true))));
    let members = [
        ("message", words("/message"), true),
        ("data", answer.data.clone(), true),
        ("meta", meta.into(), true),
        ("ts", formatted(KnownFormat::DateTime), true),
    ];
    object(members).into()
}
