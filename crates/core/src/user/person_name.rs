//! The name of a person, as a person writes it.

use thiserror::Error;

/// A person's name: one text, or a given name and a family name.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct PersonName {
    name: String,
    given: Option<String>,
    family: Option<String>,
}

/// Why a text is not a person's name.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Error)]
pub enum InvalidPersonName {
    /// The text is empty or white space.
    #[error("should not be empty")]
    Empty,
    /// It has more than [`PersonName::MAX_LENGTH`] characters.
    #[error("must be shorter than or equal to {} characters", PersonName::MAX_LENGTH)]
    TooLong,
    /// It has a line break or another control character.
    #[error("must not contain control characters")]
    ControlCharacter,
}

impl PersonName {
    /// The maximum number of characters of a name and of each part.
    pub const MAX_LENGTH: usize = 200;

    /// A name that is not divided into parts.
    ///
    /// # Errors
    ///
    /// [`InvalidPersonName`] says what is wrong with the text.
    pub fn new(name: &str) -> Result<Self, InvalidPersonName> {
        Ok(Self { name: checked(name)?, given: None, family: None })
    }

    /// A name that consists of these parts.
    ///
    /// # Errors
    ///
    /// [`InvalidPersonName`] says what is wrong with one of them.
    pub fn from_parts(given: &str, family: &str) -> Result<Self, InvalidPersonName> {
        let (given, family) = (checked(given)?, checked(family)?);
        Ok(Self { name: format!("{given} {family}"), given: Some(given), family: Some(family) })
    }

    /// A name of which one part, or none, is known as well.
    ///
    /// # Errors
    ///
    /// [`InvalidPersonName`] says what is wrong with one of the texts.
    pub fn with_part(
        name: &str,
        given: Option<&str>,
        family: Option<&str>,
    ) -> Result<Self, InvalidPersonName> {
        let (given, family) = (given.map(checked).transpose()?, family.map(checked).transpose()?);
        Ok(Self { given, family, ..Self::new(name)? })
    }

    /// The full name.
    #[must_use]
    pub fn full(&self) -> &str {
        &self.name
    }

    /// The given name, if it is known.
    #[must_use]
    pub fn given(&self) -> Option<&str> {
        self.given.as_deref()
    }

    /// The given name, or the full name if it is not known.
    #[must_use]
    pub fn first(&self) -> &str {
        self.given.as_deref().unwrap_or(&self.name)
    }

    /// The family name. `None` if it is not known.
    #[must_use]
    pub fn last(&self) -> Option<&str> {
        self.family.as_deref()
    }
}

fn checked(text: &str) -> Result<String, InvalidPersonName> {
    if text.trim().is_empty() {
        Err(InvalidPersonName::Empty)
    } else if text.chars().count() > PersonName::MAX_LENGTH {
        Err(InvalidPersonName::TooLong)
    } else if text.chars().any(char::is_control) {
        Err(InvalidPersonName::ControlCharacter)
    } else {
        Ok(text.to_owned())
    }
}
