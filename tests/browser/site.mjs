/** Serves the built pages on loopback, as strictly as a relay does, for tests without a relay. */

import { readFile } from "node:fs/promises";
import { createServer } from "node:http";
import { extname } from "node:path";
import { chromium } from "playwright-core";

/** @import { AddressInfo } from "node:net" */
/** @import { Browser, Page } from "playwright-core" */

/** An account that nobody has the root key of. */
export const ACCOUNT = "AAECAwQFBgcICQoLDA0ODxAREhMUFRYXGBkaGxwdHh8";

const TYPES = new Map([
    [".html", "text/html; charset=utf-8"],
    [".js", "text/javascript"],
    [".css", "text/css"],
    [".svg", "image/svg+xml"],
    [".wasm", "application/wasm"],
]);

export const STRICT =
    "default-src 'none'; script-src 'self' 'wasm-unsafe-eval'; style-src 'self'; img-src 'self'; connect-src 'self'";

/**
 * @typedef {object} SiteOptions
 * @property {string} [policy] The Content-Security-Policy.
 * @property {Record<string, string>} [attributes] The widget's attributes.
 * @property {(name: string, bytes: Buffer) => Buffer} [alter] Changes files before they are served.
 * @property {string} [body] The page, if it embeds the widget in another way.
 * @property {Record<string, string | Buffer>} [files] Files beside the built ones, by their path.
 */

/** @param {SiteOptions} [options] */
export async function site({ policy = STRICT, attributes = {}, alter = (_, bytes) => bytes, body, files = {} } = {}) {
    const dist = new URL("../../www/dist/", import.meta.url);
    const server = createServer(async (request, response) => {
        const { pathname } = new URL(request.url ?? "/", "http://localhost");
        const name = pathname.endsWith("/") ? `${pathname}index.html` : pathname;
        response.setHeader("content-security-policy", policy);
        response.setHeader("access-control-allow-origin", "*");
        try {
            if (name === "/index.html") {
                response.setHeader("content-type", "text/html; charset=utf-8");
                response.end(body ?? embed(attributes));
            } else if (name === "/favicon.ico") {
                response.statusCode = 204;
                response.end();
            } else if (name === "/console/config.json") {
                response.end(JSON.stringify({ account: ACCOUNT }));
            } else {
                const bytes = Buffer.from(files[name] ?? (await readFile(new URL(`.${name}`, dist))));
                response.setHeader("content-type", TYPES.get(extname(name)) ?? "text/plain");
                response.end(alter(name, bytes));
            }
        } catch {
            response.statusCode = 404;
            response.end();
        }
    });
    await new Promise((resolve) => server.listen(0, "127.0.0.1", () => resolve(undefined)));
    const { port } = /** @type {AddressInfo} */ (server.address());
    return {
        address: `http://127.0.0.1:${port}/`,
        close: () => {
            server.closeAllConnections();
            server.close();
        },
    };
}

/** @param {Record<string, string>} attributes */
export function embed(attributes) {
    const all = { account: ACCOUNT, "entry-point": "shop", name: "ACME", ...attributes };
    const data = Object.entries(all).map(([name, value]) => `data-${name}="${value}"`);
    return `<!doctype html><title>A page</title><script async src="/widget/loader.js" ${data.join(" ")}></script>`;
}

/**
 * @param {import("playwright-core").LaunchOptions} [options]
 * @returns {Promise<Browser>}
 */
export function launch(options) {
    return chromium.launch({
        ...options,
        executablePath: process.env["CHROMIUM"] ?? "/usr/bin/chromium",
        args: [
            "--no-sandbox",
            "--disable-gpu",
            "--disable-quic",
            "--no-first-run",
            "--disable-background-networking",
            "--disable-component-update",
            "--disable-sync",
        ],
    });
}

/**
 * A page whose line to the relay can be cut.
 * @param {Page} page
 */
export async function cuttable(page) {
    /** @type {Set<import("playwright-core").WebSocketRoute>} */
    const open = new Set();
    let whole = true;
    await page.routeWebSocket(/\/v1\/connect/, (socket) => {
        if (!whole) return void socket.close();
        socket.connectToServer();
        open.add(socket);
    });
    return {
        cut: () => {
            whole = false;
            for (const socket of open) void socket.close();
            open.clear();
        },
        mend: () => {
            whole = true;
        },
    };
}
