/** The security level of each entry point. */

import { html, nothing, type TemplateResult } from "lit-html";
import type { Level, SettingsView } from "sottovoce";
import { Form, Invalid, type Radio } from "./form.js";
import type { Scene, Section } from "./settings.js";
import { LEVELS, LEVEL_TITLES, PLANS, allowedBy, levelWords, list, rank, saved } from "./words.js";

type EntryPoint = SettingsView["entryPoints"][number];

export class LevelsSection implements Section {
    readonly #scene: Scene;
    readonly #form: Form;

    constructor(scene: Scene) {
        this.#scene = scene;
        this.#form = new Form("level", scene.refresh);
    }

    page(view: SettingsView): TemplateResult {
        return html`<p class="explain">
                A level says who can read a chat. It is fixed when the chat begins: a change is for new chats only, and
                visitors read what holds for theirs before they write.
            </p>
            <form novalidate @submit=${this.#form.submit((data) => this.#save(view, data))}>
                ${view.entryPoints.map((entry) =>
                    this.#form.radios(`entry-point.${entry.id}.level`, `${entry.name} (${entry.id})`, choices(view), entry.level),
                )}
                ${this.#form.end("Sign and publish")}
            </form>
            ${view.entryPoints.length === 0 ? html`<p>The account has no entry point yet.</p>` : nothing}`;
    }

    async #save(view: SettingsView, data: FormData): Promise<string | undefined> {
        const changed: [EntryPoint, Level][] = [];
        for (const entry of view.entryPoints) {
            const field = `entry-point.${entry.id}.level`;
            const level = LEVELS.find((known) => known === data.get(field));
            if (level === undefined) throw new Invalid(field, "Choose a level.");
            if (level !== entry.level) changed.push([entry, level]);
        }
        if (changed.length === 0) return "Nothing was changed.";
        const lowered = changed.filter(([entry, level]) => rank(level) < rank(entry.level));
        if (lowered.length > 0 && !(await this.#scene.question.ask("Lower the protection?", this.#warning(view, lowered), "Lower it"))) {
            return "Nothing was changed.";
        }
        await this.#scene.administration.change(changed.map(([{ id }, level]) => `entry-point.${id}.level=${level}`));
        return `${saved(this.#scene.device.state.settings)} It holds for chats that begin from now on.`;
    }

    #warning(view: SettingsView, lowered: [EntryPoint, Level][]): TemplateResult {
        const levels = new Set(lowered.map(([, level]) => level));
        return html`${lowered.map(
                ([entry, level]) => html`<p>
                    New chats with <strong>${entry.name}</strong>: ${lower(LEVEL_TITLES[level])} instead of
                    ${lower(LEVEL_TITLES[entry.level])}. ${levelWords(level, view)}
                </p>`,
            )}
            <p>Visitors are told so. Chats that have begun keep their level.</p>
            ${[...levels].map((level) => this.#needs(view, level))}`;
    }

    /** What new chats at a level need, where it is not there. */
    #needs(view: SettingsView, level: Level): TemplateResult | typeof nothing {
        const { devices } = this.#scene.device.state;
        const missing = [];
        if (!(devices?.devices ?? []).some(({ role, state }) => role === "vault" && state === "valid")) {
            missing.push("a storage server that is let in");
        }
        if (level === "storage" && view.keyManager === undefined) missing.push("a key manager");
        return missing.length === 0
            ? nothing
            : html`<p class="wrong">No chat can begin at this level yet: it needs ${list(missing)}.</p>`;
    }
}

function choices(view: SettingsView): Radio[] {
    return [...LEVELS].reverse().map((level) => ({
        value: level,
        title: LEVEL_TITLES[level],
        words: levelWords(level, view),
        unavailable: unavailable(view, level),
    }));
}

function unavailable(view: SettingsView, level: Level): string | undefined {
    if (!allowedBy(view.plan).includes(level)) {
        return `Not with plan ${PLANS[view.plan]}, which is chosen under “Plan and retention”.`;
    }
    if (rank(level) < rank(view.lowestLevel)) {
        return `Not in this account: its root key allows nothing below “${LEVEL_TITLES[view.lowestLevel]}”.`;
    }
    return undefined;
}

function lower(title: string): string {
    return title.charAt(0).toLowerCase() + title.slice(1);
}
