"""What a Python service does with an access token. Algorithms are pinned, as the library's manual asks for."""

import json
import sys

import jwt


def verify_published(jwks_url, issuer, audience, token):
    key = jwt.PyJWKClient(jwks_url).get_signing_key_from_jwt(token)
    return jwt.decode(token, key, algorithms=["ES256"], issuer=issuer, audience=audience)


def verify_shared(secret, token):
    return jwt.decode(token, secret, algorithms=["HS256"])


def decode(token):
    decoded = jwt.decode_complete(token, options={"verify_signature": False})
    return {"header": decoded["header"], "payload": decoded["payload"]}


def sign(secret, header, claims):
    return jwt.encode(json.loads(claims), secret, algorithm=json.loads(header)["alg"], headers=json.loads(header))


VERBS = {"verify-published": verify_published, "verify-shared": verify_shared, "decode": decode, "sign": sign}

verb, *words = sys.argv[1:]
try:
    print(json.dumps({"ok": VERBS[verb](*words)}))
except jwt.PyJWTError as error:
    print(json.dumps({"refused": str(error)}))
