-- What verifiers in other processes must know: which tokens are over although they have not expired. Triggers write it,
-- so that no path forgets it, and neither does an operator in a shell. A newer row replaces the older one of the same
-- kind and id.
CREATE TABLE revocations (
    tenant TEXT COLLATE "C" NOT NULL, -- empty for everyone
    kind   TEXT COLLATE "C" NOT NULL
        CHECK (kind IN ('session', 'user', 'role', 'tenant', 'everyone', 'key', 'keys')),
    id     TEXT COLLATE "C" NOT NULL,
    epoch  BIGINT NOT NULL DEFAULT 0,
    detail TEXT COLLATE "C" NOT NULL DEFAULT '', -- of a user the session that is kept, of a role its name
    until  BIGINT NOT NULL, -- by then every token that this is about has expired; an hour more, for clocks that differ
    at     BIGINT NOT NULL,
    PRIMARY KEY (tenant, kind, id)
);

CREATE INDEX revocations_by_time ON revocations (at);
CREATE INDEX revocations_by_end ON revocations (until);

-- How long an access token may live at most, in milliseconds. It never shrinks: what was issued before lives on.
CREATE TABLE token_lifetime (
    one     BIGINT NOT NULL PRIMARY KEY CHECK (one = 1),
    longest BIGINT NOT NULL
);

-- A day, if nothing else was noted: so long live those that a server of before this table has issued.
INSERT INTO token_lifetime (one, longest) VALUES (1, 86400000);

CREATE VIEW token_times AS
    SELECT now, now + longest + 3600000 AS youngest_until FROM token_lifetime,
    (SELECT (EXTRACT(EPOCH FROM pg_catalog.clock_timestamp()) * 1000)::BIGINT AS now) AS clock;

-- The session that an end of all others has kept: the epoch beside it spares it, and no later one.
ALTER TABLE epochs ADD COLUMN kept TEXT COLLATE "C" NOT NULL DEFAULT '';
ALTER TABLE epochs ADD COLUMN kept_epoch BIGINT NOT NULL DEFAULT 0;

-- The tables are named with their schema, because a shell may have another one in its path.
CREATE FUNCTION note_revocation(place TEXT, of_tenant TEXT, of_kind TEXT, of_id TEXT, to_epoch BIGINT, with_detail TEXT,
    latest BIGINT) RETURNS VOID LANGUAGE plpgsql AS $$
BEGIN
    EXECUTE pg_catalog.format('INSERT INTO %1$I.revocations (tenant, kind, id, epoch, detail, until, at)
        SELECT $1, $2, $3, $4, $5, LEAST($6 + 3600000, youngest_until), now FROM %1$I.token_times
        ON CONFLICT (tenant, kind, id) DO UPDATE SET epoch = excluded.epoch, detail = excluded.detail,
        until = GREATEST(revocations.until, excluded.until), at = excluded.at', place)
        USING of_tenant, of_kind, of_id, to_epoch, with_detail, latest;
END $$;

CREATE FUNCTION advance_epoch(place TEXT, of_scope TEXT, of_tenant TEXT, of_id TEXT) RETURNS VOID LANGUAGE plpgsql AS $$
BEGIN
    EXECUTE pg_catalog.format('INSERT INTO %1$I.epochs (scope, tenant, id, epoch, at, reason)
        SELECT $1, $2, $3, 1, (EXTRACT(EPOCH FROM pg_catalog.clock_timestamp()) * 1000)::BIGINT, ''admin''
        ON CONFLICT (scope, tenant, id) DO UPDATE SET epoch = epochs.epoch + 1, kept = '''', at = excluded.at,
        reason = excluded.reason', place)
        USING of_scope, of_tenant, of_id;
END $$;

CREATE FUNCTION revoke_session() RETURNS trigger LANGUAGE plpgsql AS $$
DECLARE
    ended RECORD;
BEGIN
    ended := CASE TG_OP WHEN 'DELETE' THEN OLD ELSE NEW END;
    EXECUTE pg_catalog.format('SELECT %I.note_revocation($1, $2, ''session'', $3, 0, '''', $4)', TG_TABLE_SCHEMA)
        USING TG_TABLE_SCHEMA::TEXT, ended.tenant, ended.id, ended.absolute_expires;
    RETURN NULL;
END $$;

CREATE FUNCTION revoke_epoch() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    EXECUTE pg_catalog.format('SELECT %I.note_revocation($1, $2, $3, $4, $5, $6, NULL)', TG_TABLE_SCHEMA)
        USING TG_TABLE_SCHEMA::TEXT, NEW.tenant, NEW.scope, NEW.id, NEW.epoch,
            CASE WHEN NEW.kept_epoch = NEW.epoch THEN NEW.kept ELSE '' END;
    RETURN NULL;
END $$;

CREATE FUNCTION revoke_role() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    EXECUTE pg_catalog.format('SELECT %I.note_revocation($1, $2, ''role'', $3, 0, $4, NULL)', TG_TABLE_SCHEMA)
        USING TG_TABLE_SCHEMA::TEXT, NEW.tenant, NEW.id, NEW.role;
    RETURN NULL;
END $$;

-- The tokens of a user who is disabled or deleted are over, also those that no session is asked for.
CREATE FUNCTION revoke_user() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    EXECUTE pg_catalog.format('SELECT %I.advance_epoch($1, ''user'', $2, $3)', TG_TABLE_SCHEMA)
        USING TG_TABLE_SCHEMA::TEXT, OLD.tenant, OLD.id;
    RETURN NULL;
END $$;

-- A user who was deleted, and made anew under the same id.
CREATE FUNCTION renew_role() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    EXECUTE pg_catalog.format('UPDATE %I.revocations SET detail = $3 WHERE tenant = $1 AND kind = ''role'' AND id = $2',
        TG_TABLE_SCHEMA) USING NEW.tenant, NEW.id, NEW.role;
    RETURN NULL;
END $$;

-- Of which two standings the later one counts, the epoch says.
CREATE FUNCTION revoke_tenant() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    EXECUTE pg_catalog.format('SELECT %I.advance_epoch($1, ''tenant'', $2, '''')', TG_TABLE_SCHEMA)
        USING TG_TABLE_SCHEMA::TEXT, OLD.id;
    RETURN NULL;
END $$;

CREATE FUNCTION revoke_keys() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    IF TG_OP = 'INSERT' THEN
        EXECUTE pg_catalog.format('SELECT %I.note_revocation($1, $2, ''keys'', '''', 0, '''', NULL)', TG_TABLE_SCHEMA)
            USING TG_TABLE_SCHEMA::TEXT, NEW.tenant;
    ELSE
        EXECUTE pg_catalog.format('SELECT %I.note_revocation($1, $2, ''key'', $3, 0, '''', NULL)', TG_TABLE_SCHEMA)
            USING TG_TABLE_SCHEMA::TEXT, OLD.tenant, OLD.kid;
    END IF;
    RETURN NULL;
END $$;

-- No trigger of a row sees a TRUNCATE. All sessions are gone then.
CREATE FUNCTION revoke_everything() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    EXECUTE pg_catalog.format('SELECT %I.advance_epoch($1, ''everyone'', '''', '''')', TG_TABLE_SCHEMA)
        USING TG_TABLE_SCHEMA::TEXT;
    RETURN NULL;
END $$;

-- A revocation is announced with all that it says.
CREATE FUNCTION announce_revocation() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    PERFORM pg_catalog.pg_notify('portcullis_' || pg_catalog.hashtextextended(TG_TABLE_SCHEMA::TEXT, 0::BIGINT),
        pg_catalog.left('revocation/' || NEW.tenant || '/' || pg_catalog.json_build_object('kind', NEW.kind,
            'id', NEW.id, 'epoch', NEW.epoch, 'detail', NEW.detail, 'until', NEW.until, 'at', NEW.at)::TEXT, 1000));
    RETURN NULL;
END $$;

CREATE TRIGGER sessions_revoked AFTER UPDATE ON sessions
    FOR EACH ROW WHEN (OLD.ended_at IS NULL AND NEW.ended_at IS NOT NULL) EXECUTE FUNCTION revoke_session();
CREATE TRIGGER sessions_revoked_elsewhere AFTER INSERT ON sessions
    FOR EACH ROW WHEN (NEW.ended_at IS NOT NULL) EXECUTE FUNCTION revoke_session();
-- A live session that is deleted by hand has ended. What the program purges was over for a day.
CREATE TRIGGER sessions_removed AFTER DELETE ON sessions
    FOR EACH ROW WHEN (OLD.ended_at IS NULL AND LEAST(OLD.idle_expires, OLD.absolute_expires)
        > (EXTRACT(EPOCH FROM pg_catalog.clock_timestamp()) * 1000)::BIGINT - 86400000)
    EXECUTE FUNCTION revoke_session();
CREATE TRIGGER sessions_revoked_together AFTER TRUNCATE ON sessions EXECUTE FUNCTION revoke_everything();

CREATE TRIGGER epochs_revoke AFTER INSERT OR UPDATE ON epochs FOR EACH ROW EXECUTE FUNCTION revoke_epoch();

CREATE TRIGGER users_role_revoked AFTER UPDATE ON users
    FOR EACH ROW WHEN (OLD.role IS DISTINCT FROM NEW.role) EXECUTE FUNCTION revoke_role();
CREATE TRIGGER users_role_renewed AFTER INSERT ON users FOR EACH ROW EXECUTE FUNCTION renew_role();
CREATE TRIGGER users_disabled AFTER UPDATE ON users
    FOR EACH ROW WHEN (OLD.disabled IS NULL AND NEW.disabled IS NOT NULL) EXECUTE FUNCTION revoke_user();
CREATE TRIGGER users_removed AFTER DELETE ON users FOR EACH ROW EXECUTE FUNCTION revoke_user();
CREATE TRIGGER users_revoked_together AFTER TRUNCATE ON users EXECUTE FUNCTION revoke_everything();

CREATE TRIGGER tenants_standing AFTER UPDATE ON tenants
    FOR EACH ROW WHEN ((OLD.suspended IS NULL) <> (NEW.suspended IS NULL)) EXECUTE FUNCTION revoke_tenant();
CREATE TRIGGER tenants_removed AFTER DELETE ON tenants FOR EACH ROW EXECUTE FUNCTION revoke_tenant();

CREATE TRIGGER tenants_revoked_together AFTER TRUNCATE ON tenants EXECUTE FUNCTION revoke_everything();

CREATE TRIGGER keys_added AFTER INSERT ON keys FOR EACH ROW EXECUTE FUNCTION revoke_keys();
CREATE TRIGGER keys_revoked AFTER DELETE ON keys
    FOR EACH ROW WHEN (OLD.usage = 'access') EXECUTE FUNCTION revoke_keys();

CREATE TRIGGER keys_revoked_together AFTER TRUNCATE ON keys EXECUTE FUNCTION revoke_everything();

CREATE TRIGGER revocations_written AFTER INSERT OR UPDATE ON revocations
    FOR EACH ROW EXECUTE FUNCTION announce_revocation();
CREATE TRIGGER revocations_emptied AFTER TRUNCATE ON revocations EXECUTE FUNCTION announce_anything();

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
    id        TEXT COLLATE "C" NOT NULL PRIMARY KEY,
    hash      BYTEA NOT NULL UNIQUE CHECK (pg_catalog.length(hash) = 32),
    tenants   TEXT COLLATE "C" NOT NULL, -- a JSON array of names, or "all"
    created   BIGINT NOT NULL,
    last_used BIGINT
);
