-- Ids are UUIDs in lower case, times are milliseconds since 1970, hashes are 32 bytes.

CREATE TABLE tenants (
    id      TEXT    NOT NULL PRIMARY KEY,
    created INTEGER NOT NULL
) STRICT;

CREATE TABLE installation (
    one     INTEGER NOT NULL PRIMARY KEY CHECK (one = 1),
    issuer  TEXT    NOT NULL,
    created INTEGER NOT NULL
) STRICT;

CREATE TABLE users (
    tenant           TEXT    NOT NULL,
    id               TEXT    NOT NULL,
    email            TEXT    NOT NULL,
    email_canonical  TEXT    NOT NULL,
    name             TEXT,
    given_name       TEXT,
    family_name      TEXT,
    role             TEXT    NOT NULL,
    password         TEXT,
    former_passwords TEXT    NOT NULL, -- a JSON array, newest first
    disabled         INTEGER,
    created          INTEGER NOT NULL,
    updated          INTEGER NOT NULL,
    version          INTEGER NOT NULL,
    PRIMARY KEY (tenant, id),
    UNIQUE (tenant, email_canonical)
) STRICT;

CREATE TABLE sessions (
    tenant              TEXT    NOT NULL,
    id                  TEXT    NOT NULL,
    user_id             TEXT    NOT NULL,
    strategy            TEXT    NOT NULL,
    device_name         TEXT    NOT NULL,
    address             TEXT    NOT NULL,
    user_agent          TEXT    NOT NULL,
    created             INTEGER NOT NULL,
    last_seen           INTEGER NOT NULL,
    idle_expires        INTEGER NOT NULL,
    absolute_expires    INTEGER NOT NULL,
    epoch_user          INTEGER NOT NULL,
    epoch_tenant        INTEGER NOT NULL,
    epoch_everyone      INTEGER NOT NULL,
    cookie_hash         BLOB    CHECK (length(cookie_hash) = 32),
    rotation_generation INTEGER,
    rotation_issued     INTEGER,
    rotation_expires    INTEGER,
    rotation_kid        TEXT,
    rotation_hash       BLOB    CHECK (length(rotation_hash) = 32),
    previous_issued     INTEGER,
    previous_expires    INTEGER,
    previous_hash       BLOB    CHECK (length(previous_hash) = 32),
    proof_hash          BLOB    CHECK (length(proof_hash) = 32),
    proof_shown         INTEGER CHECK (proof_shown IN (0, 1)),
    ended_at            INTEGER,
    ended_reason        TEXT,
    PRIMARY KEY (tenant, id),
    UNIQUE (tenant, cookie_hash),
    CHECK ((ended_at IS NULL) = (ended_reason IS NULL))
) STRICT;

CREATE INDEX sessions_of_user ON sessions (tenant, user_id, id);
CREATE INDEX sessions_by_absolute_end ON sessions (absolute_expires);
CREATE INDEX sessions_by_idle_end ON sessions (idle_expires) WHERE ended_at IS NULL;

-- `tenant` is empty for everyone, `id` for all but users.
CREATE TABLE epochs (
    scope  TEXT    NOT NULL CHECK (scope IN ('user', 'tenant', 'everyone')),
    tenant TEXT    NOT NULL,
    id     TEXT    NOT NULL,
    epoch  INTEGER NOT NULL,
    at     INTEGER NOT NULL,
    reason TEXT    NOT NULL,
    PRIMARY KEY (scope, tenant, id)
) STRICT;

CREATE TABLE keys (
    tenant      TEXT    NOT NULL,
    kid         TEXT    NOT NULL,
    usage       TEXT    NOT NULL,
    algorithm   TEXT    NOT NULL,
    sealed      INTEGER NOT NULL CHECK (sealed IN (0, 1)),
    material    BLOB    NOT NULL,
    created     INTEGER NOT NULL,
    active_from INTEGER NOT NULL,
    PRIMARY KEY (tenant, kid)
) STRICT;
