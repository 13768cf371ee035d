-- Counts the changes of a session: what was decided on one version is written only if that is still the stored one.
ALTER TABLE sessions ADD COLUMN version INTEGER NOT NULL DEFAULT 0;

-- What is changed by hand in a shell is counted as well, of a session and of its user.
CREATE TRIGGER sessions_counted AFTER UPDATE ON sessions WHEN NEW.version = OLD.version BEGIN
    UPDATE sessions SET version = version + 1 WHERE tenant = NEW.tenant AND id = NEW.id;
END;

CREATE TRIGGER users_counted AFTER UPDATE ON users WHEN NEW.version = OLD.version BEGIN
    UPDATE users SET version = version + 1 WHERE tenant = NEW.tenant AND id = NEW.id;
END;
