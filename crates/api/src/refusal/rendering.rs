//! The renderings of a refusal.

use std::borrow::Cow;

use portcullis_core::clock::Timestamp;
use portcullis_core::id::SessionId;
use serde::Serialize;
use utoipa::ToSchema;
use utoipa::openapi::schema::{Object, Type};

use super::{Code, Reason, Refusal};

/// The format of a refusal.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Rendering {
    /// `{"message", "error", "statusCode"}`, as NestJS does.
    Plain,
    /// `{"statusCode", "message", "error"}`: the same members, as older services of NestJS order them.
    StatusFirst,
    /// `{"message", "data", "meta", "ts"}`, of the device-session surface.
    Envelope,
    /// `application/problem+json` (RFC 9457).
    Problem,
}

/// What a rendering needs of the request that is refused.
#[derive(Clone, Copy, Debug)]
pub struct RefusedRequest<'a> {
    /// The HTTP method, or `TCP`.
    pub method: &'a str,
    /// The path, or the command over TCP.
    pub path: &'a str,
    /// The time of the answer.
    pub at: Timestamp,
}

impl RefusedRequest<'_> {
    /// The method of a request over TCP.
    pub const TCP: &'static str = "TCP";
}

#[derive(Serialize, ToSchema)]
#[serde(untagged)]
enum Message<'a> {
    /// A sentence.
    #[schema(value_type = String)]
    Text(Cow<'a, str>),
    /// A sentence for each fault of the body.
    #[schema(value_type = Vec<String>)]
    Faults(&'a [String]),
}

/// Why a request is refused.
#[derive(Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
#[schema(as = Refusal)]
pub(crate) struct PlainBody<'a> {
    #[schema(inline)]
    message: Message<'a>,
    /// The name of the status, where the message is another one.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(nullable = false)]
    error: Option<&'static str>,
    /// The status.
    status_code: u16,
}

/// The same, with the status in front.
#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct StatusFirstBody<'a> {
    status_code: u16,
    message: Message<'a>,
    #[serde(skip_serializing_if = "Option::is_none")]
    error: Option<&'static str>,
}

impl<'a> From<PlainBody<'a>> for StatusFirstBody<'a> {
    fn from(PlainBody { message, error, status_code }: PlainBody<'a>) -> Self {
        Self { status_code, message, error }
    }
}

/// Why a request of the device-session surface is refused.
#[derive(Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
#[schema(as = EnvelopedRefusal)]
pub(crate) struct EnvelopeBody<'a> {
    /// The sentence that people read.
    #[schema(value_type = String)]
    message: Cow<'a, str>,
    /// Always null.
    #[schema(schema_with = nothing)]
    data: (),
    #[schema(inline)]
    meta: RefusalMeta<'a>,
    /// The time of the answer.
    #[schema(value_type = String, format = "date-time")]
    ts: Timestamp,
    /// The status, on 401 and 403.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(nullable = false)]
    status_code: Option<u16>,
    /// The name of the status, on 401 and 403.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(nullable = false)]
    error: Option<&'static str>,
}

fn nothing() -> Object {
    Object::with_type(Type::Null)
}

/// What client programs branch on.
#[derive(Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
struct RefusalMeta<'a> {
    /// `error`.
    status: &'static str,
    /// What client programs branch on.
    code: &'static str,
    /// The session that it is about.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(value_type = uuid::Uuid, required = false)]
    session_id: Option<SessionId>,
    /// Over TCP, where there is no header for it.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(ignore)]
    retry_after: Option<u64>,
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(inline, nullable = false)]
    details: Option<Details<'a>>,
}

#[derive(Serialize, ToSchema)]
#[serde(untagged)]
enum Details<'a> {
    /// A sentence for each fault of the body.
    #[schema(value_type = Vec<String>)]
    Faults(&'a [String]),
    /// The tenant that was asked for.
    #[serde(rename_all = "camelCase")]
    Tenant {
        /// Its name, as it was written; null where none was named.
        #[schema(value_type = Option<String>, required)]
        tenant_id: Option<&'a str>,
    },
}

/// Why a request is refused (RFC 9457).
#[derive(Serialize, ToSchema)]
#[schema(as = Problem)]
pub(crate) struct ProblemBody<'a> {
    /// `about:blank`: what the status means is all there is to the type.
    r#type: &'static str,
    /// The name of the status.
    title: &'static str,
    /// The status.
    status: u16,
    /// The sentence that people read.
    #[schema(value_type = String)]
    detail: Cow<'a, str>,
    /// What client programs branch on.
    code: &'static str,
    /// The path of the request.
    instance: &'a str,
}

impl Rendering {
    /// The same, unless the client asks for problem details.
    #[must_use]
    pub fn negotiated(self, accept: Option<&str>) -> Self {
        let weight = |media| accept.and_then(|accept| weight_of(media, accept)).unwrap_or(0.0);
        let problem = weight("application/problem+json");
        if problem > 0.0 && problem >= weight("application/json") { Self::Problem } else { self }
    }

    /// The media type of what [`Refusal::render`] writes.
    #[must_use]
    pub const fn content_type(self) -> &'static str {
        match self {
            Self::Plain | Self::StatusFirst | Self::Envelope => "application/json; charset=utf-8",
            Self::Problem => "application/problem+json",
        }
    }
}

/// The weight of a media type that `Accept` lists by name (RFC 9110, section 12.5.1). Wildcards do not count: only a
/// client that names problem details gets them.
fn weight_of(media: &str, accept: &str) -> Option<f32> {
    accept.split(',').find_map(|range| {
        let mut parts = range.split(';').map(str::trim);
        let listed = parts.next()?.eq_ignore_ascii_case(media);
        let weight = parts.find_map(|part| part.strip_prefix("q=").or_else(|| part.strip_prefix("Q=")));
        listed.then(|| weight.and_then(|weight| weight.parse().ok()).unwrap_or(1.0))
    })
}

impl Refusal {
    /// The refusal as JSON.
    #[must_use]
    pub fn render(&self, rendering: Rendering, request: &RefusedRequest<'_>) -> Vec<u8> {
        let written = match rendering {
            Rendering::Plain => serde_json::to_vec(&self.plainly(request)),
            Rendering::StatusFirst => serde_json::to_vec(&StatusFirstBody::from(self.plainly(request))),
            Rendering::Envelope => serde_json::to_vec(&self.enveloped(request)),
            Rendering::Problem => serde_json::to_vec(&self.problem(request)),
        };
        // Strings and numbers under fixed names always serialize.
        written.unwrap_or_default()
    }

    fn plainly(&self, request: &RefusedRequest<'_>) -> PlainBody<'_> {
        let title = self.code.title();
        let error = (self.reason != Reason::Plain).then_some(title);
        let message = match &self.reason {
            Reason::Faults(faults) => Message::Faults(faults),
            _ => Message::Text(self.sentence(request)),
        };
        PlainBody { message, error, status_code: self.code.status() }
    }

    fn enveloped(&self, request: &RefusedRequest<'_>) -> EnvelopeBody<'_> {
        let status = self.code.status();
        // Existing guards answer the plain format here, so the envelope has its members too.
        let doubled = matches!(status, 401 | 403);
        let code = self.code.as_str();
        EnvelopeBody {
            message: self.sentence(request),
            data: (),
            meta: RefusalMeta {
                status: "error",
                code,
                session_id: self.session,
                retry_after: self.retry_after_seconds().filter(|_| request.method == RefusedRequest::TCP),
                details: self.details(),
            },
            ts: request.at,
            status_code: doubled.then_some(status),
            error: doubled.then_some(self.code.title()),
        }
    }

    fn details(&self) -> Option<Details<'_>> {
        match &self.reason {
            Reason::Faults(faults) => Some(Details::Faults(faults)),
            _ if self.code == Code::TenantConnectionMissing => {
                Some(Details::Tenant { tenant_id: self.tenant.as_deref() })
            }
            _ => None,
        }
    }

    fn problem<'a>(&'a self, request: &RefusedRequest<'a>) -> ProblemBody<'a> {
        ProblemBody {
            r#type: "about:blank",
            title: self.code.title(),
            status: self.code.status(),
            detail: self.sentence(request),
            code: self.code.as_str(),
            instance: request.path,
        }
    }

    fn sentence(&self, request: &RefusedRequest<'_>) -> Cow<'_, str> {
        match &self.reason {
            Reason::Plain => Cow::Borrowed(self.code.title()),
            Reason::Text(text) => Cow::Borrowed(text),
            Reason::Faults(faults) => Cow::Owned(faults.join("; ")),
            Reason::NoRoute => Cow::Owned(format!("Cannot {} {}", request.method, request.path)),
        }
    }
}
