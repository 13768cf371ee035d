//! The six strategies as a client sees them: which requests they take and which credentials they hand out.
//!
//! Only what travels is known here. What a credential means, and for how long, is for the tools to know.

use std::fmt;

use serde_json::{Value, json};

use crate::http::{HttpAnswer, get, post};

/// The password of every user that the tools make.
pub const PASSWORD: &str = "correct horse battery staple";

/// The device proof of the sessions that the bench writes into a database itself.
pub const DEVICE_SECRET: &str = "the-device-proof-of-every-session-that-is-written";

/// One of the six ways to stay signed in.
#[derive(Clone, Copy, PartialEq, Eq, Hash, Debug)]
pub enum StrategyUnderTest {
    /// A signed token, believed until it expires.
    Jwt,
    /// A cookie with an opaque id.
    Session,
    /// A signed token that is on an allowlist.
    Hybrid,
    /// A short signed token and a refresh token.
    Refresh,
    /// A short signed token that can be denied, and a refresh token.
    Denylist,
    /// A signed token that names a live session.
    SessionJwt,
}

impl StrategyUnderTest {
    /// All of them, in the order in which they are documented.
    pub const ALL: [Self; 6] =
        [Self::Jwt, Self::Session, Self::Hybrid, Self::Refresh, Self::Denylist, Self::SessionJwt];

    /// Those that hand out a refresh token.
    pub const ROTATING: [Self; 2] = [Self::Refresh, Self::Denylist];

    /// The name in paths.
    #[must_use]
    pub const fn name(self) -> &'static str {
        match self {
            Self::Jwt => "jwt",
            Self::Session => "session",
            Self::Hybrid => "hybrid",
            Self::Refresh => "refresh",
            Self::Denylist => "denylist",
            Self::SessionJwt => "session-jwt",
        }
    }

    /// Whether it hands out a refresh token.
    #[must_use]
    pub fn rotates(self) -> bool {
        Self::ROTATING.contains(&self)
    }

    /// The request that makes a user of this address, with [`PASSWORD`].
    #[must_use]
    pub fn register(self, email: &str) -> Vec<u8> {
        let body = match self {
            Self::Denylist => {
                json!({"email": email, "password": PASSWORD, "firstName": "Ada", "lastName": "Lovelace"})
            }
            _ => json!({"email": email, "password": PASSWORD, "name": "Ada Lovelace"}),
        };
        post(&self.path("register"), &[], Some(&body))
    }

    /// The request that signs this user in. A `native` client asks for a device proof.
    #[must_use]
    pub fn login(self, email: &str, native: bool) -> Vec<u8> {
        let body = if native {
            json!({"email": email, "password": PASSWORD, "native": true})
        } else {
            json!({"email": email, "password": PASSWORD})
        };
        post(&self.path("login"), &[], Some(&body))
    }

    /// The path of [`StrategyUnderTest::profile`].
    #[must_use]
    pub fn profile_path(self) -> String {
        self.path("profile")
    }

    /// The request for the user's own profile.
    #[must_use]
    pub fn profile(self, access: &AccessCredential) -> Vec<u8> {
        get(&self.profile_path(), &[access.header()])
    }

    /// The question of a proxy about a request with this credential.
    #[must_use]
    pub fn forward_auth(self, access: &AccessCredential) -> Vec<u8> {
        get("/auth/verify", &[access.header()])
    }

    /// The request that signs out.
    #[must_use]
    pub fn logout(self, access: &AccessCredential) -> Vec<u8> {
        post(&self.path("logout"), &[access.header()], None)
    }

    /// The request that redeems a refresh token, with or without the device proof.
    #[must_use]
    pub fn refresh(self, token: &str, device_secret: Option<&str>) -> Vec<u8> {
        let mut body = json!({"refresh_token": token});
        if let (Some(secret), Some(members)) = (device_secret, body.as_object_mut()) {
            members.insert("device_secret".to_owned(), secret.into());
        }
        post(&self.path("refresh"), &[], Some(&body))
    }

    fn path(self, operation: &str) -> String {
        format!("/auth/{}/{operation}", self.name())
    }
}

impl fmt::Display for StrategyUnderTest {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(self.name())
    }
}

/// What a client shows to be let in: a header's value.
#[derive(Clone, PartialEq, Eq, Debug)]
pub enum AccessCredential {
    /// `Authorization`, with its scheme.
    Bearer(String),
    /// `Cookie`, as `name=value`.
    Cookie(String),
}

impl AccessCredential {
    /// The header, by name and value.
    #[must_use]
    pub fn header(&self) -> (&'static str, &str) {
        match self {
            Self::Bearer(value) => ("authorization", value),
            Self::Cookie(value) => ("cookie", value),
        }
    }
}

/// What a login or a refresh handed out.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Credentials {
    /// What opens guarded routes.
    pub access: AccessCredential,
    /// What a rotating strategy renews them with.
    pub refresh_token: Option<String>,
    /// The proof that a native client keeps.
    pub device_secret: Option<String>,
}

impl Credentials {
    /// The credentials in the answer to a login or a refresh; `None` if it has none.
    #[must_use]
    pub fn of(strategy: StrategyUnderTest, answer: &HttpAnswer<'_>) -> Option<Self> {
        if strategy == StrategyUnderTest::Session {
            return Self::of_cookie(answer);
        }
        let body = answer.json();
        let tokens = body.get("tokens").unwrap_or(&body);
        Some(Self {
            access: AccessCredential::Bearer(format!(
                "Bearer {}",
                member(tokens, "access_token", "accessToken")?
            )),
            refresh_token: member(tokens, "refresh_token", "refreshToken"),
            device_secret: member(tokens, "device_secret", "deviceSecret"),
        })
    }

    /// The credentials of an answer that sets a cookie.
    #[must_use]
    pub fn of_cookie(answer: &HttpAnswer<'_>) -> Option<Self> {
        let (cookie, _) = answer.header("set-cookie")?.split_once(';')?;
        let access = AccessCredential::Cookie(cookie.to_owned());
        Some(Self { access, refresh_token: None, device_secret: None })
    }
}

fn member(tokens: &Value, name: &str, other_name: &str) -> Option<String> {
    tokens.get(name).or_else(|| tokens.get(other_name))?.as_str().map(str::to_owned)
}
