"""A mail server that keeps what it is sent: until its standard input ends, it writes one JSON value a line.

The first line says where it listens. Recipients whose name is `refused` or `later` are answered so, `fussy` has the
message itself refused. With `tls` it wants STARTTLS, with `implicit` it speaks TLS from the first byte; its certificate is
signed by an authority of its own, made on the spot in the folder that is named. With `login` it wants `me` and `hunter2`.
With `port=N` it listens there.
"""

import asyncio
import datetime
import ipaddress
import json
import os
import ssl
import sys
from pathlib import Path

from aiosmtpd.smtp import SMTP, AuthResult
from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.x509.oid import NameOID

FOLDER, *WISHES = sys.argv[1:]


def say(**value):
    print(json.dumps(value), flush=True)


class Keeper:
    async def handle_RCPT(self, server, session, envelope, address, options):
        name = address.split("@")[0]
        if name == "refused":
            return "550 5.1.1 There is no user\x07 of that name"
        if name == "later":
            return "451 4.7.1 Come back later"
        envelope.rcpt_tos.append(address)
        return "250 2.1.5 OK"

    async def handle_DATA(self, server, session, envelope):
        if envelope.rcpt_tos[0].startswith("fussy@"):
            return "554 5.7.1 We do not like what you say"
        say(
            sender=envelope.mail_from,
            recipients=envelope.rcpt_tos,
            message=envelope.content.decode("ascii"),
            tls=session.ssl is not None or "implicit" in WISHES,
            login=session.authenticated,
            hello=session.host_name,
        )
        return "250 2.0.0 Kept as number 1"


def authenticate(server, session, envelope, mechanism, login):
    right = login.login == b"me" and login.password == b"hunter2"
    return AuthResult(success=right, handled=False)


def certificate(subject, key, issuer, signer, extensions):
    now = datetime.datetime.now(datetime.timezone.utc)
    name = lambda text: x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, text)])
    builder = x509.CertificateBuilder().subject_name(name(subject)).issuer_name(name(issuer))
    builder = builder.public_key(key.public_key()).serial_number(x509.random_serial_number())
    builder = builder.not_valid_before(now - datetime.timedelta(hours=1))
    builder = builder.not_valid_after(now + datetime.timedelta(days=1))
    for extension in extensions:
        builder = builder.add_extension(extension, critical=isinstance(extension, x509.BasicConstraints))
    return builder.sign(signer, hashes.SHA256())


def tls_context():
    authority, key = ec.generate_private_key(ec.SECP256R1()), ec.generate_private_key(ec.SECP256R1())
    ca = certificate("Tests", authority, "Tests", authority, [x509.BasicConstraints(ca=True, path_length=0)])
    names = x509.SubjectAlternativeName([x509.DNSName("localhost"), x509.IPAddress(ipaddress.ip_address("127.0.0.1"))])
    ours = certificate("localhost", key, "Tests", authority, [names, x509.BasicConstraints(ca=False, path_length=None)])
    pem = serialization.Encoding.PEM
    secret = key.private_bytes(pem, serialization.PrivateFormat.PKCS8, serialization.NoEncryption())
    Path(FOLDER, "ca.pem").write_bytes(ca.public_bytes(pem))
    Path(FOLDER, "server.pem").write_bytes(secret + ours.public_bytes(pem))
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(Path(FOLDER, "server.pem"))
    return context


async def main():
    context = tls_context()
    options = {"hostname": "mail.test"}
    if "tls" in WISHES:
        options |= {"tls_context": context, "require_starttls": True}
    if "login" in WISHES:
        safe = "tls" in WISHES
        options |= {"authenticator": authenticate, "auth_required": True, "auth_require_tls": safe}
    port = next((int(wish[5:]) for wish in WISHES if wish.startswith("port=")), 0)
    server = await asyncio.get_running_loop().create_server(
        lambda: SMTP(Keeper(), **options), "127.0.0.1", port, ssl=context if "implicit" in WISHES else None
    )
    say(port=server.sockets[0].getsockname()[1])
    await asyncio.to_thread(sys.stdin.read)
    # At once: a connection that was given up half way would be waited for.
    os._exit(0)


asyncio.run(main())
