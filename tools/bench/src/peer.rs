//! Another library that keeps sessions: a service with `tower-sessions`, and the Redis that it asks at each check.

use std::fs;
use std::io;
use std::net::TcpStream;
use std::path::Path;
use std::process::{Child, Command, Stdio};
use std::time::Duration;

use portcullis_bench::http::{HttpConnection, post};
use portcullis_bench::server::ReservedAddress;
use portcullis_bench::serving_process::ServingProcess;
use portcullis_bench::strategy::{Credentials, StrategyUnderTest};
use serde_json::Value;
use tokio::time::{sleep, timeout};

use crate::case_service::CaseService;
use crate::error::BenchError;
use crate::script::unexpected;

const STRATEGY: StrategyUnderTest = StrategyUnderTest::Session;
const REDIS: &str = "redis-server";
/// When a start is given up, and how long to wait between two looks.
const START_DEADLINE: Duration = Duration::from_mins(1);
const PAUSE: Duration = Duration::from_millis(10);

/// The service and its Redis; dropping this kills both.
#[derive(Debug)]
pub(crate) struct PeerService {
    service: ServingProcess,
    redis: Redis,
}

impl PeerService {
    /// Starts Redis on a free port, which keeps nothing on the disk, and then the service.
    ///
    /// # Errors
    /// [`BenchError`]
    pub(crate) async fn start(program: &Path, folder: &Path) -> Result<Self, BenchError> {
        fs::create_dir(folder)?;
        let redis = Redis::start(folder).await?;
        let url = format!("redis://{}", redis.address.get());
        Ok(Self { service: ServingProcess::start(Command::new(program).arg(url))?, redis })
    }

    pub(crate) fn service(&self) -> CaseService {
        CaseService { asked: Some(self.redis.child.id()), ..CaseService::of(&self.service) }
    }

    /// Signs the users in whose profiles the server has told, and returns the request of each for the same profile.
    ///
    /// # Errors
    /// [`BenchError::Unexpected`], where the answer is not the one of the server.
    pub(crate) async fn checks(&self, profiles: &[Vec<u8>]) -> Result<Vec<Vec<u8>>, BenchError> {
        let mut connection = HttpConnection::open(self.service.address).await?;
        let mut requests = Vec::with_capacity(profiles.len());
        for profile in profiles {
            let profile_of_server: Value = serde_json::from_slice(profile).unwrap_or_default();
            let login = post("/auth/session/login", &[], profile_of_server.get("user"));
            let answer = connection.exchange(&login).await?;
            let signed_in = Credentials::of_cookie(&answer).ok_or_else(|| unexpected(&login, &answer))?;
            let request = STRATEGY.profile(&signed_in.access);
            let answer = connection.exchange(&request).await?;
            if answer.body() != profile {
                return Err(unexpected(&request, &answer));
            }
            requests.push(request);
        }
        Ok(requests)
    }
}

#[derive(Debug)]
struct Redis {
    child: Child,
    address: ReservedAddress,
}

impl Redis {
    async fn start(folder: &Path) -> Result<Self, BenchError> {
        let address = ReservedAddress::new()?;
        let port = address.get().port().to_string();
        let mut command = Command::new(REDIS);
        command.args(["--bind", "127.0.0.1", "--port", &port, "--save", "", "--appendonly", "no", "--dir"]);
        let child = command.arg(folder).stdin(Stdio::null()).stdout(Stdio::null()).spawn();
        let child = child.map_err(|error| match error.kind() {
            io::ErrorKind::NotFound => BenchError::NoRedis,
            _ => error.into(),
        })?;
        let mut redis = Self { child, address };
        redis.listens().await?;
        Ok(redis)
    }

    async fn listens(&mut self) -> Result<(), BenchError> {
        let listening = async {
            while TcpStream::connect(self.address.get()).is_err() {
                if let Some(status) = self.child.try_wait()? {
                    return Err(io::Error::other(format!("{REDIS} ended at its start ({status})")));
                }
                sleep(PAUSE).await;
            }
            Ok(())
        };
        let late = |_| io::Error::other(format!("{REDIS} does not listen"));
        Ok(timeout(START_DEADLINE, listening).await.map_err(late)??)
    }
}

impl Drop for Redis {
    fn drop(&mut self) {
        // It may have ended already.
        let _ = self.child.kill().and_then(|()| self.child.wait());
    }
}
