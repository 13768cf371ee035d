//! What a server answers to `GET /readyz`, and what that means.

use serde::Deserialize;

/// The path that is asked.
pub(super) const PATH: &str = "/readyz";

/// The most bytes of an answer that are read. Ours are shorter; another program's may not be.
pub(super) const LONGEST_ANSWER: usize = 64 << 10;

/// Whether a server is ready.
#[derive(PartialEq, Eq, Debug)]
pub(super) enum Readiness {
    /// It is, and cannot do this: `impaired` of the answer.
    Ready(Vec<String>),
    /// It is not, for this reason.
    Unavailable(String),
    /// The answer is none of ours.
    NotOurs,
}

/// The body of the answer.
#[derive(Deserialize)]
struct ReadinessBody {
    status: String,
    #[serde(default)]
    impaired: Vec<String>,
    store: Option<String>,
    clock: Option<String>,
}

impl Readiness {
    /// Judges an answer. `/healthz` has the same ones, and that of a gateway is the word alone.
    pub(super) fn of(status: u16, body: &[u8]) -> Self {
        if (status, body.trim_ascii()) == (200, b"ok") {
            return Self::Ready(Vec::new());
        }
        let Ok(body) = serde_json::from_slice::<ReadinessBody>(body) else { return Self::NotOurs };
        match (status, body.status.as_str()) {
            (200, "ready" | "ok") => Self::Ready(body.impaired),
            (503, "unavailable") => Self::Unavailable(cause(&body)),
            _ => Self::NotOurs,
        }
    }
}

fn cause(body: &ReadinessBody) -> String {
    match (&body.store, &body.clock) {
        (Some(store), _) => format!("its {store} does not answer"),
        (None, Some(clock)) => format!("its clock is {clock}"),
        (None, None) => "it does not say why".to_owned(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn of(status: u16, body: &str) -> Readiness {
        Readiness::of(status, body.as_bytes())
    }

    #[test]
    fn an_answer_says_what_is_impaired_or_missing() {
        assert_eq!(of(200, r#"{"status":"ready"}"#), Readiness::Ready(vec![]));
        assert_eq!(
            of(200, r#"{"status":"ready","impaired":["writes","mail"],"later":1}"#),
            Readiness::Ready(vec!["writes".to_owned(), "mail".to_owned()])
        );
        for body in ["ok", "ok\n", r#"{"status":"ok"}"#] {
            assert_eq!(of(200, body), Readiness::Ready(vec![]), "{body}");
        }
        for (body, cause) in [
            (r#"{"status":"unavailable","store":"database"}"#, "its database does not answer"),
            (r#"{"status":"unavailable","clock":"wrong"}"#, "its clock is wrong"),
            (r#"{"status":"unavailable"}"#, "it does not say why"),
        ] {
            assert_eq!(of(503, body), Readiness::Unavailable(cause.to_owned()));
        }
    }

    #[test]
    fn an_answer_of_another_program_is_none() {
        for (status, body) in [
            (200, ""),
            (200, "<html>ready</html>"),
            (404, r#"{"status":"ready"}"#),
            (404, "ok"),
            (503, "ok"),
            (503, r#"{"status":"ready"}"#),
            (200, r#"{"status":"unavailable"}"#),
            (200, r#"{"status":7}"#),
            (502, "Bad Gateway"),
        ] {
            assert_eq!(of(status, body), Readiness::NotOurs, "{status} {body}");
        }
    }
}
