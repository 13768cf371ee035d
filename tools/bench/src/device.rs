//! Device sessions as a client sees them: requests as bytes, and the mails that the server sends.
//!
//! A client proves by a cookie or by a secret of its own that it is the device that signed in; without either
//! it has no proof.

use std::fs;
use std::path::{Path, PathBuf};
use std::time::Duration;

use serde_json::{Value, json};
use tokio::time::{sleep, timeout};

use crate::http::{HttpAnswer, get, post};
use crate::strategy::PASSWORD;

/// Between two looks into the outbox.
const PAUSE: Duration = Duration::from_millis(20);
/// When a mail is given up.
const DEADLINE: Duration = Duration::from_mins(3);

/// How a client proves which device it is.
#[derive(Clone, PartialEq, Eq, Debug)]
pub enum ProofSent {
    /// Not at all.
    None,
    /// The cookie, as `name=value`.
    Cookie(String),
    /// The secret that a native client was given.
    Secret(String),
}

impl ProofSent {
    /// The device cookie that an answer sets.
    #[must_use]
    pub fn cookie_of(answer: &HttpAnswer<'_>) -> Option<Self> {
        let (cookie, _) = answer.header("set-cookie")?.split_once(';')?;
        Some(Self::Cookie(cookie.to_owned()))
    }

    /// A POST with the proof in its place.
    fn post(&self, path: &str, mut body: Value) -> Vec<u8> {
        match self {
            Self::None => post(path, &[], Some(&body)),
            Self::Cookie(cookie) => post(path, &[("cookie", cookie)], Some(&body)),
            Self::Secret(secret) => {
                if let Some(members) = body.as_object_mut() {
                    members.insert("deviceSecret".to_owned(), secret.clone().into());
                }
                post(path, &[], Some(&body))
            }
        }
    }
}

/// The request that makes a user of this address, with [`PASSWORD`].
#[must_use]
pub fn sign_up(email: &str) -> Vec<u8> {
    post("/auth/signup", &[], Some(&json!({"email": email, "password": PASSWORD, "name": "Ada Lovelace"})))
}

/// The first step of a sign-in.
#[must_use]
pub fn device_sign_in(email: &str, password: &str) -> Vec<u8> {
    ProofSent::None.post("/auth/login", json!({"usernameOrEmailOrMobile": email, "password": password}))
}

/// The second step. A `native` client asks for a secret.
#[must_use]
pub fn verify(login: &str, code: &str, native: bool, proof: &ProofSent) -> Vec<u8> {
    proof.post("/auth/login/verify", json!({"loginId": login, "otp": code, "native": native}))
}

/// The request that trades a refresh token for the next pair.
#[must_use]
pub fn refresh(token: &str, proof: &ProofSent) -> Vec<u8> {
    proof.post("/auth/refresh", json!({"refreshToken": token}))
}

/// The request that mails a link to choose another password, if there is such a user.
#[must_use]
pub fn forgot(email: &str) -> Vec<u8> {
    post("/auth/password/forgot", &[], Some(&json!({"email": email})))
}

/// The request for the user's own profile.
#[must_use]
pub fn me(access: &str) -> Vec<u8> {
    get("/auth/me", &[("authorization", &format!("Bearer {access}"))])
}

/// The request that lists a user's sessions.
#[must_use]
pub fn sessions(access: &str) -> Vec<u8> {
    get("/auth/sessions", &[("authorization", &format!("Bearer {access}"))])
}

/// The folder of the mails of a server in development mode.
#[derive(Clone, Debug)]
pub struct Outbox(PathBuf);

impl Outbox {
    /// The outbox of the server with this data directory.
    #[must_use]
    pub fn of(data_dir: &Path) -> Self {
        Self(data_dir.join("outbox"))
    }

    /// The mails to this address, oldest first.
    #[must_use]
    pub fn mails(&self, to: &str) -> Vec<String> {
        let whose = format!("_{to}_");
        let entries = fs::read_dir(&self.0).into_iter().flatten().flatten().map(|entry| entry.path());
        let is_to = |path: &PathBuf| {
            let name = path.file_name().unwrap_or_default().to_string_lossy();
            name.contains(&whose) && name.ends_with(".eml")
        };
        let mut paths: Vec<PathBuf> = entries.filter(is_to).collect();
        paths.sort_unstable();
        paths.iter().filter_map(|path| fs::read_to_string(path).ok()).collect()
    }

    /// How many mails of this subject there are to this address.
    #[must_use]
    pub fn count(&self, to: &str, subject: &str) -> usize {
        let head = format!("Subject: {subject}");
        let has_subject = |mail: &&String| mail.lines().any(|line| line == head);
        self.mails(to).iter().filter(has_subject).count()
    }

    /// The codes that were sent to this address, the oldest first.
    #[must_use]
    pub fn codes(&self, to: &str) -> Vec<String> {
        self.mails(to).iter().filter_map(|mail| code_in(mail)).collect()
    }

    /// Waits for so many codes; returns the newest. `None` if they do not come.
    pub async fn code(&self, to: &str, count: usize) -> Option<String> {
        let enough = || Some(self.codes(to)).filter(|codes| codes.len() >= count);
        comes_to_be(enough).await.and_then(|mut codes| codes.pop())
    }

    /// Waits for a mail of this subject to this address. False if none comes.
    pub async fn gets(&self, to: &str, subject: &str) -> bool {
        comes_to_be(|| (self.count(to, subject) > 0).then_some(())).await.is_some()
    }
}

/// Waits until `look` finds something. `None` at the deadline.
async fn comes_to_be<T>(look: impl Fn() -> Option<T>) -> Option<T> {
    let looking = async {
        loop {
            if let Some(found) = look() {
                return found;
            }
            sleep(PAUSE).await;
        }
    };
    timeout(DEADLINE, looking).await.ok()
}

/// The code in a mail, which is a line of its own.
fn code_in(mail: &str) -> Option<String> {
    let is_code = |line: &&str| line.len() == 6 && line.bytes().all(|byte| byte.is_ascii_digit());
    mail.lines().find(is_code).map(str::to_owned)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_proof_travels_where_the_client_keeps_it() {
        let sent = |proof: &ProofSent| String::from_utf8(refresh("t", proof)).unwrap();
        let cookie = sent(&ProofSent::Cookie("portcullis.device=a".to_owned()));
        assert!(cookie.contains("\r\ncookie: portcullis.device=a\r\n") && !cookie.contains("deviceSecret"));
        let secret = sent(&ProofSent::Secret("b".to_owned()));
        assert!(secret.ends_with(r#"{"deviceSecret":"b","refreshToken":"t"}"#), "{secret}");
        assert!(sent(&ProofSent::None).ends_with(r#"{"refreshToken":"t"}"#));
    }

    #[test]
    fn mails_are_told_apart_by_recipient_and_subject() {
        let data = tempfile::tempdir().unwrap();
        let outbox = Outbox::of(data.path());
        assert!(outbox.codes("a@b.example").is_empty(), "there is no folder yet");
        fs::create_dir(data.path().join("outbox")).unwrap();
        let put = |name: &str, text: &str| fs::write(data.path().join("outbox").join(name), text).unwrap();
        put("2_a@b.example_x.eml", "Subject: Your sign-in code\r\n\r\nUse this:\r\n\r\n222222\r\n");
        put("1_a@b.example_y.eml", "Subject: Your sign-in code\r\n\r\nUse this:\r\n\r\n111111\r\n");
        put("3_a@b.example_z.eml", "Subject: A session was ended\r\n\r\n1234567\r\n");
        put("4_aa@b.example_z.eml", "Subject: Your sign-in code\r\n\r\n333333\r\n");
        put(".part", "_a@b.example_");
        assert_eq!(outbox.codes("a@b.example"), ["111111", "222222"]);
        assert_eq!(outbox.count("a@b.example", "Your sign-in code"), 2);
        assert_eq!(outbox.count("a@b.example", "A session was ended"), 1);
    }
}
