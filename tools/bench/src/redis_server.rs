//! A Redis server that keeps nothing on the disk.

use std::io;
use std::net::{SocketAddr, TcpStream};
use std::path::Path;
use std::process::{Child, Command, Stdio};
use std::time::Duration;

use portcullis_bench::server::ReservedAddress;
use tokio::time::{sleep, timeout};

use crate::error::BenchError;

const REDIS: &str = "redis-server";
/// When a start is given up, and how long to wait between two looks.
const START_DEADLINE: Duration = Duration::from_mins(1);
const PAUSE: Duration = Duration::from_millis(10);

/// A running server; dropping it kills it.
#[derive(Debug)]
pub(crate) struct RedisServer {
    child: Child,
    address: ReservedAddress,
}

impl RedisServer {
    /// Starts it on a free port.
    ///
    /// # Errors
    /// [`BenchError`]
    pub(crate) async fn start(folder: &Path) -> Result<Self, BenchError> {
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

    pub(crate) const fn address(&self) -> SocketAddr {
        self.address.get()
    }

    pub(crate) fn pid(&self) -> u32 {
        self.child.id()
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

impl Drop for RedisServer {
    fn drop(&mut self) {
        // It may have ended already.
        let _ = self.child.kill().and_then(|()| self.child.wait());
    }
}
