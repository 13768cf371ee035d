//! What is asked of the server: each verb is one script, which the server runs as one step.
//!
//! A script names some keys itself, by ids in their short form of 22 characters. All of them are in the slot of those
//! that it is given.
//!
//! Each script writes, if only by removing a key that is not there: a replica refuses it, so that a node which is still
//! connected to a server that is no primary any more takes nothing from it.
//!
//! The second record of a session is kept in pieces of 64 bytes, each under a field of its own: Redis packs the hash of
//! a user tightly, but only while no value in it is longer.

use std::sync::LazyLock;

use redis::aio::MultiplexedConnection;
use redis::{FromRedisValue, RedisResult, Script};

/// Reads, writes and removes the second record of a session.
const PIECES: &str = "
    local function used_of(user, id)
        local pieces = redis.call('HMGET', user, id, id .. '1', id .. '2', id .. '3')
        return pieces[1] and pieces[1] .. (pieces[2] or '') .. (pieces[3] or '') .. (pieces[4] or '')
    end
    local function write_used(user, id, used)
        redis.call('HSET', user, id, string.sub(used, 1, 64))
        for number = 1, 3 do
            local piece = string.sub(used, number * 64 + 1, number == 3 and -1 or number * 64 + 64)
            if piece == '' then
                redis.call('HDEL', user, id .. number)
            else
                redis.call('HSET', user, id .. number, piece)
            end
        end
    end
    local function remove_used(user, id)
        redis.call('HDEL', user, id, id .. '1', id .. '2', id .. '3')
    end
";

/// A script that runs behind [`PIECES`].
fn script(verb: &str) -> Script {
    Script::new(&[PIECES, verb].concat())
}

/// Keys: session, user, and the cookie if there is one. Arguments: id, first record, second record, milliseconds to
/// live, the beginning of sessions' keys. 1 if it was done; 0 if there is a session of this id or cookie. What has
/// expired leaves fields in the user's hash: some go with each sign-in.
pub(super) static INSERT: LazyLock<Script> = LazyLock::new(|| {
    script(
        "if redis.call('EXISTS', KEYS[1], KEYS[3] or KEYS[1]) > 0 then return 0 end
        redis.call('SET', KEYS[1], ARGV[2], 'PX', ARGV[4])
        write_used(KEYS[2], ARGV[1], ARGV[3])
        if redis.call('PTTL', KEYS[2]) < tonumber(ARGV[4]) then redis.call('PEXPIRE', KEYS[2], ARGV[4]) end
        if KEYS[3] then redis.call('SET', KEYS[3], ARGV[1], 'PX', ARGV[4]) end
        for _, id in ipairs(redis.call('HRANDFIELD', KEYS[2], 4)) do
            if #id == 22 and redis.call('EXISTS', ARGV[5] .. id) == 0 then remove_used(KEYS[2], id) end
        end
        return 1",
    )
});

/// Key: session. Arguments: id, the beginning of users' keys. Id and records, or nothing.
pub(super) static FIND: LazyLock<Script> = LazyLock::new(|| {
    script(
        "redis.call('DEL', KEYS[1] .. ':')
        local checked = redis.call('GET', KEYS[1])
        local used = checked and used_of(ARGV[2] .. string.sub(checked, 1, 22), ARGV[1])
        if not used then return nil end
        return {ARGV[1], checked, used}",
    )
});

/// Key: cookie. Arguments: the beginnings of sessions' and of users' keys. Id and records, or nothing.
pub(super) static FIND_BY_COOKIE: LazyLock<Script> = LazyLock::new(|| {
    script(
        "redis.call('DEL', KEYS[1] .. ':')
        local id = redis.call('GET', KEYS[1])
        local checked = id and redis.call('GET', ARGV[1] .. id)
        local used = checked and used_of(ARGV[2] .. string.sub(checked, 1, 22), id)
        if not used then return nil end
        return {id, checked, used}",
    )
});

/// Keys: session, user. Arguments: id, the version that must be there, first record, second record. 1 if it was done; 0
/// if another writer was first; -1 if there is no such session. A first record that stays the same is not written: it
/// would be announced.
pub(super) static COMPARE_AND_SET: LazyLock<Script> = LazyLock::new(|| {
    script(
        "local checked = redis.call('GET', KEYS[1])
        local used = checked and redis.call('HGET', KEYS[2], ARGV[1])
        if not used then return -1 end
        if string.match(used, '^%d+') ~= ARGV[2] then return 0 end
        if checked ~= ARGV[3] then redis.call('SET', KEYS[1], ARGV[3], 'KEEPTTL') end
        write_used(KEYS[2], ARGV[1], ARGV[4])
        return 1",
    )
});

/// Key: user. The ids of the user's sessions, in no order, among them some that have expired.
pub(super) static IDS: LazyLock<Script> = LazyLock::new(|| {
    script(
        "redis.call('DEL', KEYS[1] .. ':')
        local found = {}
        for _, id in ipairs(redis.call('HKEYS', KEYS[1])) do
            if #id == 22 then found[#found + 1] = id end
        end
        return found",
    )
});

/// Key: user. Arguments: the beginning of sessions' keys, and ids. Id and records of each session; what has expired
/// goes from the hash.
pub(super) static FIND_ALL: LazyLock<Script> = LazyLock::new(|| {
    script(
        "local found = {}
        for at = 2, #ARGV do
            local id = ARGV[at]
            local checked = redis.call('GET', ARGV[1] .. id)
            local used = checked and used_of(KEYS[1], id)
            if used then
                found[#found + 1] = {id, checked, used}
            elseif not checked then
                remove_used(KEYS[1], id)
            end
        end
        return found",
    )
});

/// Keys: session, user, and the cookie if there is one. Argument: id.
pub(super) static REMOVE: LazyLock<Script> = LazyLock::new(|| {
    script(
        "remove_used(KEYS[2], ARGV[1])
        redis.call('DEL', KEYS[1], KEYS[3] or KEYS[1])
        return 1",
    )
});

/// Key: session. Arguments: id, the beginning of users' keys. Removes a session whose records cannot be read.
pub(super) static REMOVE_UNREADABLE: LazyLock<Script> = LazyLock::new(|| {
    script(
        "local checked = redis.call('GET', KEYS[1])
        if checked then remove_used(ARGV[2] .. string.sub(checked, 1, 22), ARGV[1]) end
        return redis.call('DEL', KEYS[1])",
    )
});

/// Key: the marker. What it has, or nothing.
pub(super) static FIND_MARKER: LazyLock<Script> =
    LazyLock::new(|| script("redis.call('DEL', KEYS[1] .. ':') return redis.call('GET', KEYS[1])"));

/// Key: the marker. Arguments: what it must have, empty for nothing, and what it gets. 1 if it was done.
pub(super) static REPLACE_MARKER: LazyLock<Script> = LazyLock::new(|| {
    script(
        "redis.call('DEL', KEYS[1] .. ':')
        if (redis.call('GET', KEYS[1]) or '') ~= ARGV[1] then return 0 end
        redis.call('SET', KEYS[1], ARGV[2])
        return 1",
    )
});

/// A script with its keys and arguments.
pub(super) struct ScriptCall<'a> {
    pub(super) script: &'a Script,
    pub(super) keys: &'a [String],
    pub(super) arguments: &'a [&'a [u8]],
}

impl ScriptCall<'_> {
    pub(super) async fn invoke<T: FromRedisValue>(&self, db: &mut MultiplexedConnection) -> RedisResult<T> {
        self.script.key(self.keys).arg(self.arguments).invoke_async(db).await
    }
}
