/** The bar above the page, and the menu behind the agent's name: presence, notifications, sounds, colours. */

import { html, nothing, type TemplateResult } from "lit-html";
import { ACTIONS } from "./actions.js";
import type { Desk } from "./desk.js";
import { avatar } from "./faces.js";
import type { SheetName } from "./loaded.js";
import { Notifications } from "./notifications.js";
import type { Theme } from "./preferences.js";
import { presenceForm, presenceOf, presenceWords } from "./presence.js";
import { keysText } from "./shortcuts.js";

const THEMES: Record<Theme, string> = { auto: "As the system", light: "Light", dark: "Dark" };
const PALETTE = ACTIONS.find(({ id }) => id === "palette")?.keys;

export function bar(desk: Desk, settings: string | undefined, connected: string): TemplateResult {
    const { state } = desk.device;
    const own = state.account?.own;
    return html`<header class="bar">
        ${settings === undefined && state.unapproved === undefined ? html`<h1 class="hidden">Chats</h1>` : nothing}
        <strong class="brand">
            <svg viewBox="0 0 24 24" aria-hidden="true">
                <rect width="24" height="24" rx="6" />
                <path d="M12 5c4.200 0 7 2.600 7 6s-2.800 6-7 6c-.7 0-1.500 0-2.100-.2L6.300 18.500l.8-3C5.800 14.500 5 12.900 5 11c0-3.400 2.800-6 7-6z" />
            </svg>
            <span>Sottovoce</span>
        </strong>
        <span class="connection" data-testid="connection" data-state=${state.connection.state} role="status">${connected}</span>
        ${own === undefined || own.name === ""
            ? nothing
            : html`<button type="button" class="anything" data-testid="palette-open" @click=${() => void desk.loaded.openSheet("palette")}>
                  Do or find anything ${PALETTE ? html`<kbd>${keysText(PALETTE)}</kbd>` : nothing}
              </button>`}
        ${state.settings === undefined
            ? nothing
            : html`<a
                  href="#settings"
                  class="quiet"
                  aria-current=${settings === undefined ? nothing : "page"}
                  data-testid="settings"
                  >${state.settings.administrator ? "Security settings" : "Account rules"}</a
              >`}
        ${own === undefined || own.name === "" ? nothing : who(desk, own.name, own.device)}
    </header>`;
}

function who(desk: Desk, name: string, device: string): TemplateResult {
    const { state } = desk.device;
    const chats = desk.chats.filter(({ standing }) => standing === "mine").length;
    return html`<button type="button" class="who" popovertarget="menu" data-testid="menu-open">
            ${avatar(name, device)}
            <span class="names"
                ><span data-testid="own-name">${name}</span>
                <small data-testid="presence" data-available=${presenceOf(state).welcome}
                    >${presenceWords(state, chats)}</small
                ></span
            >
        </button>
        <div class="menu" id="menu" popover data-testid="menu" role="group" aria-label="You and this browser">
            ${presenceForm(desk)} ${news(desk)} ${colours(desk)}
            ${sheetItem(desk, "palette", "Do or find anything", PALETTE && keysText(PALETTE))}
            ${sheetItem(desk, "replies", "Replies of the team", undefined)}
            ${sheetItem(desk, "help", "Keyboard shortcuts", "?")}
        </div>`;
}

function news(desk: Desk): TemplateResult {
    const { preferences, notifications } = desk;
    const refused = Notifications.possible && Notification.permission === "denied";
    const turn = async () => {
        if (notifications.on) notifications.turnOff();
        else await notifications.turnOn();
        desk.refresh();
    };
    return html`<fieldset>
        <legend>When something comes</legend>
        <label class="item">
            <input
                type="checkbox"
                .checked=${preferences.sounds}
                data-testid="sounds"
                @change=${() => {
                    preferences.sounds = !preferences.sounds;
                    desk.refresh();
                }}
            />
            <span>A soft sound</span>
        </label>
        ${Notifications.possible
            ? html`<button type="button" class="item" aria-pressed=${notifications.on} ?disabled=${refused} data-testid="notifications" @click=${() => void turn()}>
                  <span
                      >${notifications.on ? "Turn desktop notifications off" : "Turn desktop notifications on"}<small
                          >${refused
                              ? "This browser forbids them for this page; its settings change that."
                              : "They say that something came, never what or from whom."}</small
                      ></span
                  >
              </button>`
            : nothing}
    </fieldset>`;
}

function colours(desk: Desk): TemplateResult {
    return html`<fieldset class="themes">
        <legend>Colours</legend>
        ${(Object.keys(THEMES) as Theme[]).map(
            (theme) => html`<label>
                <input
                    type="radio"
                    name="theme"
                    .checked=${desk.preferences.theme === theme}
                    data-testid="theme-${theme}"
                    @change=${() => desk.setTheme(theme)}
                />
                ${THEMES[theme]}
            </label>`,
        )}
    </fieldset>`;
}

function sheetItem(desk: Desk, name: SheetName, title: string, keys: string | undefined): TemplateResult {
    const open = (event: Event) => {
        (event.currentTarget as Element).closest<HTMLElement>("[popover]")?.hidePopover();
        void desk.loaded.openSheet(name);
    };
    return html`<button type="button" class="item" data-testid="${name}-item" @click=${open}>
        ${title} ${keys === undefined ? nothing : html`<kbd>${keys}</kbd>`}
    </button>`;
}
