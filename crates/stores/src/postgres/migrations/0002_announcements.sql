-- What is written is announced on a channel of the schema's, by whomever it is written. A name that is cut off, or that
-- makes no sense, could mean any change. What is the same in one transaction is announced once.

CREATE FUNCTION announce_record() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    IF TG_OP <> 'INSERT' THEN
        PERFORM pg_catalog.pg_notify('portcullis_' || pg_catalog.hashtextextended(TG_TABLE_SCHEMA::TEXT, 0::BIGINT),
            pg_catalog.left(TG_ARGV[0] || '/' || OLD.tenant || '/' || OLD.id, 1000));
    END IF;
    IF TG_OP <> 'DELETE' THEN
        PERFORM pg_catalog.pg_notify('portcullis_' || pg_catalog.hashtextextended(TG_TABLE_SCHEMA::TEXT, 0::BIGINT),
            pg_catalog.left(TG_ARGV[0] || '/' || NEW.tenant || '/' || NEW.id, 1000));
    END IF;
    RETURN NULL;
END $$;

CREATE FUNCTION announce_epoch() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    IF TG_OP <> 'INSERT' THEN
        PERFORM pg_catalog.pg_notify('portcullis_' || pg_catalog.hashtextextended(TG_TABLE_SCHEMA::TEXT, 0::BIGINT),
            pg_catalog.left(OLD.scope || '/' || OLD.tenant || '/' || OLD.id, 1000));
    END IF;
    IF TG_OP <> 'DELETE' THEN
        PERFORM pg_catalog.pg_notify('portcullis_' || pg_catalog.hashtextextended(TG_TABLE_SCHEMA::TEXT, 0::BIGINT),
            pg_catalog.left(NEW.scope || '/' || NEW.tenant || '/' || NEW.id, 1000));
    END IF;
    RETURN NULL;
END $$;

CREATE FUNCTION announce_key() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    IF TG_OP <> 'INSERT' THEN
        PERFORM pg_catalog.pg_notify('portcullis_' || pg_catalog.hashtextextended(TG_TABLE_SCHEMA::TEXT, 0::BIGINT),
            pg_catalog.left('tenant/' || OLD.tenant || '/', 1000));
    END IF;
    IF TG_OP <> 'DELETE' THEN
        PERFORM pg_catalog.pg_notify('portcullis_' || pg_catalog.hashtextextended(TG_TABLE_SCHEMA::TEXT, 0::BIGINT),
            pg_catalog.left('tenant/' || NEW.tenant || '/', 1000));
    END IF;
    RETURN NULL;
END $$;

CREATE FUNCTION announce_tenant() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    IF TG_OP <> 'INSERT' THEN
        PERFORM pg_catalog.pg_notify('portcullis_' || pg_catalog.hashtextextended(TG_TABLE_SCHEMA::TEXT, 0::BIGINT),
            pg_catalog.left('tenant/' || OLD.id || '/', 1000));
    END IF;
    IF TG_OP <> 'DELETE' THEN
        PERFORM pg_catalog.pg_notify('portcullis_' || pg_catalog.hashtextextended(TG_TABLE_SCHEMA::TEXT, 0::BIGINT),
            pg_catalog.left('tenant/' || NEW.id || '/', 1000));
    END IF;
    RETURN NULL;
END $$;

-- No trigger of a row sees a TRUNCATE.
CREATE FUNCTION announce_anything() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    PERFORM pg_catalog.pg_notify('portcullis_' || pg_catalog.hashtextextended(TG_TABLE_SCHEMA::TEXT, 0::BIGINT),
        'everyone//');
    RETURN NULL;
END $$;

CREATE TRIGGER sessions_written AFTER INSERT OR DELETE ON sessions
    FOR EACH ROW EXECUTE FUNCTION announce_record('session');

-- A session is announced if something has changed that a check reads: neither a use nor a rotation is news.
CREATE TRIGGER sessions_updated AFTER UPDATE ON sessions FOR EACH ROW WHEN (
    (OLD.tenant, OLD.id, OLD.user_id, OLD.strategy, OLD.device_name, OLD.address, OLD.user_agent, OLD.created,
    OLD.absolute_expires, OLD.epoch_user, OLD.epoch_tenant, OLD.epoch_everyone, OLD.cookie_hash,
    OLD.proof_hash, OLD.proof_shown, OLD.ended_at, OLD.ended_reason)
    IS DISTINCT FROM
    (NEW.tenant, NEW.id, NEW.user_id, NEW.strategy, NEW.device_name, NEW.address, NEW.user_agent, NEW.created,
    NEW.absolute_expires, NEW.epoch_user, NEW.epoch_tenant, NEW.epoch_everyone, NEW.cookie_hash,
    NEW.proof_hash, NEW.proof_shown, NEW.ended_at, NEW.ended_reason))
    EXECUTE FUNCTION announce_record('session');

CREATE TRIGGER users_written AFTER INSERT OR UPDATE OR DELETE ON users
    FOR EACH ROW EXECUTE FUNCTION announce_record('user');
CREATE TRIGGER epochs_written AFTER INSERT OR UPDATE OR DELETE ON epochs
    FOR EACH ROW EXECUTE FUNCTION announce_epoch();
CREATE TRIGGER keys_written AFTER INSERT OR UPDATE OR DELETE ON keys
    FOR EACH ROW EXECUTE FUNCTION announce_key();
CREATE TRIGGER tenants_written AFTER INSERT OR UPDATE OR DELETE ON tenants
    FOR EACH ROW EXECUTE FUNCTION announce_tenant();

CREATE TRIGGER sessions_emptied AFTER TRUNCATE ON sessions EXECUTE FUNCTION announce_anything();
CREATE TRIGGER users_emptied AFTER TRUNCATE ON users EXECUTE FUNCTION announce_anything();
CREATE TRIGGER epochs_emptied AFTER TRUNCATE ON epochs EXECUTE FUNCTION announce_anything();
CREATE TRIGGER keys_emptied AFTER TRUNCATE ON keys EXECUTE FUNCTION announce_anything();
CREATE TRIGGER tenants_emptied AFTER TRUNCATE ON tenants EXECUTE FUNCTION announce_anything();

-- What is changed by hand in a shell is counted as well, of a session and of its user.
CREATE FUNCTION count_change() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    NEW.version := OLD.version + 1;
    RETURN NEW;
END $$;

CREATE TRIGGER sessions_counted BEFORE UPDATE ON sessions
    FOR EACH ROW WHEN (NEW.version = OLD.version) EXECUTE FUNCTION count_change();
CREATE TRIGGER users_counted BEFORE UPDATE ON users
    FOR EACH ROW WHEN (NEW.version = OLD.version) EXECUTE FUNCTION count_change();
