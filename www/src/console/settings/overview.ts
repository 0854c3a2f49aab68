/** What the account's rules say in a few words, and until when they hold. */

import { html, nothing, type TemplateResult } from "lit-html";
import type { SettingsView } from "sottovoce";
import { copyField } from "./copy.js";
import { type Choice, Form, ticked } from "./form.js";
import type { Scene, Section } from "./settings.js";
import { PLANS, count, date, duration, list, roles, saved, short } from "./words.js";

export class OverviewSection implements Section {
    readonly #scene: Scene;
    readonly #again: Form;
    readonly #renewing: Form;

    constructor(scene: Scene) {
        this.#scene = scene;
        this.#again = new Form("again", scene.refresh);
        this.#renewing = new Form("renewing", scene.refresh);
    }

    page(view: SettingsView): TemplateResult {
        return html`<p class="lead" data-testid="overview-sentence">${summary(view)}</p>
            <dl>
                <dt>Plan</dt>
                <dd data-testid="overview-plan">${PLANS[view.plan]}</dd>
                <dt>Valid until</dt>
                <dd>${date(view.expires)}${view.expires <= Date.now() ? ": it has run out" : ""}</dd>
                <dt>Rules</dt>
                <dd data-testid="overview-version">Version ${view.version}, signed ${date(view.issued)}</dd>
                <dt>May join besides agents</dt>
                <dd>${roles(view.roles)}</dd>
                ${view.issuers.length === 0
                    ? nothing
                    : html`<dt>Say who a visitor is</dt>
                          <dd>${list(view.issuers.map(({ issuer, algorithm }) => `${issuer} (${algorithm})`))}</dd>`}
                <dt>Administrators</dt>
                <dd>${list(view.administrators.map((device) => this.#name(device)))}</dd>
            </dl>
            ${copyField("account", "Account id", this.#scene.account)}
            <form novalidate @submit=${this.#again.submit((data) => this.#signAgain(data))}>
                <h2>Sign again</h2>
                <p class="explain">
                    Nobody can send anything once the rules have run out. A daily job can renew them
                    (<code>sottovoce policy renew</code>); here you sign them anew, as they are.
                </p>
                ${this.#again.choice("life", "Valid for", LIVES, "7", {
                    hint: "The longer, the longer a revoked device lives on where somebody hides newer rules from it. Every other change counts for 7 days.",
                })}
                ${this.#again.end("Sign again")}
            </form>
            <details>
                <summary>Who may extend the dates</summary>
                <form novalidate @submit=${this.#renewing.submit((data) => this.#saveRenewers(view, data))}>
                    ${this.#renewing.checks("renewers", "Devices that may extend them, and change nothing else", this.#candidates(view), view.renewers)}
                    ${this.#renewing.end("Sign and publish")}
                </form>
            </details>
            <section>
                <h2>What cannot be undone</h2>
                <ul class="finality">
                    <li>A chat keeps the level that it began with, whatever is changed here afterwards.</li>
                    <li>A shorter retention deletes older messages on servers within minutes.</li>
                    <li>A revoked device stays out: whoever uses it begins anew, with new keys, and is approved again.</li>
                    <li>A team’s older keys that are refused open no waiting chat any more.</li>
                    <li>A secret token that ends, a revoked API token and a deleted webhook with its log do not come back.</li>
                </ul>
                <p class="explain">
                    Each change is signed by this browser’s device, and every client checks it: the relay cannot make
                    one. Who administers the account, who runs its key manager and the lowest level are said by the root
                    key, which is on no server: <code>sottovoce account administrator</code> and
                    <code>sottovoce account key-manager</code>.
                </p>
            </section>`;
    }

    async #signAgain(data: FormData): Promise<string> {
        await this.#scene.administration.change([`life=${data.get("life")}`]);
        return saved(this.#scene.device.state.settings);
    }

    async #saveRenewers(view: SettingsView, data: FormData): Promise<string> {
        const renewers = ticked(data, "renewers");
        if (renewers.length === view.renewers.length && view.renewers.every((device) => renewers.includes(device))) return "Nothing was changed.";
        await this.#scene.administration.change([`renewers=${renewers.length === 0 ? "none" : renewers.join(",")}`]);
        return saved(this.#scene.device.state.settings);
    }

    /** Administrators, and whoever may do it already. */
    #candidates(view: SettingsView): Choice[] {
        const devices = new Set([...view.administrators, ...view.renewers]);
        return [...devices].map((device) => [device, this.#name(device)]);
    }

    #name(device: string): string {
        const { devices } = this.#scene.device.state;
        const known = devices?.devices.find((entry) => entry.device === device);
        if (known?.own) return "you, in this browser";
        return known?.name ?? `device ${short(device)}`;
    }
}

/** For how many days a version can be valid. */
const LIVES: readonly Choice[] = [
    ["1", "1 day"],
    ["3", "3 days"],
    ["7", "7 days"],
    ["14", "14 days"],
];

/** The rules in one or two sentences. */
export function summary(view: SettingsView): string {
    const levels = view.entryPoints.map(({ name, level }) => {
        const words = {
            e2ee: "are end-to-end encrypted",
            storage: "are stored encrypted, with keys that servers can use",
            transport: "are stored readable for the service",
        }[level];
        return `chats with ${name} ${words}`;
    });
    const kept = `servers keep entries for ${count(view.retention.days, "day")} after the last one`;
    const devices = `staff devices keep closed chats readable for ${duration(view.retention.deviceHistory)}`;
    const archive =
        view.archive === "keyManager"
            ? " Closed chats can be opened through the key manager, with a reason."
            : "";
    const first = [...levels, kept].join("; ");
    return `${first.charAt(0).toUpperCase()}${first.slice(1)}; ${devices}.${archive}`;
}
