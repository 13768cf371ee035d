//! What is asked of the server: each verb is one script, which the server runs as one step.
//!
//! A script names some keys itself. All of them are in the slot of those that it is given.

use std::sync::LazyLock;

use redis::aio::MultiplexedConnection;
use redis::{FromRedisValue, RedisResult, Script};

/// Keys: session, user, and the cookie if there is one. Arguments: id, first text, second text, milliseconds to live.
/// 1 if it was done; 0 if there is a session of this id or cookie.
pub(super) static INSERT: LazyLock<Script> = LazyLock::new(|| {
    Script::new(
        "if redis.call('EXISTS', KEYS[1], KEYS[3] or KEYS[1]) > 0 then return 0 end
        redis.call('SET', KEYS[1], ARGV[2], 'PX', ARGV[4])
        redis.call('HSET', KEYS[2], ARGV[1], ARGV[3])
        if redis.call('PTTL', KEYS[2]) < tonumber(ARGV[4]) then redis.call('PEXPIRE', KEYS[2], ARGV[4]) end
        if KEYS[3] then redis.call('SET', KEYS[3], ARGV[1], 'PX', ARGV[4]) end
        return 1",
    )
});

/// Key: session. Arguments: id, the beginning of users' keys. Id and texts, or nothing.
pub(super) static FIND: LazyLock<Script> = LazyLock::new(|| {
    Script::new(
        "local checked = redis.call('GET', KEYS[1])
        local used = checked and redis.call('HGET', ARGV[2] .. string.sub(checked, 1, 36), ARGV[1])
        if not used then return nil end
        return {ARGV[1], checked, used}",
    )
});

/// Key: cookie. Arguments: the beginnings of sessions' and of users' keys. Id and texts, or nothing.
pub(super) static FIND_BY_COOKIE: LazyLock<Script> = LazyLock::new(|| {
    Script::new(
        "local id = redis.call('GET', KEYS[1])
        local checked = id and redis.call('GET', ARGV[1] .. id)
        local used = checked and redis.call('HGET', ARGV[2] .. string.sub(checked, 1, 36), id)
        if not used then return nil end
        return {id, checked, used}",
    )
});

/// Keys: session, user. Arguments: id, the version that must be there, first text, second text. 1 if it was done; 0 if
/// another writer was first; -1 if there is no such session. A first text that stays the same is not written: it would
/// be announced.
pub(super) static COMPARE_AND_SET: LazyLock<Script> = LazyLock::new(|| {
    Script::new(
        "local checked = redis.call('GET', KEYS[1])
        local used = checked and redis.call('HGET', KEYS[2], ARGV[1])
        if not used then return -1 end
        if string.match(used, '^%d+') ~= ARGV[2] then return 0 end
        if checked ~= ARGV[3] then redis.call('SET', KEYS[1], ARGV[3], 'KEEPTTL') end
        redis.call('HSET', KEYS[2], ARGV[1], ARGV[4])
        return 1",
    )
});

/// Key: user. Argument: the beginning of sessions' keys. Ids and texts, one after the other. What has expired leaves an
/// entry in the hash, which goes here.
pub(super) static LIST: LazyLock<Script> = LazyLock::new(|| {
    Script::new(
        "local found, all = {}, redis.call('HGETALL', KEYS[1])
        for at = 1, #all, 2 do
            local checked = redis.call('GET', ARGV[1] .. all[at])
            if checked then
                found[#found + 1] = {all[at], checked, all[at + 1]}
            else
                redis.call('HDEL', KEYS[1], all[at])
            end
        end
        return found",
    )
});

/// Keys: session, user, and the cookie if there is one. Argument: id.
pub(super) static REMOVE: LazyLock<Script> = LazyLock::new(|| {
    Script::new(
        "redis.call('HDEL', KEYS[2], ARGV[1])
        redis.call('DEL', KEYS[1], KEYS[3] or KEYS[1])
        return 1",
    )
});

/// A script with its keys and arguments.
pub(super) struct ScriptCall<'a> {
    pub(super) script: &'a Script,
    pub(super) keys: &'a [String],
    pub(super) arguments: &'a [&'a str],
}

impl ScriptCall<'_> {
    pub(super) async fn invoke<T: FromRedisValue>(&self, db: &mut MultiplexedConnection) -> RedisResult<T> {
        self.script.key(self.keys).arg(self.arguments).invoke_async(db).await
    }
}
