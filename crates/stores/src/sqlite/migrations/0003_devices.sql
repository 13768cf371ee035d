-- What users sign in by beside their address, the devices they are known by, and what a list is searched by: everything
-- that names a user, in lower case, a line each. The program writes it, for SQLite knows the letters of ASCII only.
ALTER TABLE users ADD COLUMN username           TEXT;
ALTER TABLE users ADD COLUMN username_canonical TEXT;
ALTER TABLE users ADD COLUMN mobile             TEXT;
ALTER TABLE users ADD COLUMN devices            TEXT NOT NULL DEFAULT '[]'; -- a JSON array, the last one used first
ALTER TABLE users ADD COLUMN search             TEXT NOT NULL DEFAULT '';

CREATE UNIQUE INDEX users_by_username ON users (tenant, username_canonical) WHERE username_canonical IS NOT NULL;
CREATE UNIQUE INDEX users_by_mobile ON users (tenant, mobile) WHERE mobile IS NOT NULL;

ALTER TABLE tenants ADD COLUMN settings     TEXT    NOT NULL DEFAULT '{}'; -- a JSON object
ALTER TABLE tenants ADD COLUMN database     TEXT;
ALTER TABLE tenants ADD COLUMN suspended    INTEGER;
ALTER TABLE tenants ADD COLUMN tokens_after INTEGER;
ALTER TABLE tenants ADD COLUMN version      INTEGER NOT NULL DEFAULT 0;

-- Nobody remembers what is in these three, so no change of them is announced.
CREATE TABLE tickets (
    tenant         TEXT    NOT NULL,
    id             TEXT    NOT NULL,
    user_id        TEXT    NOT NULL,
    purpose        TEXT    NOT NULL,
    created        INTEGER NOT NULL,
    expires        INTEGER NOT NULL,
    secret_hash    BLOB    CHECK (length(secret_hash) = 32), -- none before it is sent
    device_hash    BLOB    CHECK (length(device_hash) = 32),
    epoch_user     INTEGER NOT NULL,
    epoch_tenant   INTEGER NOT NULL,
    epoch_everyone INTEGER NOT NULL,
    wrong          INTEGER NOT NULL,
    last_wrong     INTEGER,
    state          TEXT    NOT NULL,
    PRIMARY KEY (tenant, id)
) STRICT;

CREATE INDEX tickets_of_user ON tickets (tenant, user_id, purpose, created, id);
CREATE INDEX tickets_by_end ON tickets (purpose, expires);

-- `device` is empty for the guesses at the user's password.
CREATE TABLE guesses (
    tenant       TEXT    NOT NULL,
    user_id      TEXT    NOT NULL,
    device       BLOB    NOT NULL CHECK (length(device) IN (0, 32)),
    in_row       INTEGER NOT NULL,
    in_round     INTEGER NOT NULL,
    locked_until INTEGER,
    in_lock      INTEGER NOT NULL,
    pending      TEXT    NOT NULL, -- a JSON array of times
    changed      INTEGER NOT NULL,
    PRIMARY KEY (tenant, user_id, device)
) STRICT;

CREATE INDEX guesses_by_change ON guesses (changed);

CREATE TABLE mail (
    tenant     TEXT    NOT NULL,
    id         TEXT    NOT NULL,
    user_id    TEXT    NOT NULL,
    about      TEXT    NOT NULL,
    ticket     TEXT,
    device_name TEXT   NOT NULL,
    address    TEXT    NOT NULL,
    created    INTEGER NOT NULL,
    expires    INTEGER NOT NULL,
    due        INTEGER NOT NULL,
    was_due    INTEGER, -- before it was claimed
    tries      INTEGER NOT NULL,
    PRIMARY KEY (tenant, id)
) STRICT;

CREATE INDEX mail_by_due ON mail (due, id);
