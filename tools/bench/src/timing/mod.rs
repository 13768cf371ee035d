//! Whether the time of an answer tells who has an account: the same request for an address with an account and for one
//! without, in turns and in random order within each turn.
//!
//! Password attempts and links are limited for each account, so many accounts get few requests each. What the
//! server does after an answer (a mail) is waited for, so that it is not measured with the next one.

pub(crate) mod burner;
mod distinguishability;

use std::path::Path;
use std::time::{Duration, Instant};

use portcullis_bench::device::{device_sign_in, forgot, sign_up};
use portcullis_bench::http::HttpConnection;
use portcullis_bench::server::{Server, beside_this_program};

use self::burner::Burner;
use crate::BenchPlan;
use crate::error::BenchError;
use crate::script::unexpected;
use crate::spread::Spread;
use crate::users::BenchUsers;

/// How often one account is asked about: one time less than locks it, or than it gets links.
const ASKED: u64 = 4;
/// The share of each core that other work takes.
const BUSY: f64 = 0.8;
/// How long a mail takes that follows an answer.
const AFTERMATH: Duration = Duration::from_millis(10);
/// Between two tries at a server that says it is busy.
const PAUSE: Duration = Duration::from_millis(50);
/// Between two words about how far it is.
const STEPS: u64 = 10;

/// What is asked for.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(crate) enum Asked {
    /// A login with a wrong password.
    Login,
    /// A link to choose another password.
    Forgot,
    /// A sign-up, where it is not told who has an account.
    SignUp,
}

impl Asked {
    const ALL: [Self; 3] = [Self::Login, Self::Forgot, Self::SignUp];

    fn name(self) -> &'static str {
        match self {
            Self::Login => "login, wrong password",
            Self::Forgot => "password forgotten",
            Self::SignUp => "sign-up, existence hidden",
        }
    }

    fn request(self, email: &str) -> Vec<u8> {
        match self {
            Self::Login => device_sign_in(email, "incorrect horse battery staple"),
            Self::Forgot => forgot(email),
            Self::SignUp => sign_up(email),
        }
    }

    const fn answered(self) -> u16 {
        match self {
            Self::Login => 401,
            Self::Forgot | Self::SignUp => 201,
        }
    }
}

/// What one question took, of those who have an account and of those who have none, in microseconds.
#[derive(Debug)]
pub(crate) struct Comparison {
    asked: Asked,
    busy: bool,
    known: Vec<f64>,
    unknown: Vec<f64>,
}

impl Comparison {
    fn of(asked: Asked, busy: bool) -> Self {
        Self { asked, busy, known: Vec::new(), unknown: Vec::new() }
    }

    /// How well the time of an answer tells the two apart.
    pub(crate) fn auc(&self) -> Option<f64> {
        distinguishability::auc(&self.known, &self.unknown)
    }

    /// A row of the table.
    pub(crate) fn row(&self) -> [String; 6] {
        let load = if self.busy { format!("{:.0} % busy", BUSY * 100.0) } else { "idle".to_owned() };
        let median = |figures: &[f64]| {
            let spread = Spread::of(figures.iter().map(|micros| micros / 1000.0));
            spread.map_or_else(|| "–".to_owned(), |spread| format!("{:.2}", spread.median))
        };
        let auc = self.auc();
        [
            self.asked.name().to_owned(),
            load,
            self.known.len().to_string(),
            median(&self.known),
            median(&self.unknown),
            auc.map_or_else(|| "–".to_owned(), |auc| format!("{auc:.3}")),
        ]
    }
}

/// Compares on an idle machine and on a busy one, each with a server of its own.
///
/// # Errors
/// [`BenchError`]
pub(crate) async fn measure(plan: &BenchPlan, directory: &Path) -> Result<Vec<Comparison>, BenchError> {
    let program = plan.server.clone().map_or_else(beside_this_program, Ok)?;
    let mut comparisons = Vec::new();
    for busy in [false, true] {
        comparisons.extend(under(plan.pairs, busy, &program, directory).await?);
    }
    Ok(comparisons)
}

async fn under(
    pairs: u64,
    busy: bool,
    program: &Path,
    directory: &Path,
) -> Result<Vec<Comparison>, BenchError> {
    let load = if busy { "busy" } else { "idle" };
    let data_dir = directory.join(format!("timing-{load}"));
    let server =
        Server::start_with(program, &data_dir, &[("PORTCULLIS_HIDE_EXISTENCE", "true".as_ref())]).await?;
    let accounts = pairs.div_ceil(ASKED);
    println!("timing, {load}: registering {accounts} users");
    let emails = (0..accounts).map(|number| address("k", number)).collect();
    BenchUsers::registered(server.address(), emails).await?;
    let _burner = busy.then(|| Burner::start(BUSY));
    let mut comparisons = Asked::ALL.map(|asked| Comparison::of(asked, busy));
    let mut connection = HttpConnection::open(server.address()).await?;
    for pair in 0..pairs {
        for comparison in &mut comparisons {
            comparison.ask_both(&mut connection, pair).await?;
        }
        if (pair + 1) % pairs.div_ceil(STEPS).max(1) == 0 {
            println!("timing, {load}: {}/{pairs} pairs", pair + 1);
        }
    }
    Ok(comparisons.into())
}

/// Addresses of the same length for every kind of user.
fn address(kind: &str, number: u64) -> String {
    format!("{kind}-{number:06}@bench.example")
}

impl Comparison {
    async fn ask_both(&mut self, connection: &mut HttpConnection, pair: u64) -> Result<(), BenchError> {
        let known = address("k", pair / ASKED);
        let unknown = match self.asked {
            // Who has signed up is known from then on.
            Asked::SignUp => address("n", pair),
            Asked::Login | Asked::Forgot => address("u", pair / ASKED),
        };
        // The order is a coin's, so that neither always comes after the other.
        if coin(pair) {
            self.known.push(self.ask(connection, &known).await?);
            self.unknown.push(self.ask(connection, &unknown).await?);
        } else {
            self.unknown.push(self.ask(connection, &unknown).await?);
            self.known.push(self.ask(connection, &known).await?);
        }
        Ok(())
    }

    /// Microseconds from the first byte sent to the last byte read.
    async fn ask(&self, connection: &mut HttpConnection, email: &str) -> Result<f64, BenchError> {
        let request = self.asked.request(email);
        loop {
            let sent = Instant::now();
            let answer = connection.exchange(&request).await?;
            let took = sent.elapsed();
            match answer.status() {
                503 => tokio::time::sleep(PAUSE).await,
                status if status == self.asked.answered() => {
                    self.let_settle().await;
                    return Ok(took.as_secs_f64() * 1e6);
                }
                _ => return Err(unexpected(&request, &answer)),
            }
        }
    }

    /// Waits for what the server does after its answer.
    async fn let_settle(&self) {
        if self.asked != Asked::Login {
            tokio::time::sleep(AFTERMATH).await;
        }
    }
}

/// A coin that falls the same in every run: the low bits of the number are mixed into one (Knuth's multiplier).
const fn coin(number: u64) -> bool {
    number.wrapping_add(1).wrapping_mul(0x9e37_79b9_7f4a_7c15) >> 63 == 1
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_row_says_how_well_the_two_can_be_told_apart() {
        let figures = |from: u32| (from..from + 10).map(|millis| f64::from(millis) * 1000.0).collect();
        let comparison =
            Comparison { asked: Asked::Login, busy: true, known: figures(5), unknown: figures(0) };
        let row = comparison.row();
        assert_eq!(row, ["login, wrong password", "80 % busy", "10", "9.50", "4.50", "0.875"]);
    }

    #[test]
    fn each_comes_first_as_often_as_the_other() {
        let heads = (0..1000).filter(|number| coin(*number)).count();
        assert!((450..=550).contains(&heads), "{heads}");
        let changes = (0..1000).filter(|number| coin(*number) != coin(number + 1)).count();
        assert!(changes < 900, "it takes turns: {changes}");
    }

    #[test]
    fn addresses_do_not_tell_by_their_length() {
        let lengths = [address("k", 0), address("u", 99_999), address("n", 123_456)].map(|text| text.len());
        assert!(lengths.iter().all(|length| *length == lengths[0]));
    }
}
