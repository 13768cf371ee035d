"""Walks docs/revocation-feed/verifier.py through the test vectors beside it. Prints what it has done.

    feed_vectors.py FOLDER   # docs/revocation-feed
"""

import json
import sys
from pathlib import Path

folder = Path(sys.argv[1])
sys.path.insert(0, str(folder))
sys.dont_write_bytecode = True
import verifier  # noqa: E402


def vectors(name):
    return json.loads((folder / "vectors" / name).read_text())


def claims(secret, typ, types, text):
    try:
        return verifier.read(secret, typ, types, text)
    except Exception:
        return None


def check_signatures(file):
    secret = verifier.derived(file["feed_key"])
    assert secret.hex() == file["derived_key_hex"]
    for case in file["texts"]:
        answer = claims(secret, "revocations+jwt", verifier.ANSWER, case["text"])
        page = claims(secret, "revocations-snapshot+jwt", verifier.PAGE, case["text"])
        assert answer == (case["claims"] if case["is"] == "answer" else None), case["name"]
        assert page == (case["claims"] if case["is"] == "page" else None), case["name"]


def at(millis):
    return millis * verifier.MILLI


def verdict(known, token, now):
    if known.is_over(token["user"], token["session"], token["kid"], token["epochs"]):
        return "dead", None
    role = known.roles.get(token["user"])
    is_fresh = known.stamp is not None and now - known.stamp <= verifier.SECOND
    return "live" if is_fresh else "stale", role and verifier.RANKS[role["value"]]


def check_step(known, step, name):
    sent = at(step["sent"])
    assert known.query(step["nonce"], 250, sent) == step["query"], name
    answer = step["answer"]
    outcome = "ignored"
    if answer["nonce"] == step["nonce"]:
        outcome = known.take(answer, sent, at(step["arrives"]))
    assert outcome == step["outcome"], (name, outcome)
    (stamp,) = step["stamps"].values()
    assert known.stamp == (stamp and at(stamp)), name
    for check in step["checks"]:
        expected = check["is"], check["role"]
        assert verdict(known, check["token"], at(check["at"])) == expected, (name, check)


def check_case(case):
    snapshot = case["snapshot"]
    begun = at(snapshot["sent"])
    known = verifier.Revocations(begun)
    known.take_page(snapshot, begun)
    for step in case["steps"]:
        check_step(known, step, case["name"])


signatures, steps = vectors("signatures.json"), vectors("steps.json")
check_signatures(signatures)
# The program is for one tenant.
cases = [case for case in steps["cases"] if len(case["tenants"]) == 1]
for case in cases:
    check_case(case)
print(json.dumps({"texts": len(signatures["texts"]), "cases": len(cases)}))
