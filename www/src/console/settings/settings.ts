/** The security settings: which section is open, and what all of them share. */

import { html, nothing, type TemplateResult } from "lit-html";
import type { Device, DeviceEvent, SettingsView } from "sottovoce";
import { Administration } from "./administration.js";
import { Api } from "./api.js";
import { AuditSection } from "./audit.js";
import { DevicesSection } from "./devices.js";
import { EntryPointsSection } from "./entries.js";
import { KeyManagerSection } from "./keys.js";
import { LevelsSection } from "./levels.js";
import { OverviewSection } from "./overview.js";
import { PlanSection } from "./plan.js";
import { Question } from "./question.js";
import { rules } from "./rules.js";
import { SecretSection } from "./secret.js";
import style from "./settings.css?inline";
import { TeamsSection } from "./teams.js";
import { TokensSection } from "./tokens.js";
import { WebhooksSection } from "./webhooks.js";

/** What a section works with. */
export interface Scene {
    readonly device: Device;
    readonly administration: Administration;
    readonly api: Api;
    readonly question: Question;
    /** The account, and where its relay is, for commands that are shown. */
    readonly account: string;
    readonly relay: string;
    refresh(): void;
}

/** One page of the settings. Made when it is opened, thrown away when it is left. */
export interface Section {
    page(view: SettingsView): TemplateResult;
}

interface Entry {
    id: string;
    title: string;
    make: (scene: Scene) => Section;
}

interface Opened {
    entry: Entry;
    section: Section;
}

const OVERVIEW: Entry = { id: "overview", title: "Overview", make: (scene) => new OverviewSection(scene) };

const SECTIONS: readonly Entry[] = [
    OVERVIEW,
    { id: "levels", title: "Levels", make: (scene) => new LevelsSection(scene) },
    { id: "entries", title: "Entry points", make: (scene) => new EntryPointsSection(scene) },
    { id: "plan", title: "Plan and retention", make: (scene) => new PlanSection(scene) },
    { id: "keys", title: "Key manager", make: (scene) => new KeyManagerSection(scene) },
    { id: "devices", title: "Devices", make: (scene) => new DevicesSection(scene) },
    { id: "teams", title: "Teams", make: (scene) => new TeamsSection(scene) },
    { id: "tokens", title: "API tokens", make: (scene) => new TokensSection(scene) },
    { id: "secret", title: "Secret token", make: (scene) => new SecretSection(scene) },
    { id: "webhooks", title: "Webhooks", make: (scene) => new WebhooksSection(scene) },
    { id: "audit", title: "Audit", make: (scene) => new AuditSection(scene) },
];

/** Where an account's pages find relay and account. */
export interface Place {
    account: string;
    relay: string;
}

/** Begins the address of every section, after the `#`. */
const ADDRESS = "settings";

export class SettingsPage {
    readonly #scene: Scene;
    #section: Opened | undefined;
    #address: string | undefined;

    constructor(device: Device, place: Place, refresh: () => void) {
        const styles = new CSSStyleSheet();
        styles.replaceSync(style);
        document.adoptedStyleSheets.push(styles);
        const administration = new Administration(device);
        const who = device.state.account?.own.name ?? "";
        // A relay may be named by its WebSocket's address.
        const relay = place.relay.replace(/^ws/, "http");
        this.#scene = {
            device,
            administration,
            api: new Api(relay, place.account, administration, who),
            question: new Question(refresh),
            account: place.account,
            relay,
            refresh,
        };
        window.addEventListener("pagehide", () => this.#scene.api.close());
        device.subscribe((event) => this.#happened(event));
    }

    /** The page for an address such as `settings/levels`. */
    page(address: string): TemplateResult {
        const { settings: view, account } = this.#scene.device.state;
        if (!view) return html`<main class="welcome"><p role="status">The settings come with the connection …</p></main>`;
        const isNews = address !== this.#address;
        this.#address = address;
        // Readers of the screen go where eyes go: to the new page's heading.
        if (isNews) setTimeout(() => document.getElementById("settings-title")?.focus());
        if (!view.administrator) return rules(view, account);
        if (!this.#section) this.#scene.administration.lookUpDevices();
        const { entry, section } = isNews || !this.#section ? this.#open(address) : this.#section;
        return html`<div class="settings" data-open=${address !== ADDRESS}>
            <nav aria-label="Security settings">
                <a class="back" href="#" data-testid="settings-close">‹ Back to the chats</a>
                <ul>
                    ${SECTIONS.map(
                        ({ id, title }) => html`<li>
                            <a
                                href="#${ADDRESS}/${id}"
                                aria-current=${entry.id === id ? "page" : nothing}
                                data-testid="section-${id}"
                                >${title}${id === "devices" ? this.#waiting() : nothing}</a
                            >
                        </li>`,
                    )}
                </ul>
            </nav>
            <main data-testid="settings-${entry.id}">
                <a class="back all" href="#${ADDRESS}">‹ All settings</a>
                <h1 tabindex="-1" id="settings-title">${entry.title}</h1>
                ${several(view)} ${section.page(view)}
            </main>
            ${this.#scene.question.dialog()}
        </div>`;
    }

    /** The settings are left: secrets that are shown go, and so does the token. */
    leave(): void {
        this.#section = undefined;
        this.#address = undefined;
        this.#scene.question.cancel();
        this.#scene.api.close();
    }

    /** Makes the section that an address names. */
    #open(address: string): Opened {
        this.#scene.question.cancel();
        const id = address === ADDRESS ? "overview" : address.slice(ADDRESS.length + 1);
        const entry = SECTIONS.find((known) => known.id === id) ?? OVERVIEW;
        const opened = { entry, section: entry.make(this.#scene) };
        this.#section = opened;
        return opened;
    }

    #waiting(): TemplateResult | typeof nothing {
        const number = this.#scene.device.state.devices?.requests.length ?? 0;
        return number === 0 ? nothing : html` <span class="badge">${number}<span class="hidden"> waiting</span></span>`;
    }

    #happened(event: DeviceEvent): void {
        // A core that has just begun, or was away, has nobody to ask for news of devices.
        const anew = event.type === "reset" || (event.type === "connection" && event.state === "online");
        if (anew && this.#address !== undefined) this.#scene.administration.lookUpDevices();
    }
}

/** Accounts whose settings need several signatures. */
function several(view: SettingsView): TemplateResult | typeof nothing {
    return view.policySignatures < 2
        ? nothing
        : html`<p class="warning" role="note">
              ${view.policySignatures} administrators have to sign each change of this account, which one browser
              cannot do alone: nothing that needs a signed policy can be changed here.
          </p>`;
}
