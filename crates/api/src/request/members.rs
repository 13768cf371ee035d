//! How single members are read: the value, or one message about it.

use std::fmt::Display;
use std::str::FromStr;

use portcullis_core::mobile::Mobile;
use portcullis_core::secret::PlainSecret;
use portcullis_core::store::Page;
use portcullis_core::user::{PersonName, Role};
use portcullis_core::username::Username;
use serde_json::Value;
use uuid::Uuid;

use super::{Body, Faults};

/// How a UUID is written: Rust reads other forms too, class-validator does not.
const UUID_LENGTH: usize = 36;
/// The most items of a page.
pub(crate) const LARGEST_PAGE: u32 = 500;
/// The items of a page of an administrator's list, where nobody says how many.
pub(crate) const PAGE: u32 = 50;

impl Body {
    /// A text that must be there.
    pub(super) fn due(&self, name: &str, faults: &mut Faults) -> Option<&str> {
        match self.member(name) {
            None => faults.add(name, "should not be empty"),
            Some(Value::String(text)) if text.is_empty() => faults.add(name, "should not be empty"),
            Some(Value::String(text)) => Some(text),
            Some(_) => faults.add(name, "must be a string"),
        }
    }

    /// A text of a certain form that must be there.
    pub(super) fn parsed<T, E: Display>(
        &self,
        name: &str,
        parse: impl FnOnce(&str) -> Result<T, E>,
        faults: &mut Faults,
    ) -> Option<T> {
        match parse(self.due(name, faults)?) {
            Ok(value) => Some(value),
            Err(fault) => faults.add(name, fault),
        }
    }

    /// A text of a certain form, if it is there.
    fn optional<T, E: Display>(
        &self,
        name: &str,
        parse: impl FnOnce(&str) -> Result<T, E>,
        faults: &mut Faults,
    ) -> Option<T> {
        self.member(name)?;
        match parse(self.text(name, faults)?) {
            Ok(value) => Some(value),
            Err(fault) => faults.add(name, fault),
        }
    }

    pub(super) fn secret(&self, name: &str, faults: &mut Faults) -> Option<PlainSecret> {
        self.due(name, faults).map(PlainSecret::presented)
    }

    pub(super) fn device_secret(&self, faults: &mut Faults) -> Option<PlainSecret> {
        self.spelled(&["deviceSecret"], faults).map(PlainSecret::presented)
    }

    pub(super) fn username(&self, faults: &mut Faults) -> Option<Username> {
        self.optional("username", Username::parse, faults)
    }

    pub(super) fn mobile(&self, faults: &mut Faults) -> Option<Mobile> {
        let value = self.member("mobile")?;
        let mobile = value.as_str().and_then(|text| Mobile::parse(text).ok());
        mobile.or_else(|| faults.add("mobile", "must be a valid phone number"))
    }

    pub(super) fn name(&self, faults: &mut Faults) -> Option<PersonName> {
        self.optional("name", PersonName::new, faults)
    }

    pub(super) fn role(&self, faults: &mut Faults) -> Option<Role> {
        let role = self.member("role").and_then(Value::as_str).and_then(|text| text.parse().ok());
        role.or_else(|| faults.add("role", "must be one of the following values: user, manager, admin"))
    }

    pub(super) fn uuid(&self, name: &str, faults: &mut Faults) -> Option<Uuid> {
        let text = self.member(name).and_then(Value::as_str).filter(|text| text.len() == UUID_LENGTH);
        let uuid = text.and_then(|text| Uuid::try_parse(text).ok());
        uuid.or_else(|| faults.add(name, "must be a UUID"))
    }

    /// A flag, which a query spells as a word.
    pub(super) fn spelled_flag(&self, name: &str, faults: &mut Faults) -> bool {
        match self.member(name).and_then(Value::as_str) {
            Some("true") => true,
            Some("false") => false,
            _ => self.flag(name, faults),
        }
    }

    /// `cursor` and `limit`, which is this many where nobody says.
    pub(super) fn page<I>(&self, usual: u32, id: impl FnOnce(Uuid) -> I, faults: &mut Faults) -> Page<I> {
        let after = self.member("cursor").and_then(|_| self.uuid("cursor", faults)).map(id);
        Page { after, limit: self.limit(faults).unwrap_or(usual) }
    }

    fn limit(&self, faults: &mut Faults) -> Option<u32> {
        let limit = match self.member("limit")? {
            Value::Number(number) => number.as_i64(),
            Value::String(text) => i64::from_str(text).ok(),
            _ => None,
        };
        match limit.map(u32::try_from) {
            None => faults.add("limit", "must be an integer number"),
            Some(Ok(limit @ 1..=LARGEST_PAGE)) => Some(limit),
            Some(Ok(0) | Err(_)) if limit < Some(1) => faults.add("limit", "must not be less than 1"),
            Some(_) => faults.add("limit", format_args!("must not be greater than {LARGEST_PAGE}")),
        }
    }
}
