//! What the device-session surface answers, over HTTP or TCP.

use portcullis_api::answer::Success;
use serde_json::Value;

use super::client::Answer;

/// An envelope, as it was written.
#[derive(Clone, Debug)]
pub(crate) struct Said {
    /// The envelope.
    pub(crate) body: String,
    /// All of the answer, over HTTP.
    pub(crate) http: Option<Answer>,
}

impl From<Answer> for Said {
    fn from(answer: Answer) -> Self {
        Self { body: answer.body.clone(), http: Some(answer) }
    }
}

impl Said {
    pub(crate) fn json(&self) -> Value {
        serde_json::from_str(&self.body).unwrap_or_else(|fault| panic!("{fault}: {self:?}"))
    }

    /// The text at a place in the envelope.
    #[track_caller]
    pub(crate) fn at(&self, place: &str) -> String {
        let found = self.json().pointer(place).and_then(Value::as_str).map(str::to_owned);
        found.unwrap_or_else(|| panic!("nothing at {place}: {self:?}"))
    }

    pub(crate) fn data(&self) -> Value {
        self.json()["data"].clone()
    }

    pub(crate) fn code(&self) -> String {
        self.at("/meta/code")
    }

    /// The header, over HTTP.
    pub(crate) fn header(&self, name: &str) -> Option<&str> {
        self.http.as_ref().and_then(|answer| answer.header(name))
    }

    fn ts(&self) -> String {
        let ts = self.at("/ts");
        let shape: String = ts.chars().map(|c| if c.is_ascii_digit() { '0' } else { c }).collect();
        assert_eq!(shape, "0000-00-00T00:00:00.000Z", "{self:?}");
        ts
    }

    #[track_caller]
    fn came_with(&self, status: u16) {
        let Some(answer) = &self.http else { return };
        assert_eq!(answer.status, status, "{answer:?}");
        assert_eq!(answer.header("content-type"), Some("application/json; charset=utf-8"), "{answer:?}");
        assert_eq!(answer.header("cache-control"), Some("no-store"), "{answer:?}");
        assert_eq!(answer.header("content-encoding"), None);
        assert_eq!(answer.header("www-authenticate").is_some(), status == 401, "{answer:?}");
        assert_eq!(answer.header("retry-after").is_some(), matches!(status, 429 | 503), "{answer:?}");
    }

    /// Checks a success to the letter, but for its data, and gives them as they were written.
    #[track_caller]
    pub(crate) fn succeeded(&self, status: u16, Success { code, message }: Success) -> String {
        self.came_with(status);
        let head = format!(r#"{{"message":"{message}","data":"#);
        let tail = format!(r#","meta":{{"status":"success","code":"{code}"}},"ts":"{}"}}"#, self.ts());
        let data = self.body.strip_prefix(&head).and_then(|rest| rest.strip_suffix(&tail));
        data.unwrap_or_else(|| panic!("not {head}…{tail}: {self:?}")).to_owned()
    }

    /// As [`succeeded`](Self::succeeded), of a page of a list after which there is none.
    #[track_caller]
    pub(crate) fn listed(&self, Success { code, message }: Success) -> String {
        self.came_with(200);
        let head = format!(r#"{{"message":"{message}","data":"#);
        let tail =
            format!(r#","meta":{{"status":"success","code":"{code}","next":null}},"ts":"{}"}}"#, self.ts());
        let data = self.body.strip_prefix(&head).and_then(|rest| rest.strip_suffix(&tail));
        data.unwrap_or_else(|| panic!("not {head}…{tail}: {self:?}")).to_owned()
    }

    /// Checks a refusal to the letter.
    #[track_caller]
    pub(crate) fn refused(&self, status: u16, code: &str, message: &str) {
        self.refused_about(status, code, message, "");
    }

    /// Checks a refusal to the letter that has more to say in `meta`.
    #[track_caller]
    pub(crate) fn refused_about(&self, status: u16, code: &str, message: &str, more: &str) {
        self.came_with(status);
        let doubled = match status {
            401 => r#","statusCode":401,"error":"Unauthorized""#,
            403 => r#","statusCode":403,"error":"Forbidden""#,
            _ => "",
        };
        let expected = format!(
            r#"{{"message":"{message}","data":null,"meta":{{"status":"error","code":"{code}"{more}}},"ts":"{}"{doubled}}}"#,
            self.ts()
        );
        assert_eq!(self.body, expected);
    }

    /// The answer without the moment at which it was given.
    pub(crate) fn undated(&self) -> (Option<Answer>, String) {
        let body = self.body.replace(&self.ts(), "");
        let http = self.http.clone().map(|answer| Answer { body: body.clone(), ..answer }.undated());
        (http, body)
    }
}
