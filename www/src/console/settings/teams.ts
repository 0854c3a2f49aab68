/** Teams: their names, and which of their keys count. */

import { html, type TemplateResult } from "lit-html";
import { repeat } from "lit-html/directives/repeat.js";
import type { SettingsView } from "sottovoce";
import { Forms, Invalid, idOf, numberOf, textOf } from "./form.js";
import type { Scene, Section } from "./settings.js";
import { list, saved } from "./words.js";

type Team = SettingsView["teams"][number];

export class TeamsSection implements Section {
    readonly #scene: Scene;
    readonly #forms: Forms;

    constructor(scene: Scene) {
        this.#scene = scene;
        this.#forms = new Forms(scene.refresh);
    }

    page(view: SettingsView): TemplateResult {
        return html`<p class="explain">
                A chat that waits can be read by the teams of its entry point, and by nobody else. Whoever takes it reads
                on alone.
            </p>
            ${repeat(view.teams, ({ id }) => `team-${id}`, (team) => this.#team(view, team))}
            ${this.#adding(view)}`;
    }

    #team(view: SettingsView, team: Team): TemplateResult {
        const form = this.#forms.of(`team-${team.id}`);
        return html`<form
            novalidate
            class="card"
            data-testid="team"
            data-team=${team.id}
            aria-label="Team ${team.name}"
            @submit=${form.submit((data) => this.#save(team, data))}
        >
            <h3>${team.name} <small>${team.id}</small></h3>
            ${form.text(`team.${team.id}.name`, "Name", team.name)}
            ${form.text(`team.${team.id}.lowest-generation`, "Refuse its keys before generation", String(team.lowestGeneration), {
                type: "number",
                min: 0,
                hint: "Raise it only when a team’s key got into wrong hands: chats that wait under an older one can be opened by nobody.",
            })}
            ${form.end(
                "Sign and publish",
                html`<button type="button" class="plain" data-testid="team-remove" @click=${() => void this.#remove(view, team)}>
                    Remove
                </button>`,
            )}
        </form>`;
    }

    async #save(team: Team, data: FormData): Promise<string> {
        const name = textOf(data, `team.${team.id}.name`, "A team needs a name.");
        const lowest = numberOf(data, `team.${team.id}.lowest-generation`, 0, Number.MAX_SAFE_INTEGER);
        if (lowest < team.lowestGeneration) {
            throw new Invalid(`team.${team.id}.lowest-generation`, `Keys before generation ${team.lowestGeneration} stay refused.`);
        }
        const settings = [
            ...(name === team.name ? [] : [`team.${team.id}.name=${name}`]),
            ...(lowest === team.lowestGeneration ? [] : [`team.${team.id}.lowest-generation=${lowest}`]),
        ];
        if (settings.length === 0) return "Nothing was changed.";
        if (lowest > team.lowestGeneration) {
            const words = html`<p>
                Chats that wait for ${team.name} under a key before generation ${lowest} can be opened by nobody any more.
                That cannot be undone.
            </p>`;
            if (!(await this.#scene.question.ask("Refuse older keys?", words, "Refuse them"))) return "Nothing was changed.";
        }
        await this.#scene.administration.change(settings);
        return saved(this.#scene.device.state.settings);
    }

    async #remove(view: SettingsView, team: Team): Promise<void> {
        const form = this.#forms.of(`team-${team.id}`);
        const alone = view.entryPoints.filter(({ teams }) => teams.length === 1 && teams[0] === team.id);
        if (alone.length > 0) {
            form.say(false, `Nobody else answers at ${list(alone.map(({ name }) => name))}: choose another team there first.`);
            return;
        }
        const words = html`<p>
            Its members no longer see what waits for it, and no chat can be handed to it. Chats that wait for ${team.name}
            alone can be taken by nobody.
        </p>`;
        if (!(await this.#scene.question.ask(`Remove ${team.name}?`, words, "Remove it"))) return;
        await form.run(async () => {
            const leave = view.entryPoints
                .filter(({ teams }) => teams.includes(team.id))
                .map(({ id, teams }) => `entry-point.${id}.teams=${teams.filter((other) => other !== team.id).join(",")}`);
            await this.#scene.administration.change([...leave, `team.${team.id}=none`]);
            this.#forms.of("new-team").say(true, `${team.name} is removed. ${saved(this.#scene.device.state.settings)}`);
            return undefined;
        });
    }

    #adding(view: SettingsView): TemplateResult {
        const form = this.#forms.of("new-team");
        return html`<form novalidate data-testid="team-form" @submit=${form.submit((data) => this.#add(view, data), true)}>
            <h2>New team</h2>
            ${form.text("id", "Id", "", { hint: "Short and for ever, such as sales.", maxlength: 64 })}
            ${form.text("name", "Name", "", { hint: "What people read, such as Sales." })}
            ${form.end("Sign and publish")}
        </form>`;
    }

    async #add(view: SettingsView, data: FormData): Promise<string> {
        const id = idOf(data, "id");
        const name = textOf(data, "name", "A team needs a name.");
        if (view.teams.some((team) => team.id === id)) throw new Invalid("id", "There is such a team already.");
        await this.#scene.administration.change([`team.${id}.name=${name}`]);
        return `${saved(this.#scene.device.state.settings)} Let devices into it under “Devices”, and say under “Entry points” where it answers.`;
    }
}
