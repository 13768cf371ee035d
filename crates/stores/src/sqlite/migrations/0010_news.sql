-- A session is announced if something has changed that a check reads. Before, every column was news that a statement
-- named, and so was every rotation of a refresh token.
DROP TRIGGER sessions_updated;

CREATE TRIGGER sessions_updated AFTER UPDATE ON sessions WHEN
    (OLD.tenant, OLD.id, OLD.user_id, OLD.strategy, OLD.device_name, OLD.address, OLD.user_agent, OLD.created,
    OLD.absolute_expires, OLD.epoch_user, OLD.epoch_tenant, OLD.epoch_everyone, OLD.cookie_hash,
    OLD.proof_hash, OLD.proof_shown, OLD.ended_at, OLD.ended_reason)
    IS NOT
    (NEW.tenant, NEW.id, NEW.user_id, NEW.strategy, NEW.device_name, NEW.address, NEW.user_agent, NEW.created,
    NEW.absolute_expires, NEW.epoch_user, NEW.epoch_tenant, NEW.epoch_everyone, NEW.cookie_hash,
    NEW.proof_hash, NEW.proof_shown, NEW.ended_at, NEW.ended_reason)
BEGIN
    INSERT INTO changes (kind, tenant, id)
        SELECT 'session', OLD.tenant, OLD.id UNION SELECT 'session', NEW.tenant, NEW.id;
END;
