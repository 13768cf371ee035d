// Applications of Express that say which of their parts has served a request: `open`, `admin` or `rest`.
//
// Run as `--eval` in a folder where `express` is installed, with a folder for files as the one argument. Writes the
// port where it listens, and ends with its input. The header `x-app` of a request names the application that gets
// it, in the way in which `http.createServer(app)` would hand it over.
import { mkdirSync, writeFileSync } from "node:fs";
import { createServer } from "node:http";
import { join, relative, sep } from "node:path";
import express from "express";

const folder = process.argv.at(-1);
const PARTS = ["open", "admin"];

const serves = (part) => (_request, response) => response.set("x-served", part).send(part);

// One route for each part, and one for all that is left.
function routed(settings) {
  const app = express();
  settings.forEach((setting) => app.enable(setting));
  for (const part of PARTS) {
    app.all([`/${part}`, `/${part}/`, `/${part}/*rest`], serves(part));
  }
  app.all("/{*rest}", serves("rest"));
  return app;
}

// One mounted router for each part.
function mounted(settings, options) {
  const app = express();
  settings.forEach((setting) => app.enable(setting));
  for (const part of PARTS) {
    const router = express.Router(options);
    router.all("/{*rest}", serves(part));
    app.use(`/${part}`, router);
  }
  app.use(serves("rest"));
  return app;
}

// A folder for each part, and files beside them.
function files() {
  for (const place of ["", ...PARTS]) {
    mkdirSync(join(folder, place), { recursive: true });
    for (const name of ["index.html", "x", "a", "a.html", "open.txt", "admin.txt"]) {
      writeFileSync(join(folder, place, name), place || "rest");
    }
  }
  const partOf = (path) => relative(folder, path).split(sep)[0];
  const named = (path) => (PARTS.includes(partOf(path)) ? partOf(path) : "rest");
  const setHeaders = (response, path) => response.set("x-served", named(path));
  return express().use(express.static(folder, { dotfiles: "allow", extensions: ["html"], setHeaders }));
}

const EXACT = ["case sensitive routing", "strict routing"];
const apps = {
  routed: routed([]),
  "routed exactly": routed(EXACT),
  mounted: mounted([], {}),
  "mounted exactly": mounted(EXACT, { caseSensitive: true, strict: true }),
  files: files(),
};

const server = createServer((request, response) => {
  response.setHeader("x-target", encodeURIComponent(request.url));
  apps[request.headers["x-app"]](request, response);
});
// Longer than any test: it is the gateway that gives a connection up.
server.keepAliveTimeout = 600_000;
server.listen(0, "127.0.0.1", () => console.log(server.address().port));
process.stdin.on("end", () => process.exit()).resume();
