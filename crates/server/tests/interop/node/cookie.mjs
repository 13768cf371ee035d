// What express-session does with its cookie's value, with the library that it does it with.
import { createRequire } from "node:module";
import { join } from "node:path";

const require = createRequire(join(process.env.PORTCULLIS_TEST_NODE_DIR, "package.json"));
const { sign, unsign } = require("cookie-signature");

const verbs = {
  // A session's id, or false.
  read: (value, secret) => {
    const decoded = decodeURIComponent(value);
    return decoded.startsWith("s:") && unsign(decoded.slice(2), secret);
  },
  write: (id, secret) => encodeURIComponent("s:" + sign(id, secret)),
};

const [verb, ...words] = process.argv.slice(2);
console.log(JSON.stringify(verbs[verb](...words)));
