"""Verifies access tokens of one tenant, and honours sign-outs, as docs/revocation-feed.md says.

    feed = Feed("https://auth.example.com", "default", feed_key)
    feed.start()
    feed.verify(token)  # The claims. Otherwise Unavailable (503), or another exception (401).

It never asks the server about a token: what it cannot know is Unavailable. It needs PyJWT with cryptography.
"""

import base64, hashlib, hmac, http.client, json, math, random, secrets, threading, time
from urllib.parse import quote, urlsplit

import jwt

SECOND, MILLI = 10**9, 10**6
CAPACITY, RANKS, STATES = 1_000_000, ["user", "manager", "admin"], ["suspended", "active"]
LENGTHS = {"s": 3, "u": 5, "t": 3, "e": 2, "r": 4, "k": 2, "j": 1}
PAGE = {"iss": str, "log": str, "to": int, "iat": int, "records": list}
ANSWER = {**PAGE, "from": int, "nonce": str, "lag_ms": int, "more": bool, "behind": list}


class Unavailable(Exception):
    """Whether a token counts cannot be known now: answer 503 with Retry-After, never 401."""


def clock():
    """Nanoseconds: whole numbers round nothing away."""
    return time.clock_gettime_ns(time.CLOCK_BOOTTIME)


def derived(feed_key):
    extracted = hmac.digest(bytes(32), feed_key.encode(), "sha256")
    return hmac.digest(extracted, b"portcullis revocations v1\x01", "sha256")


def decoded(part):
    raw = base64.urlsafe_b64decode(part + "=" * (-len(part) % 4))
    if base64.urlsafe_b64encode(raw).rstrip(b"=").decode() != part:
        raise ValueError("not strict base64url")
    return raw


def once(pairs):
    if len(dict(pairs)) != len(pairs):
        raise ValueError("a member occurs twice")
    return dict(pairs)


def read(secret, typ, types, text):
    """The claims of an answer or a page. The caller compares issuer and nonce."""
    header, payload, signature = text.split(".")
    expected = hmac.digest(secret, f"{header}.{payload}".encode(), "sha256")
    head, claims = [json.loads(decoded(part), object_pairs_hook=once) for part in (header, payload)]
    if "crit" in head or (head["typ"], head["alg"]) != (typ, "HS256"):
        raise ValueError("not what was asked for")
    if not hmac.compare_digest(decoded(signature), expected):
        raise ValueError("not signed with this feed key")
    if any(type(claims[name]) is not kind for name, kind in types.items()):
        raise ValueError("a claim of another type")
    if any(LENGTHS.get(record[0]) != len(record) for record in claims["records"]):
        raise ValueError("an unknown record")
    return claims


class Revocations:
    """What is revoked, and how old that knowledge is. Times are arguments: readings of `clock()`."""

    def __init__(self, begun):
        """At `begun` the snapshot was asked for."""
        self.begun, self.stamp, self.logs, self.disputed, self.pruned = begun, None, {}, math.inf, begun
        self.sessions, self.users, self.roles, self.keys, self.everyone = {}, {}, {}, set(), 0
        self.tenant = {"epoch": -1, "value": STATES.index("active"), "log": None, "came": -math.inf}

    def take_page(self, page, now):
        self.logs = {page["log"]: (page["to"], -math.inf)}
        self.clocks = self.clocks if hasattr(self, "clocks") else (page["iat"], self.begun, now)
        self.add(page, None, -math.inf, now)

    def query(self, nonce, wait, now):
        age = now - min(self.disputed, max(self.stamp or self.begun, self.begun))
        at = ",".join(f"{log}:{number}" for log, (number, _) in self.logs.items())
        return f"at={at}&age={-(-age // MILLI)}&wait={wait}&nonce={nonce}"

    def take(self, answer, sent, now):
        """Takes the answer to the outstanding poll: `proven`, `more`, `started`, `ignored`, or `snapshot`."""
        if (self.clocks[0] - answer["iat"] - 120) * SECOND > self.clocks[2] - sent:
            return "snapshot"  # The server's clock was set back.
        log, first, last, more = [answer[name] for name in ("log", "from", "to", "more")]
        number, proven = self.logs.pop(log, (None, None))
        stamp, count = min(sent - answer["lag_ms"] * MILLI, now), last - first + 1
        follows = first - 1 == number and count == len(answer["records"]) and not (more and count == 0)
        if not follows and (first - 1 == number or count or more or now - sent > 30 * SECOND):
            return "ignored"
        if not follows and (answer["iat"] - self.clocks[0] - 60) * SECOND > now - self.clocks[1]:
            return "snapshot"
        since = proven if follows else -math.inf if answer["behind"] else stamp
        agreed = self.add(answer, log if follows else None, since, now)
        if len(self.sessions) + len(self.users) + len(self.roles) > CAPACITY:
            return "snapshot"
        # No stamp moves before all records are there.
        if follows and not more and not answer["behind"]:
            self.stamp, self.clocks = max(stamp, self.stamp or stamp), (answer["iat"], sent, now)
        elif not follows and agreed:
            self.disputed = math.inf
        self.logs[log] = (last, (stamp if not answer["behind"] else since) if not more else proven)
        if not agreed:
            self.logs, self.disputed = {}, min(self.disputed, since)
        self.logs = dict(list(self.logs.items())[-16:])
        return "more" if more else "proven" if follows else "started"

    def add(self, answer, log, since, now):
        """Adds records, and says whether it is clear of each which of two values is the newer one."""
        end = lambda until: now + (until - answer["iat"] + 120) * SECOND
        agreed = True
        for kind, *members in answer["records"]:
            if kind == "s":
                sid, until = members
                self.sessions[sid] = max(self.sessions.get(sid, 0), end(until))
            elif kind == "u":
                sub, epoch, spared, until = members
                before, kept, known_end = self.users.get(sub, (-1, set(), 0))
                kept = kept if epoch < before else set(spared) & kept if epoch == before else set(spared)
                self.users[sub] = max(epoch, before), kept, max(end(until), known_end)
            elif kind == "e":
                self.everyone = max(self.everyone, *members)
            elif kind == "k":
                self.keys.add(*members)
            elif kind == "t":
                value, epoch = STATES.index(members[0]), members[1]
                if epoch > self.tenant["epoch"]:
                    self.tenant = {"epoch": epoch, "value": value, "log": log, "came": now}
                elif epoch == self.tenant["epoch"]:
                    agreed &= told(self.tenant, value, log, since, now)
            elif kind == "r":
                sub, role, until = members
                value = RANKS.index(role)
                known = self.roles.setdefault(sub, {"value": value, "log": log, "came": now, "end": 0})
                known["end"] = max(known["end"], end(until))
                agreed &= told(known, value, log, since, now)
        if now > self.pruned + 60 * SECOND:
            self.pruned = now
            self.sessions = {sid: over for sid, over in self.sessions.items() if over > now}
            self.users = {sub: user for sub, user in self.users.items() if user[2] > now}
            self.roles = {sub: role for sub, role in self.roles.items() if role["end"] > now}
        return agreed

    def is_over(self, sub, sid, kid, epochs):
        epoch, kept, _ = self.users.get(sub, (0, (), 0))
        return (
            sid in self.sessions or kid in self.keys or STATES[self.tenant["value"]] == "suspended"
            or (epochs[0] < epoch and sid not in kept)
            or epochs[1] < self.tenant["epoch"] or epochs[2] < self.everyone
        )  # fmt: skip


def told(known, value, log, since, now):
    """Takes a value if it is the newer one. Where that is not clear, the lesser one counts."""
    follows = log is not None and known["log"] == log
    if value == known["value"]:
        known.update(came=now, log=log if follows else None)
    elif follows or known["came"] <= since:
        known.update(came=now, log=log, value=value)
    else:
        known.update(dict(came=now, log=None, value=value) if value < known["value"] else {})
        return False
    return True


class Feed(threading.Thread):
    def __init__(self, server, tenant, feed_key, max_staleness=1.0):
        super().__init__(daemon=True)
        self.server, self.tenant, self.max_staleness = urlsplit(server), tenant, int(max_staleness * SECOND)
        self.bearer, self.secret = f"Bearer {feed_key}", derived(feed_key)
        self.lock, self.known, self.trouble, self.server_ahead = threading.Lock(), None, None, -math.inf
        self.keys, self.issuer, self.keys_read, self.reading = {}, None, -math.inf, threading.Lock()

    def verify(self, token):
        kid = jwt.get_unverified_header(token).get("kid")
        try:
            if kid not in self.keys:
                self.read_keys()
        except Exception as fault:
            raise Unavailable(f"the keys cannot be read: {fault!r}") from fault
        if kid not in self.keys:
            raise Unavailable("the key is unknown")
        if jwt.get_unverified_header(token).get("typ") != "at+jwt":
            raise jwt.InvalidTokenError("not an access token")
        options = {"require": ["exp", "iss", "aud", "sub", "sid", "tid"], "verify_exp": False, "verify_iat": False}
        claims = jwt.decode(
            token, self.keys[kid], algorithms=["ES256"], issuer=self.issuer, audience=self.tenant, options=options
        )
        # Ours, or the server's where it is later: a clock that was set back would revive what is forgotten.
        if claims["exp"] + 60 <= max(time.time(), clock() / SECOND + self.server_ahead) or claims["tid"] != self.tenant:
            raise jwt.InvalidTokenError("expired, or of another tenant")
        sid = claims["jti"] if claims["strategy"] == "hybrid" else claims["sid"]
        with self.lock:
            known, now = self.known, clock()
            if known and known.is_over(claims["sub"], sid, kid, claims.get("epochs", [0, 0, 0])):
                raise jwt.InvalidTokenError("revoked")
            if not known or known.stamp is None or now - known.stamp > self.max_staleness:
                raise Unavailable(f"the feed is not followed: {self.trouble}")
            role = known.roles.get(claims["sub"])
        return {**claims, "role": RANKS[role["value"]]} if role else claims

    def read_keys(self):
        with self.reading:  # A second thread waits for what the first one reads.
            if clock() - self.keys_read < SECOND:
                return
            self.keys_read = clock()
            base = "" if self.tenant == "default" else f"/t/{self.tenant}"
            metadata = json.loads(self.get(f"{base}/.well-known/oauth-authorization-server", 2))
            keys = jwt.PyJWKSet.from_dict(json.loads(self.get(f"{base}/.well-known/jwks.json", 2)))
            self.issuer, self.keys = metadata["issuer"], {key.key_id: key for key in keys.keys}

    def get(self, path, patience):
        """The body of a 200. It follows no redirect, and sends the feed key to the feed alone."""
        kind = http.client.HTTPSConnection if self.server.scheme == "https" else http.client.HTTPConnection
        connection = kind(self.server.netloc, timeout=patience)
        try:
            connection.request("GET", path, headers={"Authorization": self.bearer} if "/auth/" in path else {})
            answer = connection.getresponse()
            if answer.status == 410:
                raise Gone
            if answer.status != 200:
                raise OSError(f"the server answered {answer.status}")
            return answer.read(8 << 20).decode()
        finally:
            connection.close()

    def signed(self, typ, types, path, patience):
        claims = read(self.secret, typ, types, self.get(path, patience).strip())
        if claims["iss"] != self.issuer:
            raise ValueError("the answer of another issuer")
        return claims

    def run(self):
        pause, faults, snapshots = 0, 0, 0
        while True:
            time.sleep(pause)
            pause = 0
            try:
                if self.issuer is None:
                    self.read_keys()
                if self.issuer is None:
                    raise OSError("the issuer could not be read")
                if self.known is None:
                    time.sleep(min(snapshots * random.random() * 2, 60))
                    snapshots += 1
                    self.read_snapshot()
                if self.poll() == "proven":
                    faults, snapshots, self.trouble = 0, 0, None
            except Exception as fault:
                self.trouble, faults = repr(fault), faults + 1
                pause = min(0.05 * 2 ** min(faults, 6), 2) * random.random()

    def read_snapshot(self):
        known, cursor, first = Revocations(clock()), "", None
        while cursor is not None:
            path = f"/auth/revocations/snapshot?cursor={quote(cursor)}"
            page = self.signed("revocations-snapshot+jwt", PAGE, path, 10)
            first = first or page
            if (page["log"], page["to"]) != (first["log"], first["to"]):
                raise ValueError("pages of two snapshots")
            if page["tenants"] != [self.tenant]:
                raise ValueError(f"the feed key is not of tenant {self.tenant} alone")
            known.take_page(page, clock())
            cursor = page.get("next")
        with self.lock:
            self.known = known

    def poll(self):
        nonce, sent, wait = secrets.token_urlsafe(16), clock(), self.max_staleness // 4 // MILLI
        path = f"/auth/revocations?{self.known.query(nonce, wait, sent)}"
        try:
            answer = self.signed("revocations+jwt", ANSWER, path, (wait * MILLI + self.max_staleness // 2) / SECOND)
        except Gone:
            answer = None
        if answer and answer["nonce"] != nonce:
            raise ValueError("an answer to another poll")
        with self.lock:
            now = clock()
            outcome = self.known.take(answer, sent, now) if answer else "snapshot"
            if outcome == "snapshot":
                self.known = None
            elif outcome != "ignored":
                self.server_ahead = answer["iat"] - now / SECOND
        if outcome == "ignored":
            raise ValueError("the answer does not count")
        if answer and any(record[0] in "jk" for record in answer["records"]):
            self.read_keys()
        return outcome


class Gone(Exception):
    """The snapshot is to be read."""
