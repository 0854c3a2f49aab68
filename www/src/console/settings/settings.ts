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
import { TITLES, type SectionId } from "./titles.js";
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

interface Opened {
    id: SectionId;
    section: Section;
}

const SECTIONS: Readonly<Record<SectionId, new (scene: Scene) => Section>> = {
    overview: OverviewSection,
    levels: LevelsSection,
    entries: EntryPointsSection,
    plan: PlanSection,
    keys: KeyManagerSection,
    devices: DevicesSection,
    teams: TeamsSection,
    tokens: TokensSection,
    secret: SecretSection,
    webhooks: WebhooksSection,
    audit: AuditSection,
};

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
        const { id: opened, section } = isNews || !this.#section ? this.#open(address) : this.#section;
        return html`<div class="settings" data-open=${address !== ADDRESS}>
            <nav aria-label="Security settings">
                <a class="back" href="#" data-testid="settings-close">‹ Back to the chats</a>
                <ul>
                    ${Object.entries(TITLES).map(
                        ([id, title]) => html`<li>
                            <a
                                href="#${ADDRESS}/${id}"
                                aria-current=${opened === id ? "page" : nothing}
                                data-testid="section-${id}"
                                >${title}${id === "devices" ? this.#waiting() : nothing}</a
                            >
                        </li>`,
                    )}
                </ul>
            </nav>
            <main data-testid="settings-${opened}">
                <a class="back all" href="#${ADDRESS}">‹ All settings</a>
                <h1 tabindex="-1" id="settings-title">${TITLES[opened]}</h1>
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
        const named = address.slice(ADDRESS.length + 1);
        const id = isSection(named) ? named : "overview";
        const opened = { id, section: new SECTIONS[id](this.#scene) };
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

function isSection(id: string): id is SectionId {
    return Object.hasOwn(TITLES, id);
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
