//! What users type, read by serde: a service can take these types in its own bodies, and serde refuses what they
//! refuse.

use serde::de::{Deserialize, Deserializer, Error};

use crate::email::Email;
use crate::mobile::Mobile;
use crate::password::Password;
use crate::user::PersonName;
use crate::username::{LoginName, Username};

macro_rules! read_from_text {
    ($($name:ident: $read:expr;)*) => {
        $(impl<'de> Deserialize<'de> for $name {
            fn deserialize<D: Deserializer<'de>>(from: D) -> Result<Self, D::Error> {
                $read(&String::deserialize(from)?).map_err(Error::custom)
            }
        })*
    };
}

read_from_text! {
    Email: Email::parse;
    LoginName: LoginName::parse;
    Mobile: Mobile::parse;
    Password: Password::new;
    PersonName: PersonName::new;
    Username: Username::parse;
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_body_takes_what_the_type_takes_and_says_why_it_refuses_the_rest() {
        let email: Email = serde_json::from_str(r#""Ann@Example.com""#).unwrap();
        assert_eq!(email.canonical(), "ann@example.com");
        let login: LoginName = serde_json::from_str(r#""+49 170 1234567""#).unwrap();
        assert!(matches!(login, LoginName::Mobile(_)));
        assert!(serde_json::from_str::<Password>(r#""correct horse""#).is_ok());
        let refused = serde_json::from_str::<Email>(r#""ann""#).unwrap_err().to_string();
        assert!(refused.starts_with(&Email::parse("ann").unwrap_err().to_string()), "{refused}");
        assert!(serde_json::from_str::<Password>(&format!("{:?}", "x".repeat(2_000))).is_err());
        assert!(serde_json::from_str::<Username>("7").is_err());
    }
}
