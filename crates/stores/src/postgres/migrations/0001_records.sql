-- Ids are UUIDs in lower case, times are milliseconds since 1970, hashes are 32 bytes. Texts are compared byte by byte,
-- whatever the language of the database.

CREATE TABLE tenants (
    id           TEXT COLLATE "C" NOT NULL PRIMARY KEY,
    created      BIGINT NOT NULL,
    settings     TEXT COLLATE "C" NOT NULL DEFAULT '{}', -- a JSON object
    database     TEXT COLLATE "C",
    suspended    BIGINT,
    tokens_after BIGINT,
    version      BIGINT NOT NULL DEFAULT 0
);

CREATE TABLE installation (
    one     BIGINT NOT NULL PRIMARY KEY CHECK (one = 1),
    issuer  TEXT COLLATE "C" NOT NULL,
    created BIGINT NOT NULL
);

CREATE TABLE users (
    tenant             TEXT COLLATE "C" NOT NULL,
    id                 TEXT COLLATE "C" NOT NULL,
    email              TEXT COLLATE "C" NOT NULL,
    email_canonical    TEXT COLLATE "C" NOT NULL,
    email_verified     BOOLEAN NOT NULL DEFAULT FALSE,
    username           TEXT COLLATE "C",
    username_canonical TEXT COLLATE "C",
    mobile             TEXT COLLATE "C",
    name               TEXT COLLATE "C",
    given_name         TEXT COLLATE "C",
    family_name        TEXT COLLATE "C",
    role               TEXT COLLATE "C" NOT NULL,
    password           TEXT COLLATE "C",
    former_passwords   TEXT COLLATE "C" NOT NULL, -- a JSON array, newest first
    devices            TEXT COLLATE "C" NOT NULL DEFAULT '[]', -- a JSON array, the last one used first
    search             TEXT COLLATE "C" NOT NULL DEFAULT '', -- what names the user, in lower case, a line each
    disabled           BIGINT,
    created            BIGINT NOT NULL,
    updated            BIGINT NOT NULL,
    version            BIGINT NOT NULL,
    PRIMARY KEY (tenant, id),
    UNIQUE (tenant, email_canonical)
);

CREATE UNIQUE INDEX users_by_username ON users (tenant, username_canonical) WHERE username_canonical IS NOT NULL;
CREATE UNIQUE INDEX users_by_mobile ON users (tenant, mobile) WHERE mobile IS NOT NULL;

-- A rotation changes no column of an index, so that the new row fits beside the old one (`fillfactor`).
CREATE TABLE sessions (
    tenant              TEXT COLLATE "C" NOT NULL,
    id                  TEXT COLLATE "C" NOT NULL,
    user_id             TEXT COLLATE "C" NOT NULL,
    strategy            TEXT COLLATE "C" NOT NULL,
    device_name         TEXT COLLATE "C" NOT NULL,
    address             TEXT COLLATE "C" NOT NULL,
    user_agent          TEXT COLLATE "C" NOT NULL,
    created             BIGINT NOT NULL,
    last_seen           BIGINT NOT NULL,
    idle_expires        BIGINT NOT NULL,
    absolute_expires    BIGINT NOT NULL,
    epoch_user          BIGINT NOT NULL,
    epoch_tenant        BIGINT NOT NULL,
    epoch_everyone      BIGINT NOT NULL,
    gave_code           BOOLEAN NOT NULL DEFAULT FALSE,
    cookie_hash         BYTEA CHECK (pg_catalog.length(cookie_hash) = 32),
    rotation_generation BIGINT,
    rotation_issued     BIGINT,
    rotation_expires    BIGINT,
    rotation_kid        TEXT COLLATE "C",
    rotation_hash       BYTEA CHECK (pg_catalog.length(rotation_hash) = 32),
    previous_issued     BIGINT,
    previous_expires    BIGINT,
    previous_hash       BYTEA CHECK (pg_catalog.length(previous_hash) = 32),
    late_generation     BIGINT,
    late_in_a_row       BIGINT,
    proof_hash          BYTEA CHECK (pg_catalog.length(proof_hash) = 32),
    proof_shown         BOOLEAN,
    ended_at            BIGINT,
    ended_reason        TEXT COLLATE "C",
    version             BIGINT NOT NULL DEFAULT 0,
    PRIMARY KEY (tenant, id),
    UNIQUE (tenant, cookie_hash),
    CHECK ((ended_at IS NULL) = (ended_reason IS NULL))
) WITH (fillfactor = 70);

CREATE INDEX sessions_of_user ON sessions (tenant, user_id, id);
CREATE INDEX sessions_by_absolute_end ON sessions (absolute_expires);
CREATE INDEX sessions_by_idle_end ON sessions (idle_expires) WHERE ended_at IS NULL;

-- `tenant` is empty for everyone, `id` for all but users.
CREATE TABLE epochs (
    scope  TEXT COLLATE "C" NOT NULL CHECK (scope IN ('user', 'tenant', 'everyone')),
    tenant TEXT COLLATE "C" NOT NULL,
    id     TEXT COLLATE "C" NOT NULL,
    epoch  BIGINT NOT NULL,
    at     BIGINT NOT NULL,
    reason TEXT COLLATE "C" NOT NULL,
    PRIMARY KEY (scope, tenant, id)
);

CREATE TABLE keys (
    tenant      TEXT COLLATE "C" NOT NULL,
    kid         TEXT COLLATE "C" NOT NULL,
    usage       TEXT COLLATE "C" NOT NULL,
    algorithm   TEXT COLLATE "C" NOT NULL,
    sealed      BOOLEAN NOT NULL,
    material    BYTEA NOT NULL,
    created     BIGINT NOT NULL,
    active_from BIGINT NOT NULL,
    PRIMARY KEY (tenant, kid)
);

CREATE TABLE tickets (
    tenant         TEXT COLLATE "C" NOT NULL,
    id             TEXT COLLATE "C" NOT NULL,
    user_id        TEXT COLLATE "C" NOT NULL,
    purpose        TEXT COLLATE "C" NOT NULL,
    created        BIGINT NOT NULL,
    expires        BIGINT NOT NULL,
    secret_hash    BYTEA CHECK (pg_catalog.length(secret_hash) = 32), -- none before it is sent
    device_hash    BYTEA CHECK (pg_catalog.length(device_hash) = 32),
    epoch_user     BIGINT NOT NULL,
    epoch_tenant   BIGINT NOT NULL,
    epoch_everyone BIGINT NOT NULL,
    wrong          BIGINT NOT NULL,
    last_wrong     BIGINT,
    state          TEXT COLLATE "C" NOT NULL,
    kid            TEXT COLLATE "C", -- the key under which the secret was hashed
    PRIMARY KEY (tenant, id)
);

CREATE INDEX tickets_of_user ON tickets (tenant, user_id, purpose, created, id);
CREATE INDEX tickets_by_end ON tickets (purpose, expires);

-- `device` is empty for the guesses at the user's password.
CREATE TABLE guesses (
    tenant       TEXT COLLATE "C" NOT NULL,
    user_id      TEXT COLLATE "C" NOT NULL,
    device       BYTEA NOT NULL CHECK (pg_catalog.length(device) IN (0, 32)),
    in_row       BIGINT NOT NULL,
    in_round     BIGINT NOT NULL,
    locked_until BIGINT,
    in_lock      BIGINT NOT NULL,
    pending      TEXT COLLATE "C" NOT NULL, -- a JSON array of times
    changed      BIGINT NOT NULL,
    PRIMARY KEY (tenant, user_id, device)
);

CREATE INDEX guesses_by_change ON guesses (changed);

CREATE TABLE mail (
    tenant      TEXT COLLATE "C" NOT NULL,
    id          TEXT COLLATE "C" NOT NULL,
    user_id     TEXT COLLATE "C" NOT NULL,
    about       TEXT COLLATE "C" NOT NULL,
    ticket      TEXT COLLATE "C",
    device_name TEXT COLLATE "C" NOT NULL,
    address     TEXT COLLATE "C" NOT NULL,
    created     BIGINT NOT NULL,
    expires     BIGINT NOT NULL,
    due         BIGINT NOT NULL,
    was_due     BIGINT, -- before it was claimed
    tries       BIGINT NOT NULL,
    PRIMARY KEY (tenant, id)
);

CREATE INDEX mail_by_due ON mail (due, id, expires);
CREATE INDEX mail_of_ticket ON mail (tenant, ticket) WHERE ticket IS NOT NULL;
CREATE INDEX mail_by_end ON mail (expires);
