"""Uses a released server, and writes down what it leaves behind: see README.md.

    python3 make.py BINARY FOLDER

BINARY is the `portcullis` of that version, FOLDER the one named after it. Needs Python 3.9 and no library.
"""

import json
import os
import pathlib
import re
import signal
import sqlite3
import subprocess
import sys
import tempfile
import time
import urllib.error
import urllib.request

ANN = {"email": "ann@example.com", "password": "correct horse battery", "name": "Ann Droid"}
BOB = {"email": "bob@example.com", "password": "staple gun wedding", "name": "Bob Katz"}
NEW_PASSWORD = "vexed quilts jump far"
COMMON = {
    "MAIL_FROM": "Example <no-reply@example.com>",
    "STRATEGIES_ENABLED": "jwt,session,hybrid,refresh,denylist,session-jwt,device",
    "LISTEN": "127.0.0.1:0",
    "DATA_DIR": "data",
}
PRODUCTION = {
    **COMMON,
    "PUBLIC_URL": "https://auth.example.com",
    "MASTER_KEY": "030a11181f262d343b424950575e656c737a81888f969da4abb2b9c0c7ced5dc",
}
# On the machine of a developer, beside services in Node that share the secrets.
DEVELOPMENT = {
    **COMMON,
    "JWT_SECRET": "PLUvBoXPxtuPYZ1Rnm5hXpEZJ2nOUQ5rJ8cVQdlK",
    "SESSION_SECRET": "wQm1yKc0Dg7NfzVt3sHbLrXe9uTiOa5GpJ6kEYRh",
}
# Where mail is kept, and where no server takes it.
OUTBOX, NOWHERE = "outbox", "smtp://127.0.0.1:9?tls=none"
BROWSER = "Mozilla/5.0 (X11; Linux x86_64; rv:145.0) Gecko/20100101 Firefox/145.0"


class Installation:
    """A directory with the database of the old version, its commands, and its server."""

    def __init__(self, binary, directory, settings):
        self.binary, self.directory, self.settings = binary, directory, settings
        self.read_mails = set()

    def environment(self, transport=OUTBOX):
        stated = {f"PORTCULLIS_{name}": value for name, value in self.settings.items()}
        return {"PATH": os.environ["PATH"], **stated, "PORTCULLIS_MAIL_TRANSPORT": transport}

    def command(self, *words):
        return subprocess.run([self.binary, *words], capture_output=True, text=True, cwd=self.directory,
                              env=self.environment(), check=False)

    def run(self, *words):
        done = self.command(*words)
        if done.returncode:
            sys.exit(f"{words}: {done.stderr}")

    def start(self, transport):
        self.server = subprocess.Popen([self.binary, "serve"], stdout=subprocess.PIPE, stderr=subprocess.PIPE,
                                       text=True, cwd=self.directory, env=self.environment(transport))
        for line in self.server.stdout:
            found = re.search(r"127\.0\.0\.1:\d+", line)
            if found:
                self.address = found[0]
                return
        sys.exit(self.server.stderr.read())

    def stop(self):
        self.server.send_signal(signal.SIGTERM)
        if self.server.wait():
            sys.exit(self.server.stderr.read())

    def mail(self, to, pattern):
        """What the next mail to an address says by this pattern."""
        for _ in range(500):
            shown = self.command("mail", "last", "--to", to, "--json").stdout
            found = re.search(pattern, json.loads(shown)["text"]) if shown else None
            if found and shown not in self.read_mails:
                self.read_mails.add(shown)
                return found[1]
            time.sleep(0.02)
        sys.exit(f"no mail to {to} says {pattern}")

    def ask(self, method, path, body=None, tenant=None, token=None, cookie=None, agent="curl/8.7.1"):
        headers = {"user-agent": agent, "content-type": "application/json"}
        headers.update({"x-tenant-id": tenant} if tenant else {})
        headers.update({"authorization": f"Bearer {token}"} if token else {})
        headers.update({"cookie": cookie} if cookie else {})
        data = json.dumps(body or {}).encode() if method != "GET" else None
        request = urllib.request.Request(f"http://{self.address}{path}", data, headers, method=method)
        try:
            with urllib.request.urlopen(request) as answer:
                sets = answer.headers.get_all("set-cookie") or []
                return json.load(answer), sets[0].split(";")[0] if sets else None
        except urllib.error.HTTPError as refused:
            return {"status": refused.code, **json.load(refused)}, None

    def post(self, path, body=None, **how):
        answer, cookie = self.ask("POST", path, body, **how)
        if "status" in answer:
            sys.exit(f"{path}: {answer}")
        return answer, cookie

    def sign_in(self, strategy, person, tenant=None, native=False):
        body = {"email": person["email"], "password": person["password"], "native": native}
        answer, cookie = self.post(f"/auth/{strategy}/login", body, tenant=tenant)
        tokens = answer.get("tokens", answer)
        read = lambda *names: next((tokens[name] for name in names if name in tokens), None)
        return {
            "strategy": strategy,
            "credential": read("access_token", "accessToken") or cookie,
            "refresh": read("refresh_token", "refreshToken"),
            "proof": read("device_secret", "deviceSecret"),
            "used": None,
        }

    def refresh(self, held, tenant=None):
        body = {"refresh_token": held["refresh"], "device_secret": held["proof"]}
        body = {name: value for name, value in body.items() if value}
        answer, _ = self.post(f"/auth/{held['strategy']}/refresh", body, tenant=tenant)
        access = answer.get("access_token") or answer["accessToken"]
        refresh = answer.get("refresh_token") or answer["refreshToken"]
        return {**held, "credential": access, "refresh": refresh, "used": held["refresh"]}

    def request_code(self, person, agent, **more):
        body = {"usernameOrEmailOrMobile": person["email"], "password": person["password"], **more}
        answer, cookie = self.post("/auth/login", body, agent=agent)
        return answer["data"]["loginId"], cookie

    def device_sign_in(self, person, agent, **more):
        login, cookie = self.request_code(person, agent, **more)
        code = self.mail(person["email"], r"\b(\d{6})\b")
        answer, _ = self.post("/auth/login/verify", {"loginId": login, "otp": code, **more}, agent=agent, cookie=cookie)
        data = answer["data"]
        return {"access": data["accessToken"], "refresh": data["refreshToken"], "session": data["sessionId"],
                "proof": data.get("deviceSecret"), "cookie": cookie, "used": None}

    def device_refresh(self, held, agent):
        body = {"refreshToken": held["refresh"], "deviceSecret": held["proof"]}
        body = {name: value for name, value in body.items() if value}
        answer, _ = self.post("/auth/refresh", body, agent=agent, cookie=held["cookie"])
        data = answer["data"]
        return {**held, "access": data["accessToken"], "refresh": data["refreshToken"], "used": held["refresh"]}


def members(home):
    """Ann under each of the six strategies and in a browser, Bob in an app."""
    ann, _ = home.post("/auth/session/register", ANN)
    before_rotation = home.sign_in("jwt", ANN)
    rotated_from = home.sign_in("refresh", ANN)
    home.run("key", "rotate", "--now")
    held = [home.sign_in(strategy, ANN) for strategy in ("jwt", "session", "hybrid", "session-jwt")]
    held += [home.refresh(home.sign_in("refresh", ANN, native=True)), home.refresh(home.sign_in("denylist", ANN))]
    browser = home.device_refresh(home.device_sign_in(ANN, BROWSER), BROWSER)
    home.ask("PATCH", f"/auth/sessions/{browser['session']}", {"deviceName": "the kitchen"}, token=browser["access"])

    home.post("/auth/signup", {**BOB, "username": "bobk", "mobile": "+41795550102"})
    app = home.device_refresh(home.device_sign_in(BOB, "app/1", native=True), "app/1")
    changed = {"currentPassword": BOB["password"], "newPassword": NEW_PASSWORD}
    home.post("/auth/password", changed, token=app["access"])
    home.run("user", "role", BOB["email"], "admin")
    return {"ann": ann["id"], "strategies": held, "before_rotation": [before_rotation, rotated_from],
            "browser": browser, "app": app, "new_password": NEW_PASSWORD}


def ended(home):
    """Users whose sessions are over, or who are kept out."""
    carl, dora, eve = ({**ANN, "email": f"{name}@example.com", "name": name} for name in ("carl", "dora", "eve"))
    for person in (carl, dora, eve):
        home.post("/auth/jwt/register", person)
    gone = [home.sign_in(strategy, carl) for strategy in ("denylist", "session", "session-jwt")]
    home.post("/auth/denylist/logout", token=gone[0]["credential"])
    home.post("/auth/session/logout", cookie=gone[1]["credential"])
    claims = home.ask("GET", "/auth/session-jwt/profile", token=gone[2]["credential"])[0]
    home.run("session", "end", claims["user"]["sessionId"])
    gone.append(home.sign_in("hybrid", dora))
    home.run("user", "disable", dora["email"])
    for _ in range(5):
        home.ask("POST", "/auth/jwt/login", {**eve, "password": "wrong"})
    unlock = home.mail(eve["email"], r"token=(\S+)")
    home.post("/auth/password/forgot", {"email": carl["email"]})
    reset = home.mail(carl["email"], r"token=(\S+)")
    return {"ended": gone, "unlock": unlock, "reset": reset}


def tenants(home):
    """A tenant with settings, one with a database of its own, and one that is suspended."""
    home.run("tenant", "create", "acme", "otp=off", "session.idle=2h", "lockout.after=7")
    home.run("tenant", "create", "globex", "database_url=sqlite:globex.db")
    home.run("tenant", "create", "initech")
    held = {}
    for tenant in ("acme", "globex", "initech"):
        home.post("/auth/jwt/register", {**ANN, "password": NEW_PASSWORD}, tenant=tenant)
        person = {**ANN, "password": NEW_PASSWORD}
        signed_in = home.sign_in("refresh", person, tenant)
        held[tenant] = [home.sign_in("session", person, tenant), home.refresh(signed_in, tenant)]
    home.run("tenant", "suspend", "initech")
    return {"tenants": held}


def waiting(home):
    """A code that its user has, a code and a link that wait for a mail server."""
    login, cookie = home.request_code(ANN, BROWSER)
    under_way = {"login": login, "cookie": cookie, "code": home.mail(ANN["email"], r"\b(\d{6})\b")}
    home.stop()
    home.start(NOWHERE)
    bob = {**BOB, "password": NEW_PASSWORD}
    login, _ = home.request_code(bob, "app/2", native=True)
    home.post("/auth/password/forgot", {"email": ANN["email"]})
    return {"code": under_way, "queued_code": login}


def dump(path):
    """The database as SQL, which is tried: what it makes must equal what it was made of."""
    db = sqlite3.connect(path)
    db.execute("PRAGMA wal_checkpoint(TRUNCATE)")
    pragmas = {name: db.execute(f"PRAGMA {name}").fetchone()[0] for name in ("user_version", "application_id")}
    stated = "".join(f"PRAGMA {name} = {value};\n" for name, value in pragmas.items())
    sql = stated + "\n".join(db.iterdump()) + "\n"
    copy = sqlite3.connect(":memory:")
    copy.executescript(sql)
    tables = [name for (name,) in db.execute("SELECT name FROM sqlite_master WHERE type = 'table'")]
    asked = ["SELECT type, name, sql FROM sqlite_master ORDER BY 1, 2", *(f"SELECT * FROM {name}" for name in tables)]
    for question in asked + [f"PRAGMA {name}" for name in pragmas]:
        assert db.execute(question).fetchall() == copy.execute(question).fetchall(), question
    return sql


def installation(binary, folder, settings, databases, *stories):
    """What its users hold after these stories; its databases are written into the folder, under these names."""
    with tempfile.TemporaryDirectory() as directory:
        home = Installation(str(pathlib.Path(binary).resolve()), pathlib.Path(directory), settings)
        home.start(OUTBOX)
        held = {}
        try:
            for story in stories:
                held.update(story(home))
        finally:
            home.stop()
        for name, kept in databases.items():
            (folder / f"{kept}.sql").write_text(dump(home.directory / "data" / f"{name}.db"))
        return held


def shared_secrets(home):
    """Ann under each of the six strategies, with tokens and a cookie that other services verify, too."""
    home.post("/auth/session/register", ANN)
    held = [home.sign_in(strategy, ANN) for strategy in ("jwt", "session", "hybrid", "session-jwt")]
    more = [home.refresh(home.sign_in(name, ANN)) for name in ("refresh", "denylist")]
    return {"shared_secrets": held + more, "settings": home.settings}


def main(binary, folder):
    folder.mkdir(exist_ok=True)
    databases = {"portcullis": "portcullis", "globex": "globex"}
    held = installation(binary, folder, PRODUCTION, databases, members, ended, tenants, waiting)
    held.update(installation(binary, folder, DEVELOPMENT, {"portcullis": "development"}, shared_secrets))
    held["made"] = round(time.time() * 1000)
    (folder / "held.json").write_text(json.dumps(held, indent=1) + "\n")


if __name__ == "__main__":
    main(sys.argv[1], pathlib.Path(sys.argv[2]))
