/** Labels of chats: what they are about, for staff only. */

import { html, nothing, type TemplateResult } from "lit-html";
import type { ContactView } from "sottovoce";
import type { Desk } from "./desk.js";
import { ownNotebooks } from "./notebook.js";

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
