//! Another library that keeps sessions: a service with `tower-sessions`, and the Redis that it asks at each check.

use std::fs;
use std::path::Path;
use std::process::Command;

use portcullis_bench::http::{HttpConnection, post};
use portcullis_bench::serving_process::ServingProcess;
use portcullis_bench::strategy::{Credentials, StrategyUnderTest};
use serde_json::Value;

use crate::case_service::CaseService;
use crate::error::BenchError;
use crate::script::unexpected;
use portcullis_bench::store_servers::{RedisDurability, RedisServer};

const STRATEGY: StrategyUnderTest = StrategyUnderTest::Session;

/// The service and its Redis; dropping this kills both.
#[derive(Debug)]
pub(crate) struct PeerService {
    service: ServingProcess,
    redis: RedisServer,
}

impl PeerService {
    /// Starts Redis on a free port, which keeps nothing on the disk, and then the service.
    ///
    /// # Errors
    /// [`BenchError`]
    pub(crate) async fn start(program: &Path, folder: &Path) -> Result<Self, BenchError> {
        fs::create_dir(folder)?;
        let redis = RedisServer::start(folder, RedisDurability::Nothing).await?;
        let url = format!("redis://{}", redis.address());
        Ok(Self { service: ServingProcess::start(Command::new(program).arg(url))?, redis })
    }

    pub(crate) fn service(&self) -> CaseService {
        CaseService { asked: Some(self.redis.pid()), ..CaseService::of(&self.service) }
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
