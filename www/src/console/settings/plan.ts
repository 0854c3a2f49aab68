/** Plan, retention, who may join, and limits. */

import { html, nothing, type TemplateResult } from "lit-html";
import type { Level, SettingsView } from "sottovoce";
import { type Choice, Form, Invalid, numberOf, optionalTextOf, ticked } from "./form.js";
import type { Scene, Section } from "./settings.js";
import { JOINING, LEVEL_TITLES, PLANS, ROLE_WORDS, allowedBy, count, list, rank, saved } from "./words.js";

type Plan = SettingsView["plan"];

const HOUR = 3600;
const DAY = 24 * HOUR;
/** More than anybody keeps anything, in days. */
const LONGEST = 36_500;
/** The protocol's longest text, in bytes. */
const TEXT = 65_536;
const MIB = 1024 * 1024;

export class PlanSection implements Section {
    readonly #scene: Scene;
    readonly #plan: Form;
    readonly #retention: Form;
    readonly #joining: Form;
    readonly #rest: Form;
    #chosen: Plan | undefined;

    constructor(scene: Scene) {
        this.#scene = scene;
        const form = (id: string) => new Form(id, scene.refresh);
        [this.#plan, this.#retention, this.#joining, this.#rest] = [form("plan"), form("retention"), form("joining"), form("limits")];
    }

    page(view: SettingsView): TemplateResult {
        return html`${this.#planForm(view)} ${this.#retentionForm(view)} ${this.#joiningForm(view)} ${this.#restForm(view)}`;
    }

    #planForm(view: SettingsView): TemplateResult {
        const plan = this.#chosen ?? view.plan;
        const levels = allowedBy(plan).filter((level) => rank(level) >= rank(view.lowestLevel));
        const moves = view.entryPoints.some(({ level }) => !allowedBy(plan).includes(level));
        const change = (event: Event) => {
            this.#chosen = (event.target as HTMLSelectElement).value as Plan;
            this.#scene.refresh();
        };
        return html`<form novalidate @submit=${this.#plan.submit((data) => this.#savePlan(view, data))}>
            <h2>Plan</h2>
            ${this.#plan.choice("plan", "Plan", Object.entries(PLANS), view.plan, {
                hint: "Solo, Starter and Plus store chats readable for the service. Enterprise has the other two levels.",
                change,
            })}
            ${moves && levels.length > 0
                ? this.#plan.choice(
                      "level",
                      "Level of all entry points with this plan",
                      levels.map((level): Choice => [level, LEVEL_TITLES[level]]),
                      levels[0] ?? "",
                      { hint: "New chats have it; those that have begun keep theirs." },
                  )
                : nothing}
            ${moves && levels.length === 0
                ? html`<p class="wrong" data-testid="plan-impossible">
                      This account cannot have this plan: its root key allows nothing below
                      “${LEVEL_TITLES[view.lowestLevel]}”.
                  </p>`
                : nothing}
            ${this.#plan.end("Sign and publish")}
        </form>`;
    }

    async #savePlan(view: SettingsView, data: FormData): Promise<string> {
        const plan = (Object.keys(PLANS) as Plan[]).find((known) => known === data.get("plan"));
        if (plan === undefined) throw new Invalid("plan", "Choose a plan.");
        if (plan === view.plan) return "Nothing was changed.";
        const level = data.get("level") as Level | null;
        const moved = view.entryPoints.filter((entry) => !allowedBy(plan).includes(entry.level));
        if (moved.length > 0 && (level === null || !allowedBy(plan).includes(level))) {
            throw new Invalid("plan", "The account’s root key does not allow the level of this plan.");
        }
        const lowers = level !== null && moved.some((entry) => rank(level) < rank(entry.level));
        if (lowers && !(await this.#lower(level, moved.map(({ name }) => name)))) return "Nothing was changed.";
        const levels = moved.map(({ id }) => `entry-point.${id}.level=${level}`);
        await this.#scene.administration.change([`plan=${plan}`, ...levels]);
        this.#chosen = undefined;
        return saved(this.#scene.device.state.settings);
    }

    #lower(level: Level, names: string[]): Promise<boolean> {
        const words = html`<p>
            New chats with ${list(names)} will be “${LEVEL_TITLES[level]}”: less than now. Visitors are told so. Chats that
            have begun keep their level.
        </p>`;
        return this.#scene.question.ask("Lower the protection?", words, "Change the plan");
    }

    #retentionForm(view: SettingsView): TemplateResult {
        const { days, deviceHistory, draining } = view.retention;
        return html`<form novalidate @submit=${this.#retention.submit((data) => this.#saveRetention(view, data))}>
            <h2>Retention</h2>
            ${this.#retention.text("retention.days", "Servers keep a chat’s entries after the last one", String(days), {
                type: "number",
                min: 1,
                unit: "days",
                hint: "Then their content is deleted; that the chat was there stays known.",
            })}
            ${this.#retention.text("retention.device-history", "Staff devices can read closed chats", hours(deviceHistory), {
                type: "number",
                min: 0,
                unit: "hours",
                hint: "Then they destroy the keys. 0: at once when a chat is closed.",
            })}
            ${this.#retention.text("retention.draining", "A team’s key opens chats that wait, at most", hours(draining), {
                type: "number",
                min: 1,
                unit: "hours",
                hint: "A chat that nobody has taken by then can be opened by nobody. 14 days are 336 hours.",
            })}
            ${this.#retention.end("Sign and publish")}
        </form>`;
    }

    async #saveRetention(view: SettingsView, data: FormData): Promise<string> {
        const days = numberOf(data, "retention.days", 1, LONGEST);
        const history = numberOf(data, "retention.device-history", 0, LONGEST * 24) * HOUR;
        const draining = numberOf(data, "retention.draining", 1, (14 * DAY) / HOUR) * HOUR;
        const { retention } = view;
        const settings = [
            ...(days === retention.days ? [] : [`retention.days=${days}`]),
            ...(hours(history) === hours(retention.deviceHistory) ? [] : [`retention.device-history=${history}`]),
            ...(hours(draining) === hours(retention.draining) ? [] : [`retention.draining=${draining}`]),
        ];
        if (settings.length === 0) return "Nothing was changed.";
        if (days < retention.days) {
            const words = html`<p>
                Messages of chats whose last entry is older than ${count(days, "day")} are deleted on the servers within
                minutes, and do not come back.
            </p>`;
            if (!(await this.#scene.question.ask("Delete older messages?", words, "Shorten the retention"))) return "Nothing was changed.";
        }
        await this.#scene.administration.change(settings);
        return saved(this.#scene.device.state.settings);
    }

    #joiningForm(view: SettingsView): TemplateResult {
        const choices = JOINING.map((role): Choice => [role, ROLE_WORDS[role] ?? role]);
        return html`<form novalidate @submit=${this.#joining.submit((data) => this.#saveJoining(view, data))}>
            <h2>Who may join</h2>
            ${this.#joining.checks("roles", "Besides visitors and agents", choices, view.roles, "Everybody who is on a chat is shown to the visitor.")}
            ${this.#joining.end("Sign and publish")}
        </form>`;
    }

    async #saveJoining(view: SettingsView, data: FormData): Promise<string> {
        const roles = ticked(data, "roles");
        if (roles.length === view.roles.length && view.roles.every((role) => roles.includes(role))) return "Nothing was changed.";
        await this.#scene.administration.change([`roles=${roles.length === 0 ? "none" : roles.join(",")}`]);
        return saved(this.#scene.device.state.settings);
    }

    #restForm(view: SettingsView): TemplateResult {
        return html`<form novalidate @submit=${this.#rest.submit((data) => this.#saveRest(view, data))}>
            <h2>Limits and rest</h2>
            ${this.#rest.text("limits.text", "Longest text", String(view.limits.text), { type: "number", min: 1, max: TEXT, unit: "bytes" })}
            ${this.#rest.text("limits.attachment", "Largest attachment", String(Math.floor(view.limits.attachment / MIB)), {
                type: "number",
                min: 0,
                unit: "MiB",
            })}
            ${this.#rest.choice("lowest-suite", "Encryption of new chats", SUITES, String(view.lowestSuite))}
            ${this.#rest.text("fallback-link", "Link for browsers that cannot run the chat", view.fallbackLink ?? "", {
                type: "url",
                maxlength: 1024,
                hint: "Begins with https://; empty for none.",
            })}
            ${this.#rest.end("Sign and publish")}
        </form>`;
    }

    async #saveRest(view: SettingsView, data: FormData): Promise<string> {
        const text = numberOf(data, "limits.text", 1, TEXT);
        const attachment = numberOf(data, "limits.attachment", 0, 1_000_000);
        const suite = optionalTextOf(data, "lowest-suite");
        const link = optionalTextOf(data, "fallback-link");
        if (link !== "" && !link.startsWith("https://")) throw new Invalid("fallback-link", "It must begin with https://.");
        const settings = [
            ...(text === view.limits.text ? [] : [`limits.text=${text}`]),
            ...(attachment === Math.floor(view.limits.attachment / MIB) ? [] : [`limits.attachment=${attachment * MIB}`]),
            ...(suite === String(view.lowestSuite) ? [] : [`lowest-suite=${suite}`]),
            ...(link === (view.fallbackLink ?? "") ? [] : [`fallback-link=${link === "" ? "none" : link}`]),
        ];
        if (settings.length === 0) return "Nothing was changed.";
        await this.#scene.administration.change(settings);
        return saved(this.#scene.device.state.settings);
    }
}

const SUITES: readonly Choice[] = [
    ["2", "X-Wing: what is recorded now cannot be read by a quantum computer later"],
    ["1", "X25519 too: without that protection"],
];

function hours(seconds: number): string {
    return String(Math.floor(seconds / HOUR));
}
