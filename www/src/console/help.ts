/** The sheet that lists what keys can do. */

import { html, nothing, type TemplateResult } from "lit-html";
import { ACTIONS, HELP } from "./actions.js";
import type { Desk } from "./desk.js";
import { titledSheet } from "./sheet.js";
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
        return titledSheet(
            "help",
            "Keyboard shortcuts",
            () => this.#desk.loaded.closeSheet(),
            html`<div class="groups">
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
            </div>`,
        );
    }
}

function caps(keys: string): TemplateResult[] {
    return keys.split(/[+ ](?=.)/).map((key) => html`<kbd>${key}</kbd>`);
}
