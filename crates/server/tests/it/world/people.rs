//! People, and the one vocabulary in which all of them speak to the server.

use portcullis_core::strategy::StrategyName;
use serde_json::{Value, json};

use super::client::{Answer, Ask};
use super::server::Server;

/// Those with routes of their own. Device sessions have a surface, and a vocabulary in `device`.
pub(crate) const STRATEGIES: [StrategyName; 6] = StrategyName::ROUTED;

/// Somebody with an address and a password, who may have an account.
#[derive(Clone, Debug)]
pub(crate) struct Person {
    pub(crate) email: &'static str,
    pub(crate) password: &'static str,
    pub(crate) name: &'static str,
}

impl Person {
    pub(crate) const ANN: Self =
        Self { email: "ann@example.com", password: "correct horse battery", name: "Ann Droid" };
    pub(crate) const BOB: Self =
        Self { email: "bob@example.com", password: "staple gun wedding", name: "Bob Katz" };

    pub(crate) fn with_password(&self, password: &'static str) -> Self {
        Self { password, ..*self }
    }

    fn sign_up(&self) -> Value {
        json!({"email": self.email, "password": self.password, "name": self.name})
    }

    pub(crate) fn credentials(&self) -> Value {
        json!({"email": self.email, "password": self.password})
    }

    /// Asks to be registered under a strategy.
    pub(crate) fn registers(&self, server: &Server, strategy: StrategyName) -> Ask {
        server.post(&format!("/auth/{strategy}/register")).json(&self.sign_up())
    }

    /// Asks to be signed in under a strategy.
    pub(crate) fn logs_in(&self, server: &Server, strategy: StrategyName) -> Ask {
        server.post(&format!("/auth/{strategy}/login")).json(&self.credentials())
    }

    /// Has an account from now on; the strategy that it is made under is none of its business.
    pub(crate) async fn joins(&self, server: &Server) -> Self {
        self.registers(server, StrategyName::Jwt).await.status(201);
        self.clone()
    }

    /// Is signed in from now on.
    pub(crate) async fn signs_in(&self, server: &Server, strategy: StrategyName) -> Held {
        Held::from(strategy, &self.logs_in(server, strategy).await.status(201))
    }

    /// Is signed in from now on, on a device that keeps a proof.
    pub(crate) async fn signs_in_natively(&self, server: &Server, strategy: StrategyName) -> Held {
        let mut body = self.credentials();
        body["native"] = json!(true);
        let answer = server.post(&format!("/auth/{strategy}/login")).json(&body).await.status(201);
        Held::from(strategy, &answer)
    }
}

/// What somebody holds who is signed in.
#[derive(Clone, PartialEq, Eq, Debug)]
pub(crate) struct Held {
    pub(crate) strategy: StrategyName,
    /// The access token, or the cookie's `name=value`.
    pub(crate) credential: String,
    pub(crate) refresh: Option<String>,
    pub(crate) proof: Option<String>,
}

impl Held {
    /// What an answer to a login hands out.
    pub(crate) fn from(strategy: StrategyName, answer: &Answer) -> Self {
        let body = answer.json();
        let text = |place: &str| body.pointer(place).and_then(Value::as_str).map(str::to_owned);
        let either = |one: &str, other: &str| text(one).or_else(|| text(other));
        let cookie = answer.header("set-cookie").map(|set| cookie_pair(set).to_owned());
        Self {
            strategy,
            credential: either("/access_token", "/tokens/accessToken").or(cookie).unwrap(),
            refresh: either("/refresh_token", "/tokens/refreshToken"),
            proof: either("/device_secret", "/tokens/deviceSecret"),
        }
    }

    /// The pair after a refresh; the proof stays.
    pub(crate) fn renewed(&self, answer: &Answer) -> Self {
        let (access, refresh) = self.pair_of(answer);
        Self { credential: access, refresh: Some(refresh), ..self.clone() }
    }

    fn pair_of(&self, answer: &Answer) -> (String, String) {
        match self.strategy {
            StrategyName::Denylist => (answer.at("/accessToken"), answer.at("/refreshToken")),
            _ => (answer.at("/access_token"), answer.at("/refresh_token")),
        }
    }

    pub(crate) fn refresh_token(&self) -> &str {
        self.refresh.as_deref().unwrap()
    }

    /// Shows the credential the way it travels.
    pub(crate) fn shown(&self, ask: Ask) -> Ask {
        match self.strategy {
            StrategyName::Session => ask.header("cookie", &self.credential),
            _ => ask.bearer(&self.credential),
        }
    }

    pub(crate) fn profile(&self, server: &Server) -> Ask {
        self.shown(server.get(&format!("/auth/{}/profile", self.strategy)))
    }

    pub(crate) fn logs_out(&self, server: &Server) -> Ask {
        self.shown(server.post(&format!("/auth/{}/logout", self.strategy)))
    }

    /// Asks for the next pair, with the proof if there is one.
    pub(crate) fn refreshes(&self, server: &Server) -> Ask {
        let mut body = json!({"refresh_token": self.refresh_token()});
        if let Some(proof) = &self.proof {
            body["device_secret"] = json!(proof);
        }
        server.post(&format!("/auth/{}/refresh", self.strategy)).json(&body)
    }

    pub(crate) fn changes_password(&self, server: &Server, current: &str, new: &str) -> Ask {
        let ask = self.shown(server.post(&format!("/auth/{}/password", self.strategy)));
        ask.json(&json!({"currentPassword": current, "newPassword": new}))
    }
}

/// `name=value` of a `Set-Cookie`.
pub(crate) fn cookie_pair(set: &str) -> &str {
    set.split(';').next().unwrap()
}
