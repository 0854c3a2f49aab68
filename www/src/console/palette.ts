/** The palette: what can be done now and where one can go, found by a few letters of its name. */

import { html, nothing, type TemplateResult } from "lit-html";
import { repeat } from "lit-html/directives/repeat.js";
import { ref } from "lit-html/directives/ref.js";
import { ACTIONS } from "./actions.js";
import type { Desk } from "./desk.js";
import { chatName, entryPointName } from "./faces.js";
import { TITLES } from "./settings/titles.js";
import { closeBeside, showModal } from "./sheet.js";
import { isPressed, keysText } from "./shortcuts.js";

interface Choice {
    readonly id: string;
    readonly title: string;
    readonly group: string;
    readonly keys?: string;
    run(): void;
}

/** How many are shown. */
const MOST = 12;
const SELF = ACTIONS.find(({ id }) => id === "palette")?.keys;

export class Palette {
    readonly #desk: Desk;
    #query = "";
    #chosen = 0;

    constructor(desk: Desk) {
        this.#desk = desk;
    }

    dialog(): TemplateResult {
        const found = this.#found();
        const chosen = found[Math.min(this.#chosen, found.length - 1)];
        return html`<dialog
            class="sheet-dialog palette"
            aria-label="Do or find anything"
            data-testid="palette"
            ${ref(showModal)}
            @click=${closeBeside}
            @close=${() => this.#desk.loaded.closeSheet()}
        >
            <div class="inside">
                <input
                    type="text"
                    role="combobox"
                    aria-label="What do you want to do?"
                    aria-expanded="true"
                    aria-controls="palette-list"
                    aria-activedescendant=${chosen ? `palette-${chosen.id}` : nothing}
                    aria-autocomplete="list"
                    placeholder="Type what you want to do, or whom you look for"
                    autocomplete="off"
                    spellcheck="false"
                    autofocus
                    data-testid="palette-input"
                    .value=${this.#query}
                    @input=${({ target }: InputEvent) => {
                        this.#query = (target as HTMLInputElement).value;
                        this.#chosen = 0;
                        this.#desk.refresh();
                    }}
                    @keydown=${(event: KeyboardEvent) => this.#pressed(event, found)}
                />
                <ul role="listbox" id="palette-list" aria-label="Choices">
                    ${repeat(
                        found,
                        ({ id }) => id,
                        (choice) => html`<li
                            role="option"
                            id="palette-${choice.id}"
                            aria-selected=${choice === chosen}
                            data-testid="palette-choice"
                            data-id=${choice.id}
                            @click=${(event: Event) => this.#run(event, choice)}
                        >
                            <span>${choice.title}<small>${choice.group}</small></span>
                            ${choice.keys === undefined ? nothing : html`<kbd>${choice.keys}</kbd>`}
                        </li>`,
                    )}
                </ul>
                ${found.length === 0
                    ? html`<p class="explain" role="status">Nothing here is called so. What was said in chats is found by the search above the inbox.</p>`
                    : nothing}
            </div>
        </dialog>`;
    }

    #pressed(event: KeyboardEvent, found: readonly Choice[]): void {
        if (SELF !== undefined && isPressed(SELF, event)) {
            event.preventDefault();
            (event.currentTarget as Element).closest("dialog")?.close();
            return;
        }
        const by = event.key === "ArrowDown" ? 1 : event.key === "ArrowUp" ? -1 : 0;
        if (by !== 0 && found.length > 0) {
            this.#chosen = (Math.min(this.#chosen, found.length - 1) + by + found.length) % found.length;
            setTimeout(() => document.querySelector("#palette-list [aria-selected=true]")?.scrollIntoView({ block: "nearest" }));
        } else if (event.key === "Enter" && !event.isComposing) {
            const choice = found[Math.min(this.#chosen, found.length - 1)];
            if (choice) this.#run(event, choice);
        } else return;
        event.preventDefault();
        this.#desk.refresh();
    }

    #run(event: Event, choice: Choice): void {
        const dialog = (event.currentTarget as Element).closest("dialog");
        // The browser gives the focus back when the dialog closes; what is done then may want it elsewhere.
        dialog?.addEventListener("close", () => setTimeout(() => choice.run()), { once: true });
        dialog?.close();
    }

    #found(): Choice[] {
        const rated = this.#choices().flatMap((choice) => {
            const rate = fit(this.#query, choice.title) ?? lower(fit(this.#query, `${choice.title} ${choice.group}`));
            return rate === undefined ? [] : [{ choice, rate }];
        });
        return rated
            .sort((a, b) => b.rate - a.rate)
            .slice(0, MOST)
            .map(({ choice }) => choice);
    }

    #choices(): Choice[] {
        const desk = this.#desk;
        const { state } = desk.device;
        const actions = ACTIONS.filter((action) => action.id !== "palette" && (action.can?.(desk) ?? true)).map((action) => ({
            id: action.id,
            title: action.title,
            group: action.group,
            ...(action.keys ? { keys: keysText(action.keys) } : {}),
            run: () => action.run(desk),
        }));
        // What concerns the chat in use comes first.
        actions.sort((a, b) => Number(b.group === "This chat") - Number(a.group === "This chat"));
        const chats = desk.chats.map(({ entry, standing }) => ({
            id: `chat-${entry.contact}`,
            title: chatName(state, entry.contact),
            group: `Chat at ${entryPointName(state, entry.entryPoint)}${standing === "closed" ? ", closed" : ""}`,
            run: () => desk.panes.open(entry.contact),
        }));
        const settings = state.settings?.administrator ? Object.entries(TITLES) : state.settings ? [["", "Account rules"] as const] : [];
        const pages = settings.map(([id, title]) => ({
            id: `settings-${id}`,
            title,
            group: id === "" ? "Account" : "Security settings",
            run: () => {
                location.hash = id === "" ? "#settings" : `#settings/${id}`;
            },
        }));
        return [...actions, ...chats, ...pages];
    }
}

/** How well letters fit a name: all of them have to occur in their order; the closer together and the earlier in words, the better. */
export function fit(query: string, name: string): number | undefined {
    const letters = fold(query).replaceAll(" ", "");
    const among = fold(name);
    let rate = 0;
    let from = 0;
    for (const letter of letters) {
        const at = among.indexOf(letter, from);
        if (at < 0) return undefined;
        const begins = at === 0 || among[at - 1] === " ";
        rate += (at === from ? 3 : 0) + (begins ? 2 : 0) - (at - from) / 20;
        from = at + 1;
    }
    return among.includes(fold(query)) ? rate + 10 : rate;
}

/** What fits only together with its group comes after what fits by itself. */
function lower(rate: number | undefined): number | undefined {
    return rate === undefined ? undefined : rate - 100;
}

function fold(text: string): string {
    return text.toLowerCase().normalize("NFD").replaceAll(/\p{M}/gu, "");
}
