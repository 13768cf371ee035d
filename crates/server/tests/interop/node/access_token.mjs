// What a Node service does with an access token. Algorithms are pinned, as the library's manual asks for.
import { createRequire } from "node:module";
import { createPublicKey } from "node:crypto";
import { join } from "node:path";

const require = createRequire(join(process.env.PORTCULLIS_TEST_NODE_DIR, "package.json"));
const jwt = require("jsonwebtoken");

async function published(jwksUrl, kid) {
  const { keys } = await (await fetch(jwksUrl)).json();
  const key = keys.find((key) => key.kid === kid);
  if (!key) throw new Error(`no key is called ${kid}`);
  return createPublicKey({ key, format: "jwk" });
}

const verbs = {
  "verify-published": async (jwksUrl, issuer, audience, token) => {
    const { kid } = jwt.decode(token, { complete: true }).header;
    const key = await published(jwksUrl, kid);
    return jwt.verify(token, key, { algorithms: ["ES256"], issuer, audience });
  },
  "verify-shared": (secret, token) => jwt.verify(token, secret, { algorithms: ["HS256"] }),
  decode: (token) => jwt.decode(token, { complete: true }),
  sign: (secret, header, claims) =>
    jwt.sign(JSON.parse(claims), secret, { algorithm: JSON.parse(header).alg, header: JSON.parse(header) }),
};

const [verb, ...words] = process.argv.slice(2);
try {
  console.log(JSON.stringify({ ok: await verbs[verb](...words) }));
} catch (error) {
  console.log(JSON.stringify({ refused: error.message }));
}
