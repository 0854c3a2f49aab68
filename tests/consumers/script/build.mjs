/**
 * No bundler: the files that the package has for script elements, and a page that pins the first of them. `ACCOUNT` and
 * `RELAY` are what a shop writes into its page.
 */

import { cp, writeFile } from "node:fs/promises";
import { dirname } from "node:path";
import { fileURLToPath } from "node:url";
import integrity from "sottovoce/integrity.json" with { type: "json" };

const { ACCOUNT, RELAY } = process.env;
const loader = fileURLToPath(import.meta.resolve("sottovoce/script/loader.js"));
await cp(dirname(loader), "out/chat", { recursive: true });
await writeFile(
    "out/page.js",
    `window.sottovoce ||= (...call) => (sottovoce.q ||= []).push(call);
sottovoce("on", "message", ({ text }) => (document.title += " " + text));
`,
);
await writeFile(
    "out/index.html",
    `<!doctype html>
<html lang="en">
    <head>
        <meta charset="utf-8" />
        <title>A page with a script element</title>
        <script src="/page.js"></script>
        <script async src="/chat/loader.js" integrity="${integrity["script/loader.js"]}" crossorigin="anonymous"
                data-account="${ACCOUNT}" data-relay="${RELAY}" data-entry-point="shop" data-name="ACME"></script>
    </head>
    <body></body>
</html>
`,
);
