//! The declaration of a request: one list of members, of which its type, its reader and its schema are made.

use super::member::MemberDoc;
use super::{Body, RequestFaults};

/// A declared request.
pub(crate) trait Request {
    /// The name of its schema.
    const NAME: &'static str;
    fn about() -> String;
    fn members() -> Vec<MemberDoc>;
    /// What is wrong with a body, in development mode's policy.
    fn faults(body: &Body) -> Option<RequestFaults>;
}

/// What the operations table knows of a request.
#[derive(Clone, Copy, Debug)]
pub struct RequestDoc {
    pub(crate) name: &'static str,
    pub(crate) about: fn() -> String,
    pub(crate) members: fn() -> Vec<MemberDoc>,
    pub(crate) faults: fn(&Body) -> Option<RequestFaults>,
}

impl RequestDoc {
    pub(crate) const fn of<R: Request>() -> Self {
        Self { name: R::NAME, about: R::about, members: R::members, faults: R::faults }
    }
}

/// Declares a request. Members are read in this order; each is a field, its type, its name in JSON and its kind. The
/// comments are the descriptions of the OpenAPI document.
macro_rules! request {
    (
        $(#[doc = $about:literal])+
        $name:ident as $schema:literal $(, under $policy:ident)? $(, derives($($trait:ident),+))? {
            $($(#[doc = $member_about:literal])+ $field:ident: $value:ty = $json:literal, $member:expr;)+
        }
    ) => {
        $(#[doc = $about])+
        #[derive(Debug $($(, $trait)+)?)]
        pub struct $name {
            $($(#[doc = $member_about])+ pub $field: $value,)+
        }

        impl $name {
            /// Reads the members.
            ///
            /// # Errors
            /// The [`RequestFaults`]($crate::request::RequestFaults) of the members, one message each.
            pub fn read(
                body: &$crate::request::Body
                $(, $policy: &portcullis_core::password::PasswordPolicy)?
            ) -> Result<Self, $crate::request::RequestFaults> {
                let mut faults = $crate::request::RequestFaults::default();
                $(let $field = $member.read(body, $json, &mut faults);)+
                match ($($field,)+) {
                    ($(Some($field),)+) if faults.messages().is_empty() => Ok(Self { $($field),+ }),
                    _ => Err(faults),
                }
            }
        }

        impl $crate::request::declare::Request for $name {
            const NAME: &'static str = $schema;

            fn about() -> String {
                [$($about),+].map(str::trim).join(" ")
            }

            fn members() -> Vec<$crate::request::member::MemberDoc> {
                $(let $policy = &portcullis_core::password::PasswordPolicy::DEVELOPMENT;)?
                let members = [$($member.documented($json, [$($member_about),+].map(str::trim).join(" "))),+];
                members.into_iter().flatten().collect()
            }

            fn faults(body: &$crate::request::Body) -> Option<$crate::request::RequestFaults> {
                $(let $policy = &portcullis_core::password::PasswordPolicy::DEVELOPMENT;)?
                Self::read(body $(, $policy)?).err()
            }
        }
    };
}

pub(super) use request;
