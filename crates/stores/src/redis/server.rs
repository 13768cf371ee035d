//! What a server must be for sessions to be kept there.

use portcullis_core::clock::Timestamp;
use redis::RedisError;
use redis::aio::MultiplexedConnection;

use super::RedisOpenError;

/// The oldest version that works.
const OLDEST: (u32, u32) = (6, 2);

/// What a server says of itself.
pub(super) struct ServerInfo(String);

impl ServerInfo {
    pub(super) async fn ask(db: &mut MultiplexedConnection) -> Result<Self, RedisError> {
        redis::cmd("INFO").query_async(db).await.map(Self)
    }

    fn field(&self, name: &str) -> Option<&str> {
        self.0.lines().find_map(|line| line.strip_prefix(name)?.strip_prefix(':')).map(str::trim)
    }

    fn version(&self) -> &str {
        self.field("valkey_version").or_else(|| self.field("redis_version")).unwrap_or("of unknown version")
    }

    fn product(&self) -> &'static str {
        if self.field("valkey_version").is_some() { "Valkey" } else { "Redis" }
    }

    /// Refuses a server that loses what was acknowledged, or that cannot announce it.
    pub(super) fn check(&self, url: &str) -> Result<(), RedisOpenError> {
        let url = url.to_owned();
        if !self.is_new_enough() {
            return Err(RedisOpenError::TooOld { url, version: self.version().to_owned() });
        }
        if self.field("role") != Some("master") {
            return Err(RedisOpenError::Replica { url });
        }
        if self.field("redis_mode") == Some("cluster") {
            return Err(RedisOpenError::Cluster { url });
        }
        match self.field("maxmemory_policy") {
            Some(policy) if self.field("maxmemory") != Some("0") && policy != "noeviction" => {
                Err(RedisOpenError::Evicts { url, policy: policy.to_owned() })
            }
            _ => Ok(()),
        }
    }

    /// What an operator should know of what a restart loses.
    pub(super) fn warning(&self) -> Option<&'static str> {
        let appends = self.field("aof_enabled") == Some("1");
        (!appends).then_some(
            "Redis has no append-only file: a restart loses the sign-ins since its last snapshot, and their users sign \
             in again (`CONFIG SET appendonly yes`)",
        )
    }

    fn is_new_enough(&self) -> bool {
        // Valkey says which Redis it can stand in for.
        let version = self.field("redis_version").unwrap_or_default();
        let mut numbers = version.split('.').map_while(|number| number.parse().ok());
        numbers.next().zip(numbers.next()).is_some_and(|version| version >= OLDEST)
    }

    /// Product, version, role, what durability depends on, and the clock beside ours, by which nothing goes.
    pub(super) fn described(&self, now: Timestamp) -> String {
        let said = |name| self.field(name).unwrap_or("unknown");
        let on = |name| if self.field(name) == Some("1") { "on" } else { "off" };
        format!(
            "{} {}, {}, appendonly={}, maxmemory_policy={}{}",
            self.product(),
            self.version(),
            if self.field("role") == Some("master") { "primary" } else { "replica" },
            on("aof_enabled"),
            said("maxmemory_policy"),
            self.clock(now).unwrap_or_default()
        )
    }

    /// How far its clock is off, if it says so.
    fn clock(&self, now: Timestamp) -> Option<String> {
        let micros: i64 = self.field("server_time_usec")?.parse().ok()?;
        let ahead = (micros / 1000).checked_sub(now.as_millis())?.checked_div(1000)?;
        let word = if ahead < 0 { "behind" } else { "ahead" };
        Some(format!(", clock {} s {word}", ahead.unsigned_abs()))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const GOOD: &str = "# Server\r\nredis_version:7.0.15\r\nredis_mode:standalone\r\nrole:master\r\nmaxmemory:0\r\n\
        maxmemory_policy:noeviction\r\naof_enabled:1\r\n";

    #[test]
    fn a_server_that_loses_or_hides_what_it_acknowledged_is_refused() {
        let check = |from: &str, to: &str| {
            let info = ServerInfo(GOOD.replace(from, to));
            info.check("redis://h").map_err(|fault| fault.to_string())
        };
        assert_eq!(check("", ""), Ok(()));
        assert_eq!(check("redis_version:7.0.15", "redis_version:6.2.0"), Ok(()));
        assert_eq!(check("redis_version:7.0.15", "redis_version:10.0.0"), Ok(()));
        assert_eq!(
            check("policy:noeviction", "policy:allkeys-lru"),
            Ok(()),
            "without a limit nothing is evicted"
        );
        for (from, to, said) in [
            ("7.0.15", "6.0.16", "Redis 6.0.16: upgrade it"),
            ("7.0.15", "x", "upgrade it"),
            ("role:master", "role:slave", "name the primary"),
            ("standalone", "cluster", "name a single server"),
            (
                "maxmemory:0\r\nmaxmemory_policy:noeviction",
                "maxmemory:9\r\nmaxmemory_policy:volatile-lru",
                "noeviction",
            ),
        ] {
            let fault = check(from, to).unwrap_err();
            assert!(fault.contains(said) && fault.contains("redis://h"), "{fault}");
        }
    }

    #[test]
    fn a_server_is_described_in_a_line() {
        let now = Timestamp::from_millis(1_800_000_000_000);
        let described = |more: &str| ServerInfo(format!("{more}{GOOD}")).described(now);
        assert_eq!(described(""), "Redis 7.0.15, primary, appendonly=on, maxmemory_policy=noeviction");
        let valkey = described("valkey_version:8.1.0\r\n");
        assert!(valkey.starts_with("Valkey 8.1.0, "), "{valkey}");
    }

    #[test]
    fn how_far_its_clock_is_off_is_told() {
        let told = |micros: &str| {
            let info = ServerInfo(format!("server_time_usec:{micros}\r\n{GOOD}"));
            info.described(Timestamp::from_millis(1_800_000_000_000)).rsplit_once(", ").unwrap().1.to_owned()
        };
        assert_eq!(told("1800003600500000"), "clock 3600 s ahead");
        assert_eq!(told("1799999988000000"), "clock 12 s behind");
        assert_eq!(told("1800000000900000"), "clock 0 s ahead");
        assert_eq!(told("soon"), "maxmemory_policy=noeviction");
    }
}
