/** Entry points: where visitors come in, what they read there, who answers. */

import { html, nothing, type TemplateResult } from "lit-html";
import { repeat } from "lit-html/directives/repeat.js";
import type { SettingsView } from "sottovoce";
import { type Choice, Forms, Invalid, idOf, textOf, ticked } from "./form.js";
import type { Scene, Section } from "./settings.js";
import { LEVEL_TITLES, saved } from "./words.js";

type EntryPoint = SettingsView["entryPoints"][number];

export class EntryPointsSection implements Section {
    readonly #scene: Scene;
    readonly #forms: Forms;

    constructor(scene: Scene) {
        this.#scene = scene;
        this.#forms = new Forms(scene.refresh);
    }

    page(view: SettingsView): TemplateResult {
        return html`<p class="explain">
                A page of yours names the entry point that its visitors come in by. They can begin a chat there only while
                each of its teams has a current key: name those that are staffed.
            </p>
            ${repeat(view.entryPoints, ({ id }) => id, (entry) => this.#entry(view, entry))} ${this.#adding(view)}`;
    }

    #entry(view: SettingsView, entry: EntryPoint): TemplateResult {
        const at = `entry-point.${entry.id}`;
        const form = this.#forms.of(`entry-${entry.id}`);
        return html`<form
            novalidate
            class="card"
            data-testid="entry"
            data-entry=${entry.id}
            aria-label="Entry point ${entry.name}"
            @submit=${form.submit((data) => this.#save(view, entry, data))}
        >
            <h3>${entry.name} <small>${entry.id}</small></h3>
            <p><small>${LEVEL_TITLES[entry.level]}, see “Levels”</small></p>
            ${form.text(`${at}.name`, "Name that visitors read", entry.name)}
            ${form.checks(`${at}.teams`, "Who answers", teams(view), entry.teams)}
            ${view.roles.includes("bot")
                ? html`${form.check(`${at}.bot-claims`, "A bot may take chats here", entry.botClaims)}
                  ${form.check(`${at}.bot-transfers`, "A bot may hand chats on here", entry.botTransfers)}`
                : nothing}
            ${form.end(
                "Sign and publish",
                html`<button type="button" class="plain" data-testid="entry-remove" @click=${() => void this.#remove(view, entry)}>
                    Remove
                </button>`,
            )}
        </form>`;
    }

    async #save(view: SettingsView, entry: EntryPoint, data: FormData): Promise<string> {
        const at = `entry-point.${entry.id}`;
        const name = textOf(data, `${at}.name`, "Visitors have to read a name.");
        const chosen = answering(data, `${at}.teams`);
        const ticks = (setting: string, before: boolean) => {
            const now = data.get(`${at}.${setting}`) !== null;
            return now === before ? [] : [`${at}.${setting}=${now ? "yes" : "no"}`];
        };
        const settings = [
            ...(name === entry.name ? [] : [`${at}.name=${name}`]),
            ...(chosen === [...entry.teams].sort().join(",") ? [] : [`${at}.teams=${chosen}`]),
            ...(view.roles.includes("bot") ? [...ticks("bot-claims", entry.botClaims), ...ticks("bot-transfers", entry.botTransfers)] : []),
        ];
        if (settings.length === 0) return "Nothing was changed.";
        await this.#scene.administration.change(settings);
        return saved(this.#scene.device.state.settings);
    }

    async #remove(view: SettingsView, entry: EntryPoint): Promise<void> {
        const form = this.#forms.of(`entry-${entry.id}`);
        if (view.entryPoints.length === 1) {
            form.say(false, "It is the only one: nobody could begin a chat any more.");
            return;
        }
        const words = "Pages that name it can begin no chat any more. Chats that have begun go on.";
        if (!(await this.#scene.question.ask(`Remove ${entry.name} (${entry.id})?`, words, "Remove it"))) return;
        await form.run(async () => {
            await this.#scene.administration.change([`entry-point.${entry.id}=none`]);
            this.#forms.of("new-entry").say(true, `It is removed. ${saved(this.#scene.device.state.settings)}`);
            return undefined;
        });
    }

    #adding(view: SettingsView): TemplateResult {
        const form = this.#forms.of("new-entry");
        return html`<form novalidate data-testid="entry-form" @submit=${form.submit((data) => this.#add(view, data), true)}>
            <h2>New entry point</h2>
            ${form.text("id", "Id", "", { hint: "Short and for ever, as pages will name it, such as shop.", maxlength: 64 })}
            ${form.text("name", "Name that visitors read", "")} ${form.checks("teams", "Who answers", teams(view), [])}
            ${form.end("Sign and publish")}
            <p class="explain">It begins with the strictest level that there is; “Levels” changes it.</p>
        </form>`;
    }

    async #add(view: SettingsView, data: FormData): Promise<string> {
        const id = idOf(data, "id");
        if (view.entryPoints.some((entry) => entry.id === id)) throw new Invalid("id", "There is such an entry point already.");
        const name = textOf(data, "name", "Visitors have to read a name.");
        const chosen = answering(data, "teams");
        await this.#scene.administration.change([`entry-point.${id}.teams=${chosen}`, `entry-point.${id}.name=${name}`]);
        return saved(this.#scene.device.state.settings);
    }
}

function teams(view: SettingsView): Choice[] {
    return view.teams.map(({ id, name }) => [id, name]);
}

function answering(data: FormData, field: string): string {
    const chosen = ticked(data, field);
    if (chosen.length === 0) throw new Invalid(field, "Somebody has to answer there.");
    return chosen.sort().join(",");
}
