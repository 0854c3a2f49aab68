/** What the security settings do for programs: tokens, webhooks, a key manager, a console of an origin of its own. */

import assert from "node:assert/strict";
import { readFile } from "node:fs/promises";
import { createServer } from "node:http";
import { join } from "node:path";
import { after, test } from "node:test";
import { say } from "./account.mjs";
import { openSettings, until } from "./settings.mjs";

/** @import { AddressInfo } from "node:net" */

const scene = await openSettings();
const { account, administrator, browser, carla, done, open, shot, visit } = scene;
after(() => scene.close());

test("an API token is made, shown once, good for what was chosen, and revoked", async () => {
    await open("tokens");
    await carla.getByTestId("token-send").click();
    await carla.getByTestId("token-name-wrong").waitFor();
    await carla.getByTestId("token-name").fill("Reports");
    await carla.getByTestId("token-send").click();
    await carla.getByTestId("token-scopes-wrong").filter({ hasText: "Choose what it may do" }).waitFor();
    await carla.getByLabel("Read usage by day").check();
    await carla.getByTestId("token-life").selectOption("7");
    await carla.getByTestId("token-send").click();
    const token = await carla.getByTestId("new-token").inputValue();
    assert.match(token, /^svt_[\w-]{43}$/);
    await shot("token");
    const api = `${account.origin}/v1/accounts/${account.account}`;
    const headers = { authorization: `Bearer ${token}` };
    assert.equal((await fetch(`${api}/usage?from=20000&to=20001`, { headers })).status, 200);
    assert.equal((await fetch(`${api}/root`, { headers })).status, 403);
    await carla.getByTestId("token-hide").click();
    const listed = carla.getByTestId("token").filter({ hasText: "Reports" });
    assert.equal(await carla.getByText(token).count(), 0);
    await listed.getByTestId("token-revoke").click();
    await carla.getByTestId("question-yes").click();
    await done("tokens", "Reports is revoked");
    assert.equal((await fetch(`${api}/usage?from=20000&to=20001`, { headers })).status, 401);
    // No secret was put where it stays.
    const kept = await carla.evaluate(() => JSON.stringify({ ...localStorage, ...sessionStorage }));
    assert(!kept.includes("svt_"), kept);
});

test("the secret token is shown, replaced with an overlap, and hidden when the page is left", async () => {
    await open("secret");
    await carla.getByTestId("secret-show").click();
    const first = await carla.getByTestId("secret-token-0").inputValue();
    assert.match(first, /^[0-9a-f]{96}$/);
    await carla.getByTestId("rotation-overlap").selectOption("3600");
    await carla.getByTestId("rotation-send").click();
    await done("rotation", "There is a new secret token");
    assert.notEqual(await carla.getByTestId("secret-token-0").inputValue(), first);
    assert.equal(await carla.getByTestId("secret-token-1").inputValue(), first);
    await carla.getByTestId("secret-until").filter({ hasText: "Valid until" }).waitFor();
    await shot("secret");
    await carla.getByTestId("rotation-send").click();
    await carla.getByTestId("rotation-wrong").filter({ hasText: "still valid" }).waitFor();
    await open("overview");
    await open("secret");
    assert.equal(await carla.getByTestId("secret-token-0").count(), 0);
});

test("a webhook is registered and called, and the log says what became of each call", async () => {
    let status = 500;
    let calls = 0;
    const receiver = createServer((request, response) => {
        calls += 1;
        request.resume();
        response.statusCode = status;
        response.end(status === 200 ? "" : "not today");
    });
    await new Promise((resolve) => receiver.listen(0, "127.0.0.1", () => resolve(undefined)));
    const { port } = /** @type {AddressInfo} */ (receiver.address());
    const url = `http://127.0.0.1:${port}/hook`;
    await open("webhooks");
    await carla.getByTestId("webhook-url").fill("ftp://nowhere");
    await carla.getByTestId("webhook-send").click();
    await carla.getByTestId("webhook-url-wrong").waitFor();
    await carla.getByTestId("webhook-url").fill(url);
    await carla.getByTestId("webhook-send").click();
    await done("webhook", "travel in clear");
    const endpoint = carla.getByTestId("endpoint").filter({ hasText: url });
    await endpoint.getByLabel(/^Secret/).first().waitFor();
    await shot("webhook");

    const visitor = await (await browser.newContext()).newPage();
    await visit(visitor);
    await say(visitor, "Does anybody hear of this?");
    await endpoint.getByTestId("endpoint-log").click();
    const delivery = endpoint.getByTestId("delivery").filter({ hasText: "contact.created" });
    await until(async () => {
        await endpoint.getByTestId("log-again").click();
        return calls > 0 && (await delivery.count()) > 0;
    });
    await delivery.getByTestId("delivery-tries").click();
    await delivery.getByTestId("tries").filter({ hasText: "it answered with a failure, answer 500" }).waitFor();
    await shot("deliveries");
    await endpoint.getByTestId("endpoint-settings").click();
    await shot("change");
    await endpoint.getByTestId("endpoint-log").click();

    status = 200;
    await until(async () => {
        await endpoint.getByTestId("log-again").click();
        return (await endpoint.locator("[data-kind='contact.created'][data-state=delivered]").count()) > 0;
    });
    await endpoint.getByTestId("delivery-replay").first().click();
    await until(async () => calls > 2);

    await endpoint.getByTestId("endpoint-pause").click();
    await endpoint.getByTestId("endpoint-paused").waitFor();
    await endpoint.getByTestId("endpoint-delete").click();
    await carla.getByTestId("question").filter({ hasText: "cannot be undone" }).waitFor();
    await carla.getByTestId("question-yes").click();
    await done("webhook", "is deleted");
    assert.equal(await endpoint.count(), 0);
    receiver.close();
});

test("the key manager is tested and its log read; one that does not answer is said in words", async () => {
    await open("keys");
    await carla.getByTestId("keys-state").filter({ hasText: "External: your organisation" }).waitFor();
    await carla.getByTestId("test-send").click();
    await carla.getByTestId("checks").waitFor();
    const checks = carla.locator("[data-testid=check]");
    // How fast it is, is a matter of this machine.
    for (const name of ["unknown", "replay", "late", "keys"]) {
        assert.equal(await carla.locator(`[data-check=${name}]`).getAttribute("data-passed"), "true", name);
    }
    assert.equal(await checks.count(), 5);
    await shot("tested");
    await open("audit");
    await done("audit", "newest first");
    await carla.locator("[data-operation=audit], [data-operation=prekeys]").first().waitFor();
    await shot("audit");

    await account.stopKeyManager();
    await open("keys");
    await carla.getByTestId("test-send").click();
    await carla.getByTestId("test-wrong").filter({ hasText: "not as" }).waitFor();
    await carla.getByTestId("check").filter({ hasText: "It cannot be reached" }).first().waitFor();
    await shot("unreachable");
    await open("audit");
    await carla.getByTestId("audit-wrong").filter({ hasText: "cannot be reached" }).waitFor();
    await account.startKeyManager();
});

test("a console on an origin of its own has all of it", async () => {
    const policy = `default-src 'none'; script-src 'self' 'wasm-unsafe-eval'; style-src 'self'; img-src 'self'; connect-src 'self' ${account.origin} ${account.origin.replace("http", "ws")}`;
    const server = createServer(async ({ url = "/" }, response) => {
        const { pathname } = new URL(url, "http://localhost");
        const name = pathname === "/" ? "index.html" : pathname.slice(1);
        const type = TYPES.find(([end]) => name.endsWith(end))?.[1] ?? "text/plain";
        response.setHeader("content-security-policy", policy);
        response.setHeader("content-type", type);
        const config = JSON.stringify({ account: account.account, relay: account.origin });
        const file = () => readFile(join(account.pages, "console", name)).catch(() => undefined);
        const bytes = name === "config.json" ? config : await file();
        response.statusCode = bytes === undefined ? 404 : 200;
        response.end(bytes);
    });
    await new Promise((resolve) => server.listen(0, "127.0.0.1", () => resolve(undefined)));
    const { port } = /** @type {AddressInfo} */ (server.address());
    const address = `http://127.0.0.1:${port}/`;
    const erik = await administrator(account, "Erik", address);
    await erik.getByTestId("settings").filter({ hasText: "Security settings" }).click();
    await erik.getByTestId("section-tokens").click();
    await erik.getByTestId("token-name").fill("From elsewhere");
    await erik.getByLabel("Read usage by day").check();
    await erik.getByTestId("token-send").click();
    assert.match(await erik.getByTestId("new-token").inputValue(), /^svt_/);
    await erik.getByTestId("token").filter({ hasText: "From elsewhere" }).getByTestId("token-revoke").click();
    await erik.getByTestId("question-yes").click();
    await erik.getByTestId("tokens-done").filter({ hasText: "is revoked" }).waitFor();
    await erik.getByTestId("settings-close").click();
    await erik.close();
    server.closeAllConnections();
    server.close();
});

/** @type {readonly [string, string][]} */
const TYPES = [
    [".html", "text/html; charset=utf-8"],
    [".js", "text/javascript"],
    [".css", "text/css"],
    [".svg", "image/svg+xml"],
    [".wasm", "application/wasm"],
];

test("the settings' own token ends when they are left, and nothing went wrong meanwhile", () => scene.leave());
