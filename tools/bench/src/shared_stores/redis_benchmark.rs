//! The rotation of a refresh as `redis-benchmark` sends it: the script that the server has run, over one connection
//! with as many calls under way as there are clients.
//!
//! That program can count keys and can write text. So what is rotated are sessions under numbered keys, whose records
//! are as long as those of the server; the script does with them what it does with those.

use std::io::{BufRead as _, BufReader};
use std::process::{Command, Stdio};
use std::time::Duration;

use portcullis_bench::http::HttpConnection;
use portcullis_bench::store_servers::RedisServer;
use portcullis_bench::strategy::StrategyUnderTest;
use portcullis_bench::tally::Tally;
use redis::{Client, Commands as _, Connection};

use crate::cases::MANY;
use crate::error::BenchError;
use crate::fixture::BenchInstallation;
use crate::load;
use crate::script::Script;

const STRATEGY: StrategyUnderTest = StrategyUnderTest::Refresh;
/// The first calls only tell how many fill the time.
const FIRST_CALLS: f64 = 20_000.0;
/// Where the numbered sessions are.
const OWN: &str = "own-rate";
/// The id of each of them: its user has one session.
const ID: &str = "AAAAAAAAAAAAAAAAAAAAAA";
/// How long a piece of a record is.
const PIECE: usize = 64;

/// How many rotations Redis does in a second.
///
/// # Errors
/// [`BenchError`]
pub(super) async fn rotations(
    server: &RedisServer,
    node: &BenchInstallation,
    span: Duration,
) -> Result<f64, BenchError> {
    let call = RotationCall::seen(server, node).await?;
    let mut db = Client::open(format!("redis://{}", server.address()))?.get_connection()?;
    call.write_numbered(&mut db)?;
    let rate = call.benchmark(server, FIRST_CALLS)?;
    call.benchmark(server, (rate * span.as_secs_f64()).max(FIRST_CALLS))
}

/// A rotation as the server calls it.
struct RotationCall {
    hash: String,
    /// The first record, and the second one, with as many bytes as those of the server.
    checked: String,
    used: String,
}

impl RotationCall {
    /// Lets a client refresh, and looks on.
    async fn seen(server: &RedisServer, node: &BenchInstallation) -> Result<Self, BenchError> {
        let signed_in = node.people.password_sign_in(STRATEGY, 1).await?;
        let credentials = signed_in.first().ok_or(BenchError::NoRequest)?;
        let mut chain = Script::chain(STRATEGY, credentials).ok_or(BenchError::NoRequest)?;
        let mut connection = HttpConnection::open(node.server.address()).await?;
        // The second refresh has a generation before it, as most have.
        load::ask(&mut connection, &mut chain, &mut Tally::new()).await?;
        let port = server.address().port().to_string();
        let mut monitor = Command::new("redis-cli");
        let mut monitor = monitor.args(["-p", &port, "MONITOR"]).stdout(Stdio::piped()).spawn()?;
        let mut lines = monitor.stdout.take().map(BufReader::new).into_iter().flat_map(BufReader::lines);
        // It says OK when it looks on.
        lines.next().transpose()?;
        load::ask(&mut connection, &mut chain, &mut Tally::new()).await?;
        let seen = lines.map_while(Result::ok).find_map(|line| keys_of_rotation(&line));
        monitor.kill()?;
        monitor.wait()?;
        let unseen = || BenchError::OwnProgram("Redis has run no script for a refresh".to_owned());
        let (hash, session, of_user, id) = seen.ok_or_else(unseen)?;
        let mut db = Client::open(format!("redis://{}", server.address()))?.get_connection()?;
        let checked: usize = db.strlen(session)?;
        let mut used_length = 0;
        for suffix in ["", "1", "2", "3"] {
            used_length +=
                redis::cmd("HSTRLEN").arg(&of_user).arg(format!("{id}{suffix}")).query::<usize>(&mut db)?;
        }
        Ok(Self {
            hash,
            checked: "c".repeat(checked),
            used: format!("1{}", "u".repeat(used_length.saturating_sub(1))),
        })
    }

    /// Writes the sessions that are rotated, and sees that one can be.
    fn write_numbered(&self, db: &mut Connection) -> Result<(), BenchError> {
        for number in 0..MANY {
            let (session, user) = (format!("{OWN}:s:{number:012}"), format!("{OWN}:u:{number:012}"));
            db.set::<_, _, ()>(session, &self.checked)?;
            for (place, piece) in self.used.as_bytes().chunks(PIECE).enumerate() {
                let suffix = if place == 0 { String::new() } else { place.to_string() };
                db.hset::<_, _, _, ()>(&user, format!("{ID}{suffix}"), piece)?;
            }
        }
        let mut call = redis::cmd("EVALSHA");
        call.arg(&self.hash).arg(2).arg(format!("{OWN}:s:{:012}", 0)).arg(format!("{OWN}:u:{:012}", 0));
        let done: i64 = call.arg(ID).arg("1").arg(&self.checked).arg(&self.used).query(db)?;
        if done == 1 { Ok(()) } else { Err(BenchError::OwnProgram(format!("a rotation says {done}"))) }
    }

    fn benchmark(&self, server: &RedisServer, calls: f64) -> Result<f64, BenchError> {
        let mut benchmark = Command::new("redis-benchmark");
        benchmark.args(["-p", &server.address().port().to_string(), "-c", "1", "-P", &MANY.to_string()]);
        benchmark.args(["-n", &format!("{calls:.0}"), "-r", &MANY.to_string(), "--csv"]);
        benchmark.args(["EVALSHA", &self.hash, "2"]);
        benchmark.args([format!("{OWN}:s:__rand_int__"), format!("{OWN}:u:__rand_int__")]);
        let output =
            benchmark.args([ID, "1", &self.checked, &self.used]).stderr(Stdio::inherit()).output()?;
        let said = String::from_utf8_lossy(&output.stdout);
        rate(&said).ok_or_else(|| BenchError::OwnProgram(format!("redis-benchmark: {said}")))
    }
}

/// The rate in the last line of what it says: test, rate, and latencies, in quotation marks.
fn rate(said: &str) -> Option<f64> {
    said.lines().last()?.rsplit("\",\"").nth(6)?.parse().ok()
}

/// The script, the two keys and the id in a line about a rotation.
fn keys_of_rotation(line: &str) -> Option<(String, String, String, String)> {
    let (_, words) = line.split_once("] \"")?;
    let mut words = words.split("\" \"");
    let is_script = words.next()?.eq_ignore_ascii_case("evalsha");
    let hash = words.next()?.to_owned();
    let is_of_two = words.next()? == "2";
    let [session, user, id] = [words.next()?, words.next()?, words.next()?].map(str::to_owned);
    let is_rotation = is_script && is_of_two && session.contains("s:{") && user.contains("u:{");
    (is_rotation && words.count() >= 3).then_some((hash, session, user, id))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_rotation_is_known_by_its_keys() {
        let line = |keys: &str| format!(r#"17.5 [0 127.0.0.1:4] "EVALSHA" "ab" {keys}"#);
        let rotation = line(r#""2" "p:s:{default:abc}:x" "p:u:{default:abc}:y" "x" "3" "a\x00" "b""#);
        let (hash, session, user, id) = keys_of_rotation(&rotation).unwrap();
        assert_eq!([hash, session, user, id], ["ab", "p:s:{default:abc}:x", "p:u:{default:abc}:y", "x"]);
        assert_eq!(keys_of_rotation(&line(r#""1" "p:s:{default:abc}:x" "x" "p:u:""#)), None);
        assert_eq!(keys_of_rotation("OK"), None);
    }

    #[test]
    fn the_rate_stands_before_the_latencies() {
        let said = "\"test\",\"rps\",\"avg_latency_ms\",\"min_latency_ms\",\"p50_latency_ms\",\"p95_latency_ms\",\
            \"p99_latency_ms\",\"max_latency_ms\"\n\"EVALSHA a 2\",\"106382.98\",\"0.4\",\"0.1\",\"0.4\",\"0.6\",\"0.8\",\"2.4\"\n";
        assert_eq!(rate(said), Some(106_382.98));
    }
}
