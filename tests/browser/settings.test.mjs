/** An administrator changes the account in the console, and what that means for visitors and devices. */

import assert from "node:assert/strict";
import { after, test } from "node:test";
import { openAccount, reads, say } from "./account.mjs";
import { openSettings } from "./settings.mjs";

const SECTIONS = ["overview", "levels", "entries", "plan", "keys", "devices", "teams", "tokens", "secret", "webhooks", "audit"];

const scene = await openSettings();
const { account, ada, administrator, ask, browser, carla, done, open, shot, visit } = scene;
after(() => scene.close());

test("whoever is no administrator reads the rules and gets no form", async () => {
    await ada.getByTestId("settings").filter({ hasText: "Account rules" }).click();
    const rules = ada.getByTestId("rules");
    await rules.filter({ hasText: "end-to-end encrypted; servers keep entries for 90 days" }).waitFor();
    assert.equal(await rules.locator("form, input, select, button").count(), 0);
    await shot("rules", ada);
    await ada.goto(`${account.uninvited}#settings/devices`);
    await rules.waitFor();
    assert.equal(await ada.getByTestId("devices").count(), 0);
    await ada.goBack();
    await ada.goBack();
    await ada.getByTestId("nothing-open").waitFor();
});

test("every section has one heading, a label for each field, and room on a small screen", async () => {
    await carla.getByTestId("settings").filter({ hasText: "Security settings" }).click();
    await carla.getByTestId("settings-overview").waitFor();
    for (const section of SECTIONS) {
        await open(section);
        assert.equal(await carla.locator("h1").count(), 1);
        await carla.locator("h1:focus").waitFor();
        await carla.getByText("One moment …").waitFor({ state: "detached" }).catch(() => {});
        assert.deepEqual(await carla.evaluate(unlabelled), [], section);
        for (const width of [1280, 390, 360]) {
            await carla.setViewportSize({ width, height: 800 });
            await carla.emulateMedia({ colorScheme: width === 390 ? "dark" : "light" });
            const wider = await carla.evaluate(() => document.querySelector("main")?.scrollWidth ?? 0);
            assert(wider <= width, `${section} is ${wider} wide on ${width}`);
            await shot(`${section}-${width}`);
        }
        await carla.setViewportSize({ width: 1280, height: 800 });
    }
    await carla.setViewportSize({ width: 390, height: 800 });
    await carla.getByText("‹ All settings").click();
    await carla.getByTestId("section-levels").waitFor();
    await shot("sections-390");
    await carla.setViewportSize({ width: 1280, height: 800 });
});

/** What assistive technology could not name, in the page. */
function unlabelled() {
    const faults = [];
    const ids = new Set();
    for (const { id } of document.querySelectorAll("[id]")) {
        if (ids.has(id)) faults.push(`two of #${id}`);
        ids.add(id);
    }
    for (const field of document.querySelectorAll("input, select, textarea")) {
        const { labels } = /** @type {HTMLInputElement} */ (field);
        if (!labels?.length && !field.hasAttribute("aria-label")) faults.push(`a field without label: ${field.id}`);
    }
    for (const control of document.querySelectorAll("button, a")) {
        if (!(control.getAttribute("aria-label") ?? control.textContent)?.trim()) faults.push("a control without name");
    }
    for (const group of document.querySelectorAll("fieldset")) {
        if (!group.querySelector("legend")?.textContent?.trim()) faults.push("a group without legend");
    }
    for (const names of ["aria-describedby", "aria-labelledby"]) {
        for (const element of document.querySelectorAll(`[${names}]`)) {
            for (const id of element.getAttribute(names)?.split(" ") ?? []) {
                if (!document.getElementById(id)) faults.push(`${names} of nothing: ${id}`);
            }
        }
    }
    return faults;
}

test("the rules are signed again, which extends them", async () => {
    await open("overview");
    const version = await carla.getByTestId("overview-version").textContent();
    await carla.getByTestId("again-send").click();
    await done("again");
    assert.notEqual(await carla.getByTestId("overview-version").textContent(), version);
    // Signed by this browser's device, whose key is nowhere else.
    assert.match(account.command("policy", "fetch"), /Version \d+ of the policy is in the folder/);
    await open("devices");
    const own = await carla.getByTestId("device").filter({ hasText: "this browser" }).getAttribute("data-device");
    assert(account.administrators().includes(`${own}  signed the newest policy`));
});

test("what is wrong stands next to its field, and changes nothing", async () => {
    await open("plan");
    await carla.getByTestId("retention-retention.days").fill("0");
    await carla.getByTestId("retention-send").click();
    const field = carla.getByTestId("retention-retention.days");
    await carla.getByTestId("retention-retention.days-wrong").filter({ hasText: "a whole number from 1" }).waitFor();
    assert.equal(await field.getAttribute("aria-invalid"), "true");
    assert.match((await field.getAttribute("aria-describedby")) ?? "", /retention-retention\.days-wrong/);
    assert(await field.evaluate((element) => element === document.activeElement));
    await carla.getByTestId("limits-fallback-link").fill("javascript:alert(1)");
    await carla.getByTestId("limits-send").click();
    await carla.getByTestId("limits-fallback-link-wrong").filter({ hasText: "https://" }).waitFor();
    await open("keys");
    await carla.getByTestId("keys-key-manager-url").fill("http://keys.example");
    await carla.getByTestId("keys-send").click();
    await carla.getByTestId("keys-key-manager-url-wrong").waitFor();
    await shot("wrong");
});

test("a shorter retention is asked about and then holds", async () => {
    await open("plan");
    await carla.getByTestId("retention-retention.days").fill("30");
    await carla.getByTestId("retention-send").press("Enter");
    const question = carla.getByTestId("question");
    await question.filter({ hasText: "do not come back" }).waitFor();
    await shot("question");
    await carla.keyboard.press("Escape");
    await done("retention", "Nothing was changed");
    await carla.getByTestId("retention-send").click();
    await carla.getByTestId("question-yes").click();
    await done("retention");
    await ada.getByTestId("settings").click();
    await ada.getByTestId("rules").filter({ hasText: "30 days after" }).waitFor();
    await ada.getByTestId("settings-close").click();
});

test("a lower level is warned of, holds for new chats, and those from before keep theirs", async () => {
    const before = await (await browser.newContext()).newPage();
    await visit(before);
    await say(before, "Before the change");
    await reads(before, "Before the change");

    await open("levels");
    const lower = carla.getByTestId("level-entry-point.shop.level-storage");
    await lower.check();
    await carla.getByTestId("level-send").click();
    await carla.getByTestId("question").filter({ hasText: "Visitors are told so" }).waitFor();
    await shot("lowering");
    await carla.getByTestId("question-no").click();
    await done("level", "Nothing was changed");
    await carla.getByTestId("level-send").click();
    await carla.getByTestId("question-yes").click();
    await done("level", "chats that begin from now on");
    assert(await carla.getByTestId("level-entry-point.shop.level-transport").isDisabled());

    const later = await (await browser.newContext()).newPage();
    await visit(later);
    await later.getByTestId("sentence").filter({ hasText: "its chat service can read it" }).waitFor();
    await say(later, "After the change");
    await reads(later, "After the change");
    await before.getByTestId("sentence").filter({ hasText: "End-to-end encrypted" }).waitFor();
    await before.reload();
    await before.getByTestId("sentence").filter({ hasText: "End-to-end encrypted" }).waitFor();
    await say(before, "Still only for you");
    await reads(before, "Still only for you");

    await carla.getByTestId("level-entry-point.shop.level-e2ee").check();
    await carla.getByTestId("level-send").click();
    await done("level", "chats that begin from now on");
});

test("a team is made, named and removed", async () => {
    await open("teams");
    await carla.getByTestId("new-team-id").fill("sa les");
    await carla.getByTestId("new-team-name").fill("Sales");
    await carla.getByTestId("new-team-send").click();
    await carla.getByTestId("new-team-id-wrong").filter({ hasText: "no spaces" }).waitFor();
    await carla.getByTestId("new-team-id").fill("sales");
    await carla.getByTestId("new-team-send").click();
    await done("new-team");
    const sales = carla.locator("[data-team=sales]");
    await sales.getByLabel("Name").fill("Sales & advice");
    await sales.getByTestId("team-sales-send").click();
    await done("team-sales");
    await shot("teams");
    await carla.locator("[data-team=support]").getByTestId("team-remove").click();
    await carla.getByTestId("team-support-wrong").filter({ hasText: "Nobody else answers" }).waitFor();
    await sales.getByTestId("team-remove").click();
    await carla.getByTestId("question-yes").click();
    await done("new-team", "is removed");
    assert.equal(await sales.count(), 0);
});

test("an entry point is named, and another one made and removed", async () => {
    await open("entries");
    await carla.getByTestId("entry-shop-entry-point.shop.name").fill("ACME Ltd");
    await carla.getByTestId("entry-shop-send").click();
    await done("entry-shop");
    await carla.getByTestId("new-entry-id").fill("help");
    await carla.getByTestId("new-entry-name").fill("ACME help");
    await carla.getByTestId("new-entry-send").click();
    await carla.getByTestId("new-entry-teams-wrong").filter({ hasText: "Somebody has to answer" }).waitFor();
    await carla.getByTestId("new-entry-teams-support").check();
    await carla.getByTestId("new-entry-send").click();
    await done("new-entry");
    assert.equal(await carla.getByTestId("new-entry-id").inputValue(), "");
    await shot("entries");
    await carla.locator("[data-entry=help]").getByTestId("entry-remove").click();
    await carla.getByTestId("question-yes").click();
    await done("new-entry", "It is removed.");
    const visitor = await (await browser.newContext()).newPage();
    await visit(visitor);
    await visitor.getByTestId("sentence").filter({ hasText: "End-to-end encrypted with ACME Ltd" }).waitFor();
});

test("all of it is done from the keyboard, which keeps its place", async () => {
    await open("overview");
    await carla.getByTestId("section-teams").focus();
    await carla.keyboard.press("Enter");
    await carla.locator("h1:focus").filter({ hasText: "Teams" }).waitFor();
    await carla.keyboard.press("Tab");
    await carla.keyboard.type("Help desk");
    await carla.keyboard.press("Enter");
    await done("team-support");
    await carla.getByRole("heading", { name: "Help desk" }).waitFor();

    await carla.getByTestId("section-tokens").focus();
    await carla.keyboard.press("Enter");
    await carla.locator("h1:focus").filter({ hasText: "API tokens" }).waitFor();
    await carla.keyboard.press("Tab");
    await carla.keyboard.type("By hand");
    await carla.keyboard.press("Tab");
    await carla.keyboard.press("Space");
    await carla.keyboard.press("Enter");
    await carla.locator("[data-testid=new-token]:focus").waitFor();
    await carla.keyboard.press("Tab");
    await carla.keyboard.press("Tab");
    await carla.keyboard.press("Enter");
    await carla.locator("h1:focus").waitFor();
    const revoke = carla.getByTestId("token").filter({ hasText: "By hand" }).getByTestId("token-revoke");
    await revoke.focus();
    await carla.keyboard.press("Enter");
    await carla.locator("[data-testid=question-no]:focus").waitFor();
    await carla.keyboard.press("Enter");
    await carla.getByTestId("question").waitFor({ state: "detached" });
    assert(await revoke.evaluate((button) => button === document.activeElement));
    await carla.keyboard.press("Enter");
    await carla.locator("[data-testid=question-no]:focus").waitFor();
    await carla.keyboard.press("Tab");
    await carla.locator("[data-testid=question-yes]:focus").waitFor();
    await carla.keyboard.press("Enter");
    await done("tokens", "By hand is revoked");
    await carla.locator("h1:focus").waitFor();
    await carla.getByTestId("settings-close").focus();
    await carla.keyboard.press("Enter");
    await carla.locator("[data-testid=settings]:focus").waitFor();
});

test("a device is let in and revoked", async () => {
    const { page: dora } = await ask("Dora");
    await open("devices");
    const card = carla.getByTestId("request-card").filter({ hasText: "Dora" });
    await card.waitFor();
    const device = (await dora.getByTestId("own-device").textContent()) ?? "";
    await card.filter({ hasText: device }).waitFor();
    await shot("request");
    await shot("unapproved", dora);
    await card.getByLabel("Help desk").uncheck();
    await card.getByRole("button", { name: "Let in" }).click();
    await card.getByText("Choose the teams").waitFor();
    await card.getByLabel("Help desk").check();
    await card.getByRole("button", { name: "Let in" }).click();
    await dora.getByTestId("own-name").filter({ hasText: "Dora" }).waitFor();
    await done("devices", "Dora is let in as agent");
    const listed = carla.getByTestId("device").filter({ hasText: "Dora" });
    await listed.filter({ hasText: "connected" }).waitFor();
    await shot("devices");
    await listed.getByTestId("revoke").click();
    await carla.getByTestId("question").filter({ hasText: "cannot be undone" }).waitFor();
    await carla.getByTestId("question-yes").click();
    await done("devices", "device is revoked");
    await carla.locator("[data-state=revoked]").filter({ hasText: "Dora" }).waitFor({ state: "attached" });
    await dora.getByText("This device is no longer allowed in.").first().waitFor();
    // Nobody shuts out the browser that they sit at.
    const own = carla.getByTestId("device").filter({ hasText: "this browser" });
    assert.equal(await own.getByTestId("revoke").count(), 0);
});

test("a browser that was named administrator first lets itself in", async () => {
    const { page: frida, request } = await ask("Frida");
    account.administer(request);
    await frida.getByTestId("settings").waitFor();
    // It administers, and can read no chat: it still waits.
    await frida.getByTestId("unapproved").waitFor();
    await frida.getByTestId("settings").click();
    await frida.getByTestId("section-devices").click();
    const card = frida.getByTestId("request-card").filter({ hasText: "Frida" });
    await card.getByLabel("Role").selectOption("supervisor");
    await card.getByRole("button", { name: "Let in" }).click();
    await frida.getByTestId("own-name").filter({ hasText: "Frida" }).waitFor();
    await frida.getByTestId("settings-close").click();
    await frida.getByTestId("nothing-open").waitFor();
    await frida.close();
});

test("a second tab sees what the first one changes, and can change it as well", async () => {
    const second = await carla.context().newPage();
    await second.goto(`${account.uninvited}#settings/overview`);
    await second.getByTestId("again-send").click();
    await second.getByTestId("again-done").filter({ hasText: "Signed and published" }).waitFor();
    const version = await second.getByTestId("overview-version").textContent();
    await open("overview");
    await carla.getByTestId("overview-version").filter({ hasText: version ?? "" }).waitFor();
    await second.close();
});

test("a plan brings its levels along, and one that the root key forbids is said to be impossible", async () => {
    await open("plan");
    await carla.getByTestId("plan-plan").selectOption("plus");
    await carla.getByTestId("plan-impossible").waitFor();
    await carla.getByTestId("plan-send").click();
    await carla.getByTestId("plan-plan-wrong").waitFor();

    const small = await openAccount({ lowest: "transport" });
    try {
        const dana = await administrator(small, "Dana");
        await dana.getByTestId("settings").filter({ hasText: "Security settings" }).waitFor();
        await dana.goto(`${small.uninvited}#settings/plan`);
        await dana.getByTestId("plan-plan").selectOption("enterprise");
        await dana.getByTestId("plan-level").selectOption("e2ee");
        await dana.getByTestId("plan-send").click();
        await dana.getByTestId("plan-done").filter({ hasText: "Signed and published" }).waitFor();
        await dana.getByTestId("section-overview").click();
        await dana.getByTestId("overview-plan").filter({ hasText: "Enterprise" }).waitFor();
        await dana.getByTestId("overview-sentence").filter({ hasText: "end-to-end encrypted" }).waitFor();
        await dana.getByTestId("section-plan").click();
        // The service keeps entries for 30 days with this one, and the account's rules say 90.
        await dana.getByTestId("plan-plan").selectOption("solo");
        await dana.getByTestId("plan-send").click();
        await dana.getByTestId("question-yes").click();
        await dana.getByTestId("plan-wrong").filter({ hasText: "a shorter retention may do" }).waitFor();
        await dana.getByTestId("plan-plan").selectOption("plus");
        await dana.getByTestId("plan-send").click();
        await dana.getByTestId("question-yes").click();
        await dana.getByTestId("plan-done").filter({ hasText: "Signed and published" }).waitFor();
        await dana.getByTestId("section-overview").click();
        await dana.getByTestId("overview-sentence").filter({ hasText: "stored readable" }).waitFor();
        // A key manager is named where the root key is, and nothing can be archived before.
        await dana.getByTestId("section-keys").click();
        await dana.getByTestId("keys-state").filter({ hasText: "has no key manager" }).waitFor();
        await dana.getByText("sottovoce account key-manager --dir account").waitFor();
        assert(await dana.getByTestId("keys-archive").isDisabled());
        await dana.getByTestId("section-audit").click();
        await dana.getByTestId("audit-none").waitFor();
    } finally {
        await small.close();
    }
});

test("the settings' own token ends when they are left, and nothing went wrong meanwhile", () => scene.leave());
