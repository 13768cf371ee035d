//! What one client asks for, again and again. The next request is always ready as bytes before the clock starts.

use portcullis_bench::http::HttpAnswer;
use portcullis_bench::strategy::{Credentials, StrategyUnderTest};

use crate::error::BenchError;

/// A client's next request, and how the one after that follows from the answer.
#[derive(Debug)]
pub(crate) struct Script {
    request: Vec<u8>,
    next: Next,
}

#[derive(Debug)]
enum Next {
    Same,
    SignUp { strategy: StrategyUnderTest, mailbox: String, number: u64 },
    Chain { strategy: StrategyUnderTest, device_secret: Option<String> },
}

impl Script {
    /// The same request for ever.
    pub(crate) fn repeat(request: Vec<u8>) -> Self {
        Self { request, next: Next::Same }
    }

    /// A new user each time; no other script may use this mailbox.
    pub(crate) fn sign_ups(strategy: StrategyUnderTest, mailbox: String) -> Self {
        let request = strategy.register(&address(&mailbox, 0));
        Self { request, next: Next::SignUp { strategy, mailbox, number: 0 } }
    }

    /// One chain of refresh tokens, each redeemed once. `None` if these credentials have no refresh token.
    pub(crate) fn chain(strategy: StrategyUnderTest, signed_in: &Credentials) -> Option<Self> {
        let device_secret = signed_in.device_secret.clone();
        let request = strategy.refresh(signed_in.refresh_token.as_deref()?, device_secret.as_deref());
        Some(Self { request, next: Next::Chain { strategy, device_secret } })
    }

    pub(crate) fn request(&self) -> &[u8] {
        &self.request
    }

    /// Makes the next request out of the answer to this one.
    ///
    /// # Errors
    /// [`BenchError::Unexpected`] where the answer does not carry what the next request needs.
    pub(crate) fn advance(&mut self, answer: &HttpAnswer<'_>) -> Result<(), BenchError> {
        match &mut self.next {
            Next::Same => {}
            Next::SignUp { strategy, mailbox, number } => {
                *number += 1;
                self.request = strategy.register(&address(mailbox, *number));
            }
            Next::Chain { strategy, device_secret } => {
                let token = Credentials::of(*strategy, answer).and_then(|renewed| renewed.refresh_token);
                let token = token.ok_or_else(|| self::unexpected(&self.request, answer))?;
                self.request = strategy.refresh(&token, device_secret.as_deref());
            }
        }
        Ok(())
    }
}

fn address(mailbox: &str, number: u64) -> String {
    format!("{mailbox}-{number}@bench.example")
}

/// The error of an answer that should not have come; it names the request by its first line.
pub(crate) fn unexpected(request: &[u8], answer: &HttpAnswer<'_>) -> BenchError {
    let request = String::from_utf8_lossy(request);
    let asked = request.lines().next().unwrap_or_default().to_owned();
    BenchError::Unexpected { asked, answer: answer.describe() }
}
