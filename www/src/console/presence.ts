/** Whether this agent takes new chats, and up to how many at once. The device keeps the choice. */

import { html, type TemplateResult } from "lit-html";
import type { Mirror, PresenceView } from "sottovoce";
import type { Desk } from "./desk.js";

/** The choice, and what follows from it; whoever chose nothing is available. */
export function presenceOf(state: Mirror): PresenceView {
    return state.account?.presence ?? { available: true, own: 0, welcome: true };
}

export function choosePresence(desk: Desk, available: boolean, capacity = presenceOf(desk.device.state).capacity): void {
    desk.command({ type: "presence", available, ...(capacity === undefined || capacity < 1 ? {} : { capacity }) });
}

/** For the bar: whether new chats are welcome, and how many are open. */
export function presenceWords(state: Mirror, chats: number): string {
    const { available, capacity, welcome } = presenceOf(state);
    const taking = !available ? "Away" : welcome ? "Available" : "Full";
    return `${taking}, ${capacity === undefined ? chats : `${chats} of ${capacity}`} ${chats === 1 && capacity === undefined ? "chat" : "chats"}`;
}

const MOST = 100;

export function presenceForm(desk: Desk): TemplateResult {
    const { available, capacity } = presenceOf(desk.device.state);
    const choice = (value: boolean, title: string, words: string) => html`<label class="item">
        <input
            type="radio"
            name="presence"
            .checked=${available === value}
            data-testid=${value ? "available" : "away"}
            @change=${() => choosePresence(desk, value)}
        />
        <span>${title}<small>${words}</small></span>
    </label>`;
    return html`<fieldset>
        <legend>Presence</legend>
        ${choice(true, "Available", "Colleagues can hand you chats.")}
        ${choice(false, "Away", "You are shown as away; your chats stay yours.")}
        <label class="item">
            <span>At most this many chats at once<small>With as many open you are shown as away.</small></span>
            <input
                type="number"
                min="1"
                max=${MOST}
                placeholder="any"
                .value=${capacity === undefined ? "" : String(capacity)}
                data-testid="capacity"
                @change=${({ target }: Event) => {
                    const { value } = target as HTMLInputElement;
                    choosePresence(desk, available, Math.min(Math.trunc(Number(value)) || 0, MOST));
                }}
            />
        </label>
    </fieldset>`;
}
