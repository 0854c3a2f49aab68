/** The sheet that lists what keys can do. */

import { html, nothing, type TemplateResult } from "lit-html";
import { ref } from "lit-html/directives/ref.js";
import { ACTIONS, HELP } from "./actions.js";
import type { Desk } from "./desk.js";
import { closeAround, closeBeside, showModal } from "./sheet.js";
import { keysText } from "./shortcuts.js";

/** Keys that no command stands behind. */
const OTHERS: readonly { title: string; keys: string; group: string }[] = [
    { group: "Chats", title: "Open a chat of the list beside the others", keys: "Alt+Enter" },
    { group: "Chats", title: "Up and down the list", keys: "↑ ↓" },
    { group: "This chat", title: "Send what you wrote", keys: "Enter" },
    { group: "This chat", title: "A new line", keys: "Shift+Enter" },
    { group: "Console", title: "Close what is on top: sheet, form, details, chat", keys: "Esc" },
    { group: "Console", title: "Keyboard shortcuts, also while you write", keys: keysText(HELP) },
];

export class Help {
    readonly #desk: Desk;

    constructor(desk: Desk) {
        this.#desk = desk;
    }

    dialog(): TemplateResult {
        const withKeys = ACTIONS.flatMap(({ title, group, keys }) => (keys ? [{ title, group, keys: keysText(keys) }] : []));
        const all = [...withKeys, ...OTHERS];
        const groups = [...new Set(all.map(({ group }) => group))];
        return html`<dialog
            class="sheet-dialog help"
            aria-labelledby="help-title"
            data-testid="help"
            ${ref(showModal)}
            @click=${closeBeside}
            @close=${() => this.#desk.loaded.closeSheet()}
        >
            <div class="inside">
                <div class="top">
                    <h2 id="help-title">Keyboard shortcuts</h2>
                    <button type="button" class="icon" aria-label="Close" autofocus data-testid="help-close" @click=${closeAround}>×</button>
                </div>
                <div class="groups">
                    ${groups.map(
                        (group) => html`<section>
                            <h3>${group}</h3>
                            <dl>
                                ${all.map((one) =>
                                    one.group === group ? html`<div><dt>${one.title}</dt><dd>${caps(one.keys)}</dd></div>` : nothing,
                                )}
                            </dl>
                        </section>`,
                    )}
                </div>
            </div>
        </dialog>`;
    }
}

function caps(keys: string): TemplateResult[] {
    return keys.split(/[+ ](?=.)/).map((key) => html`<kbd>${key}</kbd>`);
}
