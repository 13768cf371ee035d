//! People on the device-session surface, and the one vocabulary in which they speak to it over HTTP and TCP.

use std::sync::{Arc, Mutex};

use portcullis_api::answer::Success;
use portcullis_api::operation::{
    DEVICE_OPERATIONS, DeviceOperation, DeviceRow, Method, OwnOperation, PublicOperation,
};
use serde_json::{Value, json};

use super::client::Ask;
use super::people::{Person, cookie_pair};
use super::said::Said;
use super::server::Server;
use super::wire;

/// Something that people speak to the server with.
#[derive(Clone)]
pub(crate) struct Client<'s> {
    server: &'s Server,
    over_tcp: bool,
    tenant: Option<String>,
    agent: String,
    /// Where a browser keeps its cookies; others keep none.
    jar: Option<Arc<Mutex<Option<String>>>>,
}

/// The row of the table.
pub(crate) fn row(kind: impl Into<DeviceOperation>) -> DeviceRow {
    let kind = kind.into();
    DEVICE_OPERATIONS.into_iter().find(|row| row.kind == kind).unwrap()
}

impl<'s> Client<'s> {
    fn new(server: &'s Server, over_tcp: bool, agent: &str) -> Self {
        Self { server, over_tcp, tenant: None, agent: agent.to_owned(), jar: None }
    }

    /// A program that keeps no cookies.
    pub(crate) fn curl(server: &'s Server) -> Self {
        Self::new(server, false, "curl/8.7.1")
    }

    /// A browser with an empty cookie jar.
    pub(crate) fn browser(server: &'s Server) -> Self {
        let agent = "Mozilla/5.0 (X11; Linux x86_64; rv:145.0) Gecko/20100101 Firefox/145.0";
        Self { jar: Some(Arc::default()), ..Self::new(server, false, agent) }
    }

    /// A microservice.
    pub(crate) fn service(server: &'s Server) -> Self {
        Self::new(server, true, "nest/1")
    }

    /// The same, which names a tenant.
    pub(crate) fn of(self, tenant: &str) -> Self {
        Self { tenant: Some(tenant.to_owned()), ..self }
    }

    pub(crate) fn is_over_tcp(&self) -> bool {
        self.over_tcp
    }

    pub(crate) fn server(&self) -> &'s Server {
        self.server
    }

    /// The device cookie, as the browser has it.
    pub(crate) fn cookie(&self) -> Option<String> {
        self.jar.as_ref().and_then(|jar| jar.lock().unwrap().clone())
    }

    pub(crate) fn keep_cookie(&self, cookie: Option<String>) {
        *self.jar.as_ref().unwrap().lock().unwrap() = cookie;
    }

    /// Asks for an operation, with the members of its body, query and path, by whoever holds the token.
    pub(crate) async fn asks(
        &self,
        kind: impl Into<DeviceOperation>,
        members: Value,
        token: Option<&str>,
    ) -> Said {
        if self.over_tcp {
            return self.asks_over_tcp(kind, members, token).await;
        }
        let answer = self.request(kind, members, token).await;
        if let Some(jar) = &self.jar {
            for set in answer.all("set-cookie") {
                *jar.lock().unwrap() = Some(cookie_pair(set).to_owned());
            }
        }
        answer.into()
    }

    /// The request for an operation over HTTP.
    pub(crate) fn request(
        &self,
        kind: impl Into<DeviceOperation>,
        mut members: Value,
        token: Option<&str>,
    ) -> Ask {
        let row = row(kind);
        let mut path = row.route.to_owned();
        if let Some(members) = members.as_object_mut() {
            for name in ["userId", "sessionId"] {
                let place = format!("{{{name}}}");
                if path.contains(&place) {
                    let value = members.remove(name).unwrap();
                    path = path.replace(&place, value.as_str().unwrap());
                }
            }
        }
        let ask = match row.method {
            Method::Get => {
                let query: Vec<String> = members.as_object().into_iter().flatten().map(in_query).collect();
                let query = if query.is_empty() { String::new() } else { format!("?{}", query.join("&")) };
                self.server.get(&(path + &query))
            }
            method => self.server.ask(method.as_str(), &path).json(&members),
        };
        let ask = ask.header("user-agent", &self.agent);
        let ask = self.tenant.iter().fold(ask, |ask, tenant| ask.header("x-tenant-id", tenant));
        let ask = self.cookie().iter().fold(ask, |ask, cookie| ask.header("cookie", cookie));
        token.into_iter().fold(ask, Ask::bearer)
    }

    async fn asks_over_tcp(
        &self,
        kind: impl Into<DeviceOperation>,
        mut payload: Value,
        token: Option<&str>,
    ) -> Said {
        payload["user-agent"] = json!(self.agent);
        if let Some(tenant) = &self.tenant {
            payload["tenantId"] = json!(tenant);
        }
        if let Some(token) = token {
            payload["accessToken"] = json!(token);
        }
        let row = row(kind);
        let command = row.pattern.unwrap_or_else(|| panic!("{row:?} is not there over TCP"));
        let body = wire::ask(self.server.tcp, command, &payload).await.unwrap();
        Said { body, http: None }
    }

    /// The code of the newest sign-in, from the mail.
    pub(crate) async fn code_for(&self, person: &Person) -> String {
        self.server.letters.code(person.email).await
    }

    pub(crate) async fn device_sign_in(&self, name: &str, password: &str) -> Said {
        let body = json!({"usernameOrEmailOrMobile": name, "password": password});
        self.asks(PublicOperation::Login, body, None).await
    }

    pub(crate) async fn verify(&self, login: &str, otp: &str) -> Said {
        self.asks(PublicOperation::VerifyLogin, json!({"loginId": login, "otp": otp}), None).await
    }
}

fn in_query((name, value): (&String, &Value)) -> String {
    let value = value.as_str().map_or_else(|| value.to_string(), str::to_owned);
    let value: String = url::form_urlencoded::byte_serialize(value.as_bytes()).collect();
    format!("{name}={value}")
}

/// Somebody who is signed in on the surface.
#[derive(Clone)]
pub(crate) struct Member<'s> {
    pub(crate) client: Client<'s>,
    pub(crate) access: String,
    pub(crate) refresh: String,
    pub(crate) session: String,
    pub(crate) user: String,
    pub(crate) secret: Option<String>,
}

impl<'s> Member<'s> {
    pub(crate) fn from(client: &Client<'s>, said: &Said) -> Self {
        assert_eq!(said.code(), "LOGIN_SUCCESS", "{said:?}");
        Self {
            client: client.clone(),
            access: said.at("/data/accessToken"),
            refresh: said.at("/data/refreshToken"),
            session: said.at("/data/sessionId"),
            user: said.at("/data/user/id"),
            secret: said.data()["deviceSecret"].as_str().map(str::to_owned),
        }
    }

    pub(crate) async fn asks(&self, kind: impl Into<DeviceOperation>, members: Value) -> Said {
        self.client.asks(kind, members, Some(&self.access)).await
    }

    /// Asks for the next pair, with what proves the device.
    pub(crate) async fn refreshes(&self) -> Said {
        let mut body = json!({"refreshToken": self.refresh});
        if let Some(secret) = &self.secret {
            body["deviceSecret"] = json!(secret);
        }
        self.client.asks(PublicOperation::Refresh, body, None).await
    }

    /// The same with the next pair.
    pub(crate) fn renewed(&self, said: &Said) -> Self {
        assert_eq!(said.code(), Success::TOKENS_REFRESHED.code, "{said:?}");
        let (access, refresh) = (said.at("/data/accessToken"), said.at("/data/refreshToken"));
        Self { access, refresh, ..self.clone() }
    }

    /// The code of the answer to a question for oneself: whether the session lives.
    pub(crate) async fn standing(&self) -> String {
        self.asks(OwnOperation::Sessions, json!({})).await.code()
    }
}

impl Person {
    pub(crate) async fn signs_up(&self, client: &Client<'_>) -> Said {
        let body = json!({"email": self.email, "password": self.password, "name": self.name});
        client.asks(PublicOperation::Signup, body, None).await
    }

    /// Signs in with the code from the mail, on a browser or a program.
    pub(crate) async fn enters<'s>(&self, client: &Client<'s>) -> Member<'s> {
        self.enters_with(client, json!({})).await
    }

    /// The same, natively: the device proof is the client's own.
    pub(crate) async fn enters_natively<'s>(&self, client: &Client<'s>) -> Member<'s> {
        self.enters_with(client, json!({"native": true})).await
    }

    async fn enters_with<'s>(&self, client: &Client<'s>, with: Value) -> Member<'s> {
        let mut login = with.clone();
        login["usernameOrEmailOrMobile"] = json!(self.email);
        login["password"] = json!(self.password);
        let said = client.asks(PublicOperation::Login, login, None).await;
        if said.code() == "LOGIN_SUCCESS" {
            return Member::from(client, &said);
        }
        assert_eq!(said.code(), "OTP_SENT", "{said:?}");
        let mut verify = with;
        verify["loginId"] = json!(said.at("/data/loginId"));
        verify["otp"] = json!(client.code_for(self).await);
        Member::from(client, &client.asks(PublicOperation::VerifyLogin, verify, None).await)
    }
}
