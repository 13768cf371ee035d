-- What verifiers in other processes must know: which tokens are over although they have not expired. Triggers write it,
-- so that no path forgets it, and neither does an operator in SQLite's shell. A newer row replaces the older one of the
-- same kind and id.
CREATE TABLE revocations (
    tenant TEXT    NOT NULL, -- empty for everyone
    kind   TEXT    NOT NULL CHECK (kind IN ('session', 'user', 'role', 'tenant', 'everyone', 'key', 'keys')),
    id     TEXT    NOT NULL,
    epoch  INTEGER NOT NULL DEFAULT 0,
    detail TEXT    NOT NULL DEFAULT '', -- of a user the session that is kept, of a role its name
    until  INTEGER NOT NULL, -- by then every token that this is about has expired; an hour more, for clocks that differ
    at     INTEGER NOT NULL,
    PRIMARY KEY (tenant, kind, id)
) STRICT;

CREATE INDEX revocations_by_time ON revocations (at);
CREATE INDEX revocations_by_end ON revocations (until);

-- How long an access token may live at most, in milliseconds. It never shrinks: what was issued before lives on.
CREATE TABLE token_lifetime (
    one     INTEGER NOT NULL PRIMARY KEY CHECK (one = 1),
    longest INTEGER NOT NULL
) STRICT;

-- A day, if nothing else was noted: so long live those that a server of before this table has issued.
INSERT INTO token_lifetime (one, longest) VALUES (1, 86400000);

-- The time in milliseconds, and when the youngest token will have expired. Written so that older shells understand it.
CREATE VIEW token_times AS
    SELECT now, now + longest + 3600000 AS youngest_until FROM token_lifetime,
    (SELECT CAST((julianday('now') - 2440587.5) * 86400000 AS INTEGER) AS now);

-- The session that an end of all others has kept: the epoch beside it spares it, and no later one.
ALTER TABLE epochs ADD COLUMN kept TEXT NOT NULL DEFAULT '';
ALTER TABLE epochs ADD COLUMN kept_epoch INTEGER NOT NULL DEFAULT 0;

CREATE TRIGGER sessions_revoked AFTER UPDATE ON sessions WHEN OLD.ended_at IS NULL AND NEW.ended_at IS NOT NULL BEGIN
    INSERT INTO revocations (tenant, kind, id, until, at)
        SELECT NEW.tenant, 'session', NEW.id, min(NEW.absolute_expires + 3600000, youngest_until), now
        FROM token_times WHERE true
        ON CONFLICT (tenant, kind, id) DO UPDATE SET until = max(until, excluded.until), at = excluded.at;
END;

CREATE TRIGGER sessions_revoked_elsewhere AFTER INSERT ON sessions WHEN NEW.ended_at IS NOT NULL BEGIN
    INSERT INTO revocations (tenant, kind, id, until, at)
        SELECT NEW.tenant, 'session', NEW.id, min(NEW.absolute_expires + 3600000, youngest_until), now
        FROM token_times WHERE true
        ON CONFLICT (tenant, kind, id) DO UPDATE SET until = max(until, excluded.until), at = excluded.at;
END;

-- A live session that is deleted by hand has ended. What the program purges was over for a day.
CREATE TRIGGER sessions_removed AFTER DELETE ON sessions
WHEN OLD.ended_at IS NULL
    AND min(OLD.idle_expires, OLD.absolute_expires) > (SELECT now - 86400000 FROM token_times) BEGIN
    INSERT INTO revocations (tenant, kind, id, until, at)
        SELECT OLD.tenant, 'session', OLD.id, min(OLD.absolute_expires + 3600000, youngest_until), now
        FROM token_times WHERE true
        ON CONFLICT (tenant, kind, id) DO UPDATE SET until = max(until, excluded.until), at = excluded.at;
END;

CREATE TRIGGER epochs_revoke AFTER INSERT ON epochs BEGIN
    INSERT INTO revocations (tenant, kind, id, epoch, detail, until, at)
        SELECT NEW.tenant, NEW.scope, NEW.id, NEW.epoch, iif(NEW.kept_epoch = NEW.epoch, NEW.kept, ''), youngest_until,
        now FROM token_times WHERE true
        ON CONFLICT (tenant, kind, id) DO UPDATE
        SET epoch = excluded.epoch, detail = excluded.detail, until = excluded.until, at = excluded.at;
END;

CREATE TRIGGER epochs_revoke_more AFTER UPDATE ON epochs BEGIN
    INSERT INTO revocations (tenant, kind, id, epoch, detail, until, at)
        SELECT NEW.tenant, NEW.scope, NEW.id, NEW.epoch, iif(NEW.kept_epoch = NEW.epoch, NEW.kept, ''), youngest_until,
        now FROM token_times WHERE true
        ON CONFLICT (tenant, kind, id) DO UPDATE
        SET epoch = excluded.epoch, detail = excluded.detail, until = excluded.until, at = excluded.at;
END;

CREATE TRIGGER users_role_revoked AFTER UPDATE ON users WHEN OLD.role IS NOT NEW.role BEGIN
    INSERT INTO revocations (tenant, kind, id, detail, until, at)
        SELECT NEW.tenant, 'role', NEW.id, NEW.role, youngest_until, now FROM token_times WHERE true
        ON CONFLICT (tenant, kind, id) DO UPDATE
        SET detail = excluded.detail, until = excluded.until, at = excluded.at;
END;

-- A user who was deleted, and made anew under the same id.
CREATE TRIGGER users_role_renewed AFTER INSERT ON users
WHEN EXISTS (SELECT 1 FROM revocations WHERE tenant = NEW.tenant AND kind = 'role' AND id = NEW.id) BEGIN
    UPDATE revocations SET detail = NEW.role WHERE tenant = NEW.tenant AND kind = 'role' AND id = NEW.id;
END;

-- The tokens of a user who is disabled or deleted are over, also those that no session is asked for.
CREATE TRIGGER users_disabled AFTER UPDATE ON users WHEN OLD.disabled IS NULL AND NEW.disabled IS NOT NULL BEGIN
    INSERT INTO epochs (scope, tenant, id, epoch, at, reason)
        SELECT 'user', NEW.tenant, NEW.id, 1, now, 'admin' FROM token_times WHERE true
        ON CONFLICT (scope, tenant, id) DO UPDATE
        SET epoch = epoch + 1, kept = '', at = excluded.at, reason = excluded.reason;
END;

CREATE TRIGGER users_removed AFTER DELETE ON users BEGIN
    INSERT INTO epochs (scope, tenant, id, epoch, at, reason)
        SELECT 'user', OLD.tenant, OLD.id, 1, now, 'admin' FROM token_times WHERE true
        ON CONFLICT (scope, tenant, id) DO UPDATE
        SET epoch = epoch + 1, kept = '', at = excluded.at, reason = excluded.reason;
END;

-- Of which two standings the later one counts, the epoch says.
CREATE TRIGGER tenants_standing AFTER UPDATE ON tenants WHEN (OLD.suspended IS NULL) <> (NEW.suspended IS NULL) BEGIN
    INSERT INTO epochs (scope, tenant, id, epoch, at, reason)
        SELECT 'tenant', NEW.id, '', 1, now, 'tenant' FROM token_times WHERE true
        ON CONFLICT (scope, tenant, id) DO UPDATE SET epoch = epoch + 1, at = excluded.at, reason = excluded.reason;
END;

CREATE TRIGGER tenants_removed AFTER DELETE ON tenants BEGIN
    INSERT INTO revocations (tenant, kind, id, until, at)
        SELECT OLD.id, 'tenant', '', youngest_until, now FROM token_times WHERE true
        ON CONFLICT (tenant, kind, id) DO UPDATE SET until = excluded.until, at = excluded.at;
END;

CREATE TRIGGER keys_added AFTER INSERT ON keys BEGIN
    INSERT INTO revocations (tenant, kind, id, until, at)
        SELECT NEW.tenant, 'keys', '', youngest_until, now FROM token_times WHERE true
        ON CONFLICT (tenant, kind, id) DO UPDATE SET until = excluded.until, at = excluded.at;
END;

CREATE TRIGGER keys_revoked AFTER DELETE ON keys WHEN OLD.usage = 'access' BEGIN
    INSERT INTO revocations (tenant, kind, id, until, at)
        SELECT OLD.tenant, 'key', OLD.kid, youngest_until, now FROM token_times WHERE true
        ON CONFLICT (tenant, kind, id) DO UPDATE SET until = excluded.until, at = excluded.at;
END;

-- A revocation is announced with all that it says.
CREATE TRIGGER revocations_inserted AFTER INSERT ON revocations BEGIN
    INSERT INTO changes (kind, tenant, id) VALUES ('revocation', NEW.tenant, json_object('kind', NEW.kind, 'id', NEW.id,
        'epoch', NEW.epoch, 'detail', NEW.detail, 'until', NEW.until, 'at', NEW.at));
END;

CREATE TRIGGER revocations_updated AFTER UPDATE ON revocations BEGIN
    INSERT INTO changes (kind, tenant, id) VALUES ('revocation', NEW.tenant, json_object('kind', NEW.kind, 'id', NEW.id,
        'epoch', NEW.epoch, 'detail', NEW.detail, 'until', NEW.until, 'at', NEW.at));
END;

-- What has ended before this table was there. No token that was issued under the default settings lives longer than 30
-- days.
INSERT INTO revocations (tenant, kind, id, until, at)
    SELECT tenant, 'session', id, absolute_expires, now FROM sessions, token_times
    WHERE ended_at IS NOT NULL AND absolute_expires > now;
INSERT INTO revocations (tenant, kind, id, epoch, detail, until, at)
    SELECT tenant, scope, id, epoch, coalesce((SELECT kept.id FROM sessions AS kept WHERE kept.tenant = epochs.tenant
        AND kept.user_id = epochs.id AND kept.epoch_user = epochs.epoch AND kept.created < epochs.at
        AND kept.ended_at IS NULL ORDER BY kept.id LIMIT 1), ''), now + 2592000000, now
    FROM epochs, token_times WHERE scope = 'user';

-- The keys with which verifiers in other processes ask for revocations. Of a key only its hash is kept.
CREATE TABLE feed_keys (
    id        TEXT    NOT NULL PRIMARY KEY,
    hash      BLOB    NOT NULL UNIQUE CHECK (length(hash) = 32),
    tenants   TEXT    NOT NULL, -- a JSON array of names, or "all"
    created   INTEGER NOT NULL,
    last_used INTEGER
) STRICT;
