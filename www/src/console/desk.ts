/** The agent's desk: the inbox, the open contact, who takes part. */

import { html, nothing, render, type TemplateResult } from "lit-html";
import { repeat } from "lit-html/directives/repeat.js";
import type { Command, ContactId, Device, DeviceEvent, InboxEntry } from "sottovoce";
import { Drafts } from "../conversation/composer.js";
import { alarm, connection, failure, nameOf, roleName } from "../conversation/phrases.js";
import { TypingSigns, lastPosition, unreadAfter } from "../conversation/transcript.js";
import { archiveSearch, released } from "./archive.js";
import type { Configuration } from "./configuration.js";
import { contactPage } from "./contact.js";
import type { SettingsPage } from "./settings/settings.js";

/** A form that lies above a contact's transcript. */
export interface ContactForm {
    readonly contact: ContactId;
    form(): TemplateResult;
}

type Shelf = "mine" | "waiting" | "closed";

const SHELVES: readonly { shelf: Shelf; title: string }[] = [
    { shelf: "waiting", title: "Waiting" },
    { shelf: "mine", title: "Mine" },
    { shelf: "closed", title: "Closed" },
];

export class Desk {
    readonly drafts = new Drafts("sottovoce:console:");
    readonly typing = new TypingSigns(() => this.refresh());
    /** Contacts where the next text is a private note. */
    readonly noting = new Set<ContactId>();
    /** What could not be done in a contact, or for the account under the empty name. */
    readonly notices = new Map<ContactId, string>();
    /** The form that is open. */
    form: ContactForm | undefined;
    /** The contact whose end is to be confirmed. */
    closing: ContactId | undefined;
    readonly #configuration: Configuration;
    readonly #root: HTMLElement;
    readonly #seen = new Map<ContactId, number>();
    readonly #followed = new Set<ContactId>();
    #selected: ContactId | undefined;
    #scheduled = false;
    /** Loaded when they are opened first. */
    #settings: SettingsPage | "loading" | "failed" | undefined;

    constructor(
        readonly device: Device,
        configuration: Configuration,
        root: HTMLElement,
    ) {
        this.#configuration = configuration;
        this.#root = root;
        device.subscribe((event) => this.#happened(event));
        document.addEventListener("visibilitychange", this.refresh);
        window.addEventListener("hashchange", () => this.#navigate());
        this.#navigate();
    }

    /** Gives a command; what is wrong with it is shown in its contact. */
    command(command: Command): void {
        this.device.command(command).catch((error: unknown) => {
            const contact = "contact" in command ? command.contact : "";
            const code = error instanceof Error && "code" in error ? String(error.code) : "unexpected";
            this.notices.set(contact, failure(code));
            this.refresh();
        });
    }

    select(contact: ContactId | undefined): void {
        this.#selected = contact;
        this.form = undefined;
        this.closing = undefined;
        this.#follow();
        this.refresh();
    }

    /** Opens a form, or none. */
    show(form: ContactForm | undefined): void {
        this.form = form;
        this.refresh();
    }

    /** The address says whether the settings are open, so that the browser's way back leads out of them. */
    #navigate(): void {
        const settings = this.#settings;
        if (settingsAddress() === undefined) {
            if (typeof settings === "object") {
                settings.leave();
                setTimeout(() => this.#root.querySelector<HTMLElement>('[href="#settings"]')?.focus());
            }
        } else if (settings === undefined || settings === "failed") {
            void this.#loadSettings();
        }
        this.refresh();
    }

    async #loadSettings(): Promise<void> {
        this.#settings = "loading";
        try {
            const { SettingsPage } = await import("./settings/settings.js");
            this.#settings = new SettingsPage(this.device, this.#configuration, this.refresh);
        } catch (error) {
            console.error("sottovoce:", error);
            this.#settings = "failed";
        }
        this.refresh();
    }

    readonly refresh = (): void => {
        if (this.#scheduled) return;
        this.#scheduled = true;
        queueMicrotask(() => {
            this.#scheduled = false;
            this.#render();
            this.#report();
        });
    };

    #happened(event: DeviceEvent): void {
        switch (event.type) {
            case "inbox":
                this.#follow();
                break;
            case "reset":
                this.#followed.clear();
                this.#follow();
                break;
            case "item":
                if (!event.item.author?.own) this.typing.remove(event.contact);
                break;
            case "typing":
                this.typing.add(event.contact, nameOf(event.author));
                break;
            case "claimLost":
                this.notices.set(
                    event.contact,
                    event.by ? `${nameOf(event.by)} already has this chat.` : "Somebody else already has this chat.",
                );
                break;
            case "returnedToDraft":
                this.drafts.giveBack(event.contact, event.text);
                this.notices.set(
                    event.contact,
                    `A ${roleName(event.joined)} joined before your text was sent. Read it again, then send it.`,
                );
                break;
            case "released":
                this.notices.set(event.contact, released(event.outcome, event.code));
                break;
            case "failed":
                this.notices.set(event.contact ?? "", failure(event.code));
                break;
        }
        this.refresh();
    }

    /** Own contacts are followed all the time, others while they are looked at. */
    #follow(): void {
        if (this.device.role !== "leading" && this.device.role !== "following") return;
        const wanted = new Set(
            this.device.state.inbox.filter(({ mine, closed }) => mine && !closed).map(({ contact }) => contact),
        );
        if (this.#selected !== undefined) wanted.add(this.#selected);
        for (const contact of wanted) {
            if (this.#followed.has(contact)) continue;
            this.#followed.add(contact);
            this.command({ type: "open", contact });
        }
        for (const contact of this.#followed) {
            if (wanted.has(contact)) continue;
            this.#followed.delete(contact);
            this.command({ type: "leave", contact });
        }
    }

    #report(): void {
        if (this.#selected === undefined || document.visibilityState !== "visible") return;
        const conversation = this.device.state.conversation(this.#selected);
        const member = conversation?.view?.participants.some(({ author, pending }) => author.own && !pending);
        if (!conversation?.view?.caughtUp || !member) return;
        const position = lastPosition(conversation);
        if (position <= (this.#seen.get(this.#selected) ?? 0)) return;
        this.#seen.set(this.#selected, position);
        this.command({ type: "read", contact: this.#selected, position });
    }

    #render(): void {
        render(this.#page(), this.#root);
        const waiting = this.#shelf("waiting").length;
        const title = settingsAddress() === undefined ? "Sottovoce console" : "Settings · Sottovoce console";
        document.title = waiting > 0 ? `(${waiting}) ${title}` : title;
    }

    #page(): TemplateResult {
        const { state, failure: reason, role } = this.device;
        const settings = settingsAddress();
        return html`<div class="desk" data-tab=${role}>
            <header class="bar">
                <strong>Sottovoce</strong>
                <span data-testid="connection" data-state=${state.connection.state} role="status">
                    ${connection(state)}
                </span>
                ${state.settings === undefined
                    ? nothing
                    : html`<a
                          href="#settings"
                          class="quiet"
                          aria-current=${settings === undefined ? nothing : "page"}
                          data-testid="settings"
                          >${state.settings.administrator ? "Security settings" : "Account rules"}</a
                      >`}
                <span class="who" data-testid="own-name">${state.account?.own.name ?? ""}</span>
            </header>
            ${this.#warnings()}
            ${role === "failed"
                ? html`<main class="welcome"><p role="alert">${failure(reason ?? "unexpected")}</p></main>`
                : settings !== undefined && (state.unapproved === undefined || state.settings?.administrator)
                  ? this.#settingsPage(settings)
                  : state.unapproved !== undefined
                    ? this.#unapproved(state.unapproved)
                    : this.#desk()}
        </div>`;
    }

    #warnings(): TemplateResult {
        const { state, role } = this.device;
        const general = this.notices.get("");
        return html`${state.alarms
            .filter(({ contact }) => contact === undefined)
            .map(
                ({ code, stopsSending }) =>
                    html`<p class="alarm" role="alert" data-testid="alarm" data-code=${code}>${alarm(code, stopsSending)}</p>`,
            )}
        ${state.account?.expiresSoon ? policyEnd(state.account.expires) : nothing}
        ${state.storageWorking
            ? nothing
            : html`<p class="warning" data-testid="storage-warning">
                  This browser stores nothing: after a reload it must be approved again.
              </p>`}
        ${role === "read-only" ? html`<p class="warning" data-testid="read-only">${failure("read-only")}</p>` : nothing}
        ${general === undefined ? nothing : html`<p class="warning" role="alert" data-testid="notice">${general}</p>`}`;
    }

    #unapproved(request: string): TemplateResult {
        const device = this.device.state.account?.own.device;
        return html`<main class="welcome" data-testid="unapproved">
            <h1>Waiting for approval</h1>
            <p>
                An administrator lets this browser in. Until then it can read nothing. It waits in the security settings of
                their console${device === undefined
                    ? ""
                    : html` as device <code data-testid="own-device">${device.slice(0, 12)}</code>: tell them that it is
                          yours, not through the service`}.
                Or give them this request, for <code>sottovoce agent approve</code>:
            </p>
            <textarea readonly rows="6" aria-label="Request" data-testid="request" .value=${request}></textarea>
            <button
                type="button"
                class="primary"
                @click=${() => void navigator.clipboard.writeText(request).catch(() => {})}
            >
                Copy the request
            </button>
        </main>`;
    }

    #settingsPage(address: string): TemplateResult {
        if (typeof this.#settings === "object") return this.#settings.page(address);
        return this.#settings === "failed"
            ? html`<main class="welcome">
                  <p role="alert">The settings could not be loaded. Reload the page to try again.</p>
              </main>`
            : html`<main class="welcome"><p role="status">Loading …</p></main>`;
    }

    #desk(): TemplateResult {
        const contact = this.#selected;
        return html`<div class="columns" data-selected=${contact !== undefined}>
            <nav class="inbox" aria-label="Contacts">
                ${SHELVES.map(({ shelf, title }) => {
                    const entries = this.#shelf(shelf);
                    return html`<h2>${title} <span class="count" data-testid="count-${shelf}">${entries.length}</span></h2>
                        <ul data-testid="shelf-${shelf}">
                            ${repeat(
                                entries,
                                (entry) => entry.contact,
                                (entry) => this.#entry(entry, shelf),
                            )}
                        </ul>`;
                })}
                ${looksBack(this.device.state.account?.own.role) ? archiveSearch(this) : nothing}
            </nav>
            ${contact === undefined
                ? html`<main class="nothing"><p>Choose a chat. New ones appear under “Waiting”.</p></main>`
                : contactPage(this, contact)}
        </div>`;
    }

    #shelf(shelf: Shelf): InboxEntry[] {
        return this.device.state.inbox
            .filter((entry) => this.#shelfOf(entry) === shelf)
            .sort((a, b) => (shelf === "waiting" ? a.created - b.created : b.created - a.created));
    }

    #shelfOf({ contact, canClaim, mine, closed }: InboxEntry): Shelf | undefined {
        if (closed) return mine ? "closed" : undefined;
        // That a contact was handed to this device stands in its log, which only clients read.
        const handedOver = this.device.state.conversation(contact)?.view?.canClaim ?? false;
        if (canClaim || handedOver) return "waiting";
        return mine ? "mine" : undefined;
    }

    #entry(entry: InboxEntry, shelf: Shelf): TemplateResult {
        const { contact } = entry;
        const conversation = this.device.state.conversation(contact);
        const last = conversation?.items.findLast(({ body }) => body.type === "text")?.body;
        const unread = conversation && shelf === "mine" ? unreadAfter(conversation, this.#seen.get(contact) ?? 0) : 0;
        const name = this.device.state.account?.entryPoints.find(({ id }) => id === entry.entryPoint)?.name;
        const preview = last?.type === "text" ? last.text : shelf === "waiting" ? "Open to read" : "";
        return html`<li>
            <button
                type="button"
                data-testid="inbox-item"
                data-contact=${contact}
                data-shelf=${shelf}
                aria-current=${contact === this.#selected}
                @click=${() => this.select(contact)}
            >
                <span class="entry">${conversation?.view?.verifiedIdentity ?? name ?? entry.entryPoint}</span>
                <time datetime=${new Date(entry.created).toISOString()}>${shortTime(entry.created)}</time>
                <span class="preview" dir="auto">${preview}</span>
                ${unread > 0 ? html`<span class="badge" data-testid="unread">${unread}</span>` : nothing}
            </button>
        </li>`;
    }
}

/** The part of the page's address that names a page of the settings, such as `settings/levels`. */
function settingsAddress(): string | undefined {
    return /^#(settings(?:\/[a-z]+)?)$/.exec(location.hash)?.[1];
}

/** Who may open chats of others that are closed. */
function looksBack(role: string | undefined): boolean {
    return role === "auditor" || role === "supervisor";
}

/** Says when the policy ends, or that nobody can send anything because it has ended. */
function policyEnd(expires: number): TemplateResult {
    const date = new Date(expires).toLocaleString();
    return expires <= Date.now()
        ? html`<p class="alarm" role="alert" data-testid="policy-ended">
              The account’s settings expired on ${date}. Nobody can send anything until an administrator renews them: in
              the security settings, or with <code>sottovoce policy renew</code> and <code>sottovoce policy publish</code>.
          </p>`
        : html`<p class="warning" data-testid="policy-ends">
              The account’s settings expire on ${date}: an administrator has to renew them before.
          </p>`;
}

const TIME = new Intl.DateTimeFormat(undefined, { hour: "2-digit", minute: "2-digit" });
const DATE = new Intl.DateTimeFormat(undefined, { day: "numeric", month: "short" });

function shortTime(time: number): string {
    const today = new Date(time).toDateString() === new Date().toDateString();
    return (today ? TIME : DATE).format(time);
}
