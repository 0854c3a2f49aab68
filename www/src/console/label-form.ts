/** The form in which a chat's labels are set. */

import { html, type TemplateResult } from "lit-html";
import type { ContactId, ContactView } from "sottovoce";
import type { Desk } from "./desk.js";
import { knownLabels } from "./labels.js";

const MOST = 16;
const LONGEST = 64;

export class LabelForm {
    readonly name = "label";
    readonly contact: ContactId;
    readonly #desk: Desk;
    readonly #chosen: Set<string>;
    #new = "";

    constructor(desk: Desk, view: ContactView) {
        this.contact = view.contact;
        this.#desk = desk;
        this.#chosen = new Set(view.labels);
    }

    form(): TemplateResult {
        const labels = [...new Set([...knownLabels(this.#desk), ...this.#chosen])];
        return html`<form class="handing" data-testid="label-form" @submit=${(event: SubmitEvent) => this.#submit(event)}>
            <fieldset class="labels">
                <legend>Labels of this chat</legend>
                ${labels.map(
                    (label) => html`<label class="check"
                        ><input type="checkbox" .checked=${this.#chosen.has(label)} data-testid="label-choice" @change=${() => this.#turn(label)} />
                        ${label}</label
                    >`,
                )}
            </fieldset>
            <label
                >Another label
                <input
                    maxlength=${LONGEST}
                    autocomplete="off"
                    data-testid="label-new"
                    .value=${this.#new}
                    @input=${({ target }: InputEvent) => (this.#new = (target as HTMLInputElement).value)}
                />
            </label>
            <p class="explain">Colleagues on this chat see them, the visitor and the servers do not. A new one is kept for your team.</p>
            <div class="end">
                <button class="primary" data-testid="label-send">Set the labels</button>
                <button type="button" class="quiet" @click=${() => this.#desk.show(undefined)}>Cancel</button>
            </div>
        </form>`;
    }

    #turn(label: string): void {
        if (!this.#chosen.delete(label)) this.#chosen.add(label);
        this.#desk.refresh();
    }

    #submit(event: SubmitEvent): void {
        event.preventDefault();
        const added = this.#new.trim();
        if (added !== "") this.#chosen.add(added);
        if (this.#chosen.size > MOST) {
            this.#desk.notices.set(this.contact, `A chat has at most ${MOST} labels.`);
            this.#desk.refresh();
            return;
        }
        const kept = knownLabels(this.#desk);
        this.#desk.command({ type: "label", contact: this.contact, labels: [...this.#chosen] });
        const [team] = this.#desk.device.state.account?.ownTeams ?? [];
        if (added !== "" && !kept.includes(added) && team !== undefined) {
            this.#desk.command({ type: "keepLabel", team, label: added, kept: true });
        }
        this.#desk.show(undefined);
    }
}
