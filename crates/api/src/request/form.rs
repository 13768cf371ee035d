//! Members that do not come as JSON: of a form, of a query, of a path.

use serde_json::{Map, Value};

use super::Body;

impl Body {
    /// The members of a form or a query (`application/x-www-form-urlencoded`): texts all of them. A name that stands
    /// there twice is a list, as it is for the services that clients know, and no member that is read is one.
    #[must_use]
    pub fn of_form(bytes: &[u8]) -> Self {
        let mut members: Map<String, Value> = Map::new();
        for (name, text) in form_urlencoded::parse(bytes) {
            let text = Value::String(text.into_owned());
            let value = match members.remove(&*name) {
                None => text,
                Some(Value::Array(texts)) => texts.into_iter().chain([text]).collect(),
                Some(first) => Value::Array(vec![first, text]),
            };
            members.insert(name.into_owned(), value);
        }
        Self { members, is_of_texts: true }
    }

    /// The parts of a path alone.
    #[must_use]
    pub fn of_path<'p>(parts: impl IntoIterator<Item = (&'p str, &'p str)>) -> Self {
        Self { is_of_texts: true, ..Self::default() }.with_path(parts)
    }

    /// The same, with the parts of the path; nothing in a body overrides them.
    #[must_use]
    pub fn with_path<'p>(mut self, parts: impl IntoIterator<Item = (&'p str, &'p str)>) -> Self {
        self.members.extend(parts.into_iter().map(|(name, text)| (name.to_owned(), Value::from(text))));
        self
    }
}

/// The members of a payload; of what is no object there are none.
impl From<Value> for Body {
    fn from(payload: Value) -> Self {
        match payload {
            Value::Object(members) => Self { members, is_of_texts: false },
            _ => Self::default(),
        }
    }
}
