/** What the console loads only when somebody opens it: the settings, forms, the palette, sheets and the search. */

import { html, nothing, type TemplateResult } from "lit-html";
import type { ContactView } from "sottovoce";
import type { Configuration } from "./configuration.js";
import type { ContactForm, Desk } from "./desk.js";
import { settingsAddress } from "./place.js";
import type { Search } from "./search.js";
import type { SettingsPage } from "./settings/settings.js";

/** A sheet above the page: a `<dialog>`. */
export interface Sheet {
    dialog(): TemplateResult;
}

const SHEETS = {
    palette: async (desk: Desk): Promise<Sheet> => new (await import("./palette.js")).Palette(desk),
    replies: async (desk: Desk): Promise<Sheet> => new (await import("./replies.js")).Replies(desk),
    help: async (desk: Desk): Promise<Sheet> => new (await import("./help.js")).Help(desk),
};
/** After how many milliseconds a dialog that was closed has told so. */
const SETTLED = 50;

export type SheetName = keyof typeof SHEETS;

export type FormName = keyof (typeof import("./forms.js"))["FORMS"];

export class Loaded {
    readonly #desk: Desk;
    readonly #configuration: Configuration;
    #settings: SettingsPage | "loading" | "failed" | undefined;
    #sheet: Sheet | undefined;
    #search: Search | undefined;

    constructor(desk: Desk, configuration: Configuration) {
        this.#desk = desk;
        this.#configuration = configuration;
    }

    /** The address says whether the settings are open, so that the browser's way back leads out of them. */
    navigate(): void {
        const settings = this.#settings;
        if (settingsAddress() === undefined) {
            if (typeof settings === "object") {
                settings.leave();
                setTimeout(() => document.querySelector<HTMLElement>('[href="#settings"]')?.focus());
            }
        } else if (settings === undefined || settings === "failed") {
            void this.#loadSettings();
        }
        this.#desk.refresh();
    }

    settingsPage(address: string): TemplateResult {
        if (typeof this.#settings === "object") return this.#settings.page(address);
        return this.#settings === "failed"
            ? html`<main class="welcome">
                  <p role="alert">The settings could not be loaded. Reload the page to try again.</p>
              </main>`
            : html`<main class="welcome"><p role="status">Loading …</p></main>`;
    }

    /** Opens a sheet. */
    async openSheet(name: SheetName): Promise<void> {
        try {
            const sheet = await SHEETS[name](this.#desk);
            // The browser tells a little later that the one before was closed, which is not to close this one.
            if (this.#sheet) await new Promise((resolve) => setTimeout(resolve, SETTLED));
            this.#sheet = sheet;
        } catch (error) {
            this.#failed(error);
        }
        this.#desk.refresh();
    }

    /** A form for a chat. */
    async form(name: FormName, view: ContactView): Promise<ContactForm | undefined> {
        try {
            const { FORMS } = await import("./forms.js");
            return new FORMS[name](this.#desk, view);
        } catch (error) {
            this.#failed(error);
            return undefined;
        }
    }

    closeSheet(): void {
        this.#sheet = undefined;
        this.#desk.refresh();
    }

    sheet(): TemplateResult | typeof nothing {
        return this.#sheet?.dialog() ?? nothing;
    }

    /** Searches for what was typed; for nothing, the list comes back. */
    async find(query: string): Promise<void> {
        try {
            this.#search ??= new (await import("./search.js")).Search(this.#desk);
            this.#search.query = query;
        } catch (error) {
            this.#failed(error);
        }
        this.#desk.refresh();
    }

    /** What was searched for and found. */
    get search(): Search | undefined {
        return this.#search;
    }

    async #loadSettings(): Promise<void> {
        this.#settings = "loading";
        try {
            const { SettingsPage } = await import("./settings/settings.js");
            this.#settings = new SettingsPage(this.#desk.device, this.#configuration, this.#desk.refresh);
        } catch (error) {
            console.error("sottovoce:", error);
            this.#settings = "failed";
        }
        this.#desk.refresh();
    }

    #failed(error: unknown): void {
        console.error("sottovoce:", error);
        this.#desk.notices.set("", "A part of the console could not be loaded. Reload the page to try again.");
    }
}
