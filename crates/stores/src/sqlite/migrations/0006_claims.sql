-- What access tokens say of a sign-in: whether a code was given, and whether the address is the user's.
ALTER TABLE sessions ADD COLUMN gave_code INTEGER NOT NULL DEFAULT 0;
ALTER TABLE users ADD COLUMN email_verified INTEGER NOT NULL DEFAULT 0;
