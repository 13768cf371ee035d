PRAGMA user_version = 0;
PRAGMA application_id = 0;
BEGIN TRANSACTION;
CREATE TABLE changes (
    seq    INTEGER PRIMARY KEY AUTOINCREMENT,
    kind   TEXT    NOT NULL, -- session, user, tenant or everyone
    tenant TEXT    NOT NULL,
    id     TEXT    NOT NULL
) STRICT;
INSERT INTO "changes" VALUES(1,'tenant','default','');
INSERT INTO "changes" VALUES(2,'tenant','default','');
INSERT INTO "changes" VALUES(3,'tenant','default','');
INSERT INTO "changes" VALUES(4,'tenant','default','');
INSERT INTO "changes" VALUES(5,'user','default','01a222e8-57e8-7c2e-abfa-9e4edf39d581');
INSERT INTO "changes" VALUES(6,'session','default','01a222e8-58f8-7355-96c4-ab92b0fff0e3');
INSERT INTO "changes" VALUES(7,'session','default','01a222e8-595e-7355-ac7b-e578e5a52be9');
INSERT INTO "changes" VALUES(8,'session','default','01a222e8-59b6-7355-9ce5-36274a76f6e8');
INSERT INTO "changes" VALUES(9,'session','default','01a222e8-59c7-7355-b656-5b13624d24dc');
INSERT INTO "changes" VALUES(10,'session','default','01a222e8-59c7-7355-b656-5b13624d24dc');
INSERT INTO "changes" VALUES(11,'session','default','01a222e8-59e5-7355-bacb-d2198bcf044a');
INSERT INTO "changes" VALUES(12,'session','default','01a222e8-59e5-7355-bacb-d2198bcf044a');
CREATE TABLE epochs (
    scope  TEXT    NOT NULL CHECK (scope IN ('user', 'tenant', 'everyone')),
    tenant TEXT    NOT NULL,
    id     TEXT    NOT NULL,
    epoch  INTEGER NOT NULL,
    at     INTEGER NOT NULL,
    reason TEXT    NOT NULL,
    PRIMARY KEY (scope, tenant, id)
) STRICT;
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
CREATE TABLE installation (
    one     INTEGER NOT NULL PRIMARY KEY CHECK (one = 1),
    issuer  TEXT    NOT NULL,
    created INTEGER NOT NULL
) STRICT;
INSERT INTO "installation" VALUES(1,'urn:uuid:2c07d8d1-e3aa-450e-9136-fddddd1ce168',1795881981852);
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
INSERT INTO "keys" VALUES('default','qt1RnFiDrI2l70q1Dv_NJg','access','ES256',0,X'308187020100301306072A8648CE3D020106082A8648CE3D030107046D306B02010104201497941713068D13BC5B2760548438E2CAC70A9D5A560382E0FEF5C86BBBD93CA144034200043F57B7B1E2F795967C683E262F3575B37159BC20B386CA5C798A10BAEE1E31E3A3B1B90362F4067EB35E5AF4562EBBB2A733108F9CEFCA133A29E6DB396F913D',1795881981862,1795878381862);
INSERT INTO "keys" VALUES('default','LHlWUyv_BG-WgZPsjOoEsA','refresh','HS256',0,X'4999B52B83CB5B8AF109C051402FA3E616F407E0616F3996F592054242D874E7',1795881981863,1795878381863);
INSERT INTO "keys" VALUES('default','ov3HdXZxE46TK1Znl0rVBw','cookie','HS256',0,X'764538654D6B444665356156614E657065563576784154754963726358745A4675566D44523076534F6C4D',1795881981863,1795878381863);
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
CREATE TABLE portcullis_migrations (
    version BIGINT PRIMARY KEY,
    description TEXT NOT NULL,
    installed_on TIMESTAMP NOT NULL DEFAULT CURRENT_TIMESTAMP,
    success BOOLEAN NOT NULL,
    checksum BLOB NOT NULL,
    execution_time BIGINT NOT NULL
);
INSERT INTO "portcullis_migrations" VALUES(1,'records','2026-11-28 16:06:21',1,X'526D2EAD8F0841EB4B119DAACE9B2B27F9B13B6BDC54A70C9F7E0E90A0D9F4411EEDD02E5D3C0A958533221687C4B8B9',636720);
INSERT INTO "portcullis_migrations" VALUES(2,'changes','2026-11-28 16:06:21',1,X'AA7C3E1CF134C31956B596DC31F834261FA54B8F17F12B701157DA3D5DBA2C9135136C6C29517F7C539F74DEB4659BF1',771982);
INSERT INTO "portcullis_migrations" VALUES(3,'devices','2026-11-28 16:06:21',1,X'2A93DA7F056B8B82B4E5C723544D05D5441AA384D7C22D8DE75681D43A02E7113B5930A8172CEAF4FCEE3743D2614760',3779076);
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
INSERT INTO "sessions" VALUES('default','01a222e8-58f8-7355-96c4-ab92b0fff0e3','01a222e8-57e8-7c2e-abfa-9e4edf39d581','session','curl/8.7.1','127.0.0.1','curl/8.7.1',1795881982200,1795881982200,1795968382200,1798473982200,0,0,0,X'9C9C4C4B82D81FD56614DFDCF5ECD93C27244F3248D265D44D821096472FC8AF',NULL,NULL,NULL,NULL,NULL,NULL,NULL,NULL,NULL,NULL,NULL,NULL);
INSERT INTO "sessions" VALUES('default','01a222e8-595e-7355-ac7b-e578e5a52be9','01a222e8-57e8-7c2e-abfa-9e4edf39d581','hybrid','curl/8.7.1','127.0.0.1','curl/8.7.1',1795881982302,1795881982302,1795885582302,1795885582302,0,0,0,NULL,NULL,NULL,NULL,NULL,NULL,NULL,NULL,NULL,NULL,NULL,NULL,NULL);
INSERT INTO "sessions" VALUES('default','01a222e8-59b6-7355-9ce5-36274a76f6e8','01a222e8-57e8-7c2e-abfa-9e4edf39d581','session-jwt','curl/8.7.1','127.0.0.1','curl/8.7.1',1795881982390,1795881982390,1795968382390,1795968382390,0,0,0,NULL,NULL,NULL,NULL,NULL,NULL,NULL,NULL,NULL,NULL,NULL,NULL,NULL);
INSERT INTO "sessions" VALUES('default','01a222e8-59c7-7355-b656-5b13624d24dc','01a222e8-57e8-7c2e-abfa-9e4edf39d581','refresh','curl/8.7.1','127.0.0.1','curl/8.7.1',1795881982407,1795881982411,1796486782411,1798473982407,0,0,0,NULL,1,1795881982411,1796486782411,'LHlWUyv_BG-WgZPsjOoEsA',X'D431CF6DDAB3A2B2CCFA93DB3B46D9A300928082D9D263606F0EB3C3BD25CFA0',1795881982407,1796486782407,X'A68430CA27E07BBDC1E69DA007F5412E2C6CE769F67A5FD78E438286FC706AE4',NULL,NULL,NULL,NULL);
INSERT INTO "sessions" VALUES('default','01a222e8-59e5-7355-bacb-d2198bcf044a','01a222e8-57e8-7c2e-abfa-9e4edf39d581','denylist','curl/8.7.1','127.0.0.1','curl/8.7.1',1795881982437,1795881982445,1796486782445,1798473982437,0,0,0,NULL,1,1795881982445,1796486782445,'LHlWUyv_BG-WgZPsjOoEsA',X'7D0816FDE7F11979D0A9771F40DDA9B44ECF1E976FBDF19B8193812CAB051E33',1795881982437,1796486782437,X'0878F61D5C5E5439D72DF3FE45A602D42B59A84A3EB32C32EB7A5275C9647CC1',NULL,NULL,NULL,NULL);
CREATE TABLE tenants (
    id      TEXT    NOT NULL PRIMARY KEY,
    created INTEGER NOT NULL
, settings     TEXT    NOT NULL DEFAULT '{}', database     TEXT, suspended    INTEGER, tokens_after INTEGER, version      INTEGER NOT NULL DEFAULT 0) STRICT;
INSERT INTO "tenants" VALUES('default',1795881981852,'{}',NULL,NULL,NULL,0);
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
    version          INTEGER NOT NULL, username           TEXT, username_canonical TEXT, mobile             TEXT, devices            TEXT NOT NULL DEFAULT '[]', search             TEXT NOT NULL DEFAULT '',
    PRIMARY KEY (tenant, id),
    UNIQUE (tenant, email_canonical)
) STRICT;
INSERT INTO "users" VALUES('default','01a222e8-57e8-7c2e-abfa-9e4edf39d581','ann@example.com','ann@example.com','Ann Droid',NULL,NULL,'user','$argon2id$v=19$m=19456,t=2,p=1$nENN9gNheQN7deQtHcL1fg$OwamaRbGm4KFY3uOpXnPo4fef0yCkxflnkNdILanHg8','[]',NULL,1795881981928,1795881981928,1,NULL,NULL,NULL,'[]','ann@example.com
ann droid');
CREATE INDEX sessions_of_user ON sessions (tenant, user_id, id);
CREATE INDEX sessions_by_absolute_end ON sessions (absolute_expires);
CREATE INDEX sessions_by_idle_end ON sessions (idle_expires) WHERE ended_at IS NULL;
CREATE TRIGGER sessions_inserted AFTER INSERT ON sessions BEGIN
    INSERT INTO changes (kind, tenant, id) VALUES ('session', NEW.tenant, NEW.id);
END;
CREATE TRIGGER sessions_deleted AFTER DELETE ON sessions BEGIN
    INSERT INTO changes (kind, tenant, id) VALUES ('session', OLD.tenant, OLD.id);
END;
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
CREATE UNIQUE INDEX users_by_username ON users (tenant, username_canonical) WHERE username_canonical IS NOT NULL;
CREATE UNIQUE INDEX users_by_mobile ON users (tenant, mobile) WHERE mobile IS NOT NULL;
CREATE INDEX tickets_of_user ON tickets (tenant, user_id, purpose, created, id);
CREATE INDEX tickets_by_end ON tickets (purpose, expires);
CREATE INDEX guesses_by_change ON guesses (changed);
CREATE INDEX mail_by_due ON mail (due, id);
DELETE FROM "sqlite_sequence";
INSERT INTO "sqlite_sequence" VALUES('changes',12);
COMMIT;
