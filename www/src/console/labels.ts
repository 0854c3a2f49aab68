/** Labels of chats: what they are about, for staff only. */

import { html, nothing, type TemplateResult } from "lit-html";
import type { ContactId, ContactView } from "sottovoce";
import type { Desk } from "./desk.js";
import { ownNotebooks } from "./notebook.js";

const MOST = 16;
const LONGEST = 64;

/** A chat's labels as chips. */
export function chips(view: ContactView | undefined): TemplateResult | typeof nothing {
    return view === undefined || view.labels.length === 0
        ? nothing
        : html`<span class="chips" data-testid="labels">${view.labels.map((label) => html`<span class="chip">${label}</span>`)}</span>`;
}

/** Labels that chats have here. */
function usedLabels(desk: Desk): string[] {
    return [...new Set([...desk.device.state.conversations].flatMap(({ view }) => view?.labels ?? []))].sort();
}

/** Those, and the labels that the own teams keep, in their order. */
export function knownLabels(desk: Desk): string[] {
    const kept = ownNotebooks(desk.device.state).flatMap(({ labels }) => labels);
    return [...new Set([...kept, ...usedLabels(desk)])].sort((a, b) => a.localeCompare(b));
}

/** Chooses of which label chats are listed. */
export function labelFilter(desk: Desk): TemplateResult | typeof nothing {
    const labels = usedLabels(desk);
    if (labels.length === 0) return nothing;
    return html`<label class="filter">
        <span class="hidden">Show chats with the label</span>
        <select
            data-testid="label-filter"
            @change=${({ target }: Event) => {
                desk.label = (target as HTMLSelectElement).value || undefined;
                desk.refresh();
            }}
        >
            <option value="" ?selected=${desk.label === undefined}>All labels</option>
            ${labels.map((label) => html`<option value=${label} ?selected=${desk.label === label}>${label}</option>`)}
        </select>
    </label>`;
}

/** The form in which a chat's labels are set. */
export class LabelForm {
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
