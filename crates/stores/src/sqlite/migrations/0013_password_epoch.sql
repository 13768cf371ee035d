-- How often a password was replaced, raised in the same update: a session whose password was compared under a lower
-- number is over, but for the one that replaced the password. Sessions of before, and tickets, have 0, as their users do.
ALTER TABLE users ADD COLUMN password_epoch INTEGER NOT NULL DEFAULT 0;
ALTER TABLE users ADD COLUMN kept_session TEXT;
ALTER TABLE sessions ADD COLUMN password_epoch INTEGER NOT NULL DEFAULT 0;
ALTER TABLE tickets ADD COLUMN password_epoch INTEGER NOT NULL DEFAULT 0;

CREATE TRIGGER sessions_password_epoch_updated AFTER UPDATE ON sessions
WHEN OLD.password_epoch IS NOT NEW.password_epoch BEGIN
    INSERT INTO changes (kind, tenant, id) VALUES ('session', NEW.tenant, NEW.id);
END;
