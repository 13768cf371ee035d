-- Where the nodes of this database keep live sessions. A node that would keep them elsewhere is refused at its start.
CREATE TABLE session_placement (
    one    INTEGER NOT NULL PRIMARY KEY CHECK (one = 1),
    kind   TEXT    NOT NULL CHECK (kind IN ('database', 'redis')),
    marker TEXT    NOT NULL DEFAULT '' -- of Redis: what it has under a key that persists
) STRICT;
