-- What was written, by whomever: rows changed by hand in a shell are announced as well. The numbers have no holes (a
-- number that is rolled back is given again), so that a reader knows when it has missed some.

CREATE TABLE changes (
    seq    INTEGER PRIMARY KEY AUTOINCREMENT,
    kind   TEXT    NOT NULL, -- session, user, tenant or everyone
    tenant TEXT    NOT NULL,
    id     TEXT    NOT NULL
) STRICT;

CREATE TRIGGER sessions_inserted AFTER INSERT ON sessions BEGIN
    INSERT INTO changes (kind, tenant, id) VALUES ('session', NEW.tenant, NEW.id);
END;

CREATE TRIGGER sessions_deleted AFTER DELETE ON sessions BEGIN
    INSERT INTO changes (kind, tenant, id) VALUES ('session', OLD.tenant, OLD.id);
END;

-- All columns but last_seen and idle_expires: a use is no news.
CREATE TRIGGER sessions_updated AFTER UPDATE OF
    tenant, id, user_id, strategy, device_name, address, user_agent, created, absolute_expires,
    epoch_user, epoch_tenant, epoch_everyone, cookie_hash,
    rotation_generation, rotation_issued, rotation_expires, rotation_kid, rotation_hash,
    previous_issued, previous_expires, previous_hash, proof_hash, proof_shown, ended_at, ended_reason
ON sessions BEGIN
    INSERT INTO changes (kind, tenant, id)
        SELECT 'session', OLD.tenant, OLD.id UNION SELECT 'session', NEW.tenant, NEW.id;
END;

CREATE TRIGGER users_inserted AFTER INSERT ON users BEGIN
    INSERT INTO changes (kind, tenant, id) VALUES ('user', NEW.tenant, NEW.id);
END;

CREATE TRIGGER users_deleted AFTER DELETE ON users BEGIN
    INSERT INTO changes (kind, tenant, id) VALUES ('user', OLD.tenant, OLD.id);
END;

CREATE TRIGGER users_updated AFTER UPDATE ON users BEGIN
    INSERT INTO changes (kind, tenant, id)
        SELECT 'user', OLD.tenant, OLD.id UNION SELECT 'user', NEW.tenant, NEW.id;
END;

CREATE TRIGGER epochs_inserted AFTER INSERT ON epochs BEGIN
    INSERT INTO changes (kind, tenant, id) VALUES (NEW.scope, NEW.tenant, NEW.id);
END;

CREATE TRIGGER epochs_deleted AFTER DELETE ON epochs BEGIN
    INSERT INTO changes (kind, tenant, id) VALUES (OLD.scope, OLD.tenant, OLD.id);
END;

CREATE TRIGGER epochs_updated AFTER UPDATE ON epochs BEGIN
    INSERT INTO changes (kind, tenant, id)
        SELECT OLD.scope, OLD.tenant, OLD.id UNION SELECT NEW.scope, NEW.tenant, NEW.id;
END;

CREATE TRIGGER keys_inserted AFTER INSERT ON keys BEGIN
    INSERT INTO changes (kind, tenant, id) VALUES ('tenant', NEW.tenant, '');
END;

CREATE TRIGGER keys_deleted AFTER DELETE ON keys BEGIN
    INSERT INTO changes (kind, tenant, id) VALUES ('tenant', OLD.tenant, '');
END;

CREATE TRIGGER keys_updated AFTER UPDATE ON keys BEGIN
    INSERT INTO changes (kind, tenant, id) SELECT 'tenant', OLD.tenant, '' UNION SELECT 'tenant', NEW.tenant, '';
END;

CREATE TRIGGER tenants_inserted AFTER INSERT ON tenants BEGIN
    INSERT INTO changes (kind, tenant, id) VALUES ('tenant', NEW.id, '');
END;

CREATE TRIGGER tenants_deleted AFTER DELETE ON tenants BEGIN
    INSERT INTO changes (kind, tenant, id) VALUES ('tenant', OLD.id, '');
END;

CREATE TRIGGER tenants_updated AFTER UPDATE ON tenants BEGIN
    INSERT INTO changes (kind, tenant, id) SELECT 'tenant', OLD.id, '' UNION SELECT 'tenant', NEW.id, '';
END;
