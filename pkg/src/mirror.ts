/** The newest view of everything that events told. */

import type {
    AccountView,
    Author,
    ContactId,
    ContactView,
    Event,
    InboxEntry,
    Item,
    SettingsView,
    TeamMember,
} from "./wasm/staff/sottovoce.js";

/** A contact and its transcript. */
export interface Conversation {
    readonly contact: ContactId;
    readonly view: ContactView | undefined;
    /** In the order of the log; those without a place come last. */
    readonly items: readonly Item[];
}

type Connection = Extract<Event, { type: "connection" }>;
type Alarm = Extract<Event, { type: "alarm" }>;
type Devices = Extract<Event, { type: "devices" }>;
/** What a team keeps for its answers. */
export type Notebook = Extract<Event, { type: "notebook" }>;

class Transcript implements Conversation {
    view: ContactView | undefined;
    readonly #items = new Map<string, Item>();
    #sorted: readonly Item[] | undefined;

    constructor(readonly contact: ContactId) {}

    get items(): readonly Item[] {
        const last = Number.MAX_SAFE_INTEGER;
        this.#sorted ??= [...this.#items.values()].sort(
            (a, b) => (a.position ?? last) - (b.position ?? last),
        );
        return this.#sorted;
    }

    put(item: Item): void {
        this.#items.set(item.key, item);
        this.#sorted = undefined;
    }

    remove(key: string): void {
        this.#items.delete(key);
        this.#sorted = undefined;
    }
}

/** What a page shows. Filled by the engine in the leading tab, by its broadcasts in others. */
export class Mirror {
    connection: Connection = { type: "connection", state: "offline" };
    /** The code of the relay's last goodbye, until this device is online again. */
    refusal: string | undefined;
    account: AccountView | undefined;
    /** The request that an administrator must approve, while this device has no credential. */
    unapproved: string | undefined;
    inbox: readonly InboxEntry[] = [];
    /** Whether state is kept beyond this page. */
    storageWorking = true;
    readonly teams = new Map<string, readonly TeamMember[]>();
    /** Staff: what each own team keeps for its answers, by the team's id. */
    readonly notebooks = new Map<string, Notebook>();
    /** Staff: what the account's signed objects say, and whether this device may change it. */
    settings: SettingsView | undefined;
    /** Administrators: the account's devices and those that ask to be let in, once they were looked up. */
    devices: Devices | undefined;
    readonly alarms: Alarm[] = [];
    readonly #conversations = new Map<ContactId, Transcript>();

    /** All contacts that are followed. */
    get conversations(): Iterable<Conversation> {
        return this.#conversations.values();
    }

    conversation(contact: ContactId): Conversation | undefined {
        return this.#conversations.get(contact);
    }

    /** Takes in what an event says. */
    apply(event: Event): void {
        switch (event.type) {
            case "connection":
                this.connection = event;
                if (event.state === "refused") this.refusal = event.code;
                if (event.state === "online") this.refusal = undefined;
                break;
            case "account":
                this.account = event.view;
                if (event.view.own.name !== "") this.unapproved = undefined;
                break;
            case "unapproved":
                this.unapproved = event.request;
                break;
            case "started":
                this.#transcript(event.contact);
                break;
            case "contact":
                this.#transcript(event.view.contact).view = event.view;
                break;
            case "item":
                this.#transcript(event.contact).put(event.item);
                break;
            case "itemRemoved":
                this.#transcript(event.contact).remove(event.key);
                break;
            case "inbox":
                this.inbox = event.entries;
                break;
            case "team":
                this.teams.set(event.team, event.members);
                break;
            case "notebook":
                this.notebooks.set(event.team, event);
                break;
            case "settings":
                this.settings = event.view;
                break;
            case "devices":
                this.devices = event;
                break;
            case "alarm":
                this.alarms.push(event);
                break;
            case "storage":
                this.storageWorking = event.working;
                break;
        }
    }

    /** Forgets a contact that is no longer followed. */
    forget(contact: ContactId): void {
        this.#conversations.delete(contact);
    }

    /** Forgets everything. */
    clear(): void {
        this.connection = { type: "connection", state: "offline" };
        this.refusal = undefined;
        this.account = undefined;
        this.unapproved = undefined;
        this.inbox = [];
        this.storageWorking = true;
        this.teams.clear();
        this.notebooks.clear();
        this.settings = undefined;
        this.devices = undefined;
        this.alarms.length = 0;
        this.#conversations.clear();
    }

    /** Events that make an empty mirror equal to this one. */
    replay(): Event[] {
        const events: Event[] = [];
        if (this.refusal !== undefined) {
            events.push({ type: "connection", state: "refused", code: this.refusal });
        }
        events.push(this.connection, { type: "storage", working: this.storageWorking });
        if (this.account) events.push({ type: "account", view: this.account });
        events.push({ type: "inbox", entries: [...this.inbox] });
        if (this.settings) events.push({ type: "settings", view: this.settings });
        if (this.devices) events.push(this.devices);
        if (this.unapproved) events.push({ type: "unapproved", request: this.unapproved });
        for (const [team, members] of this.teams) {
            events.push({ type: "team", team, members: [...members] });
        }
        events.push(...this.notebooks.values());
        for (const { contact, view, items } of this.#conversations.values()) {
            events.push(view ? { type: "contact", view } : { type: "started", contact });
            for (const item of items) events.push({ type: "item", contact, item });
        }
        return events.concat(this.alarms);
    }

    #transcript(contact: ContactId): Transcript {
        let transcript = this.#conversations.get(contact);
        if (!transcript) {
            transcript = new Transcript(contact);
            this.#conversations.set(contact, transcript);
        }
        return transcript;
    }
}

/** Whether an author is somebody who answers, not the visitor. */
export function isStaff(author: Author): boolean {
    return author.role === "agent" || author.role === "supervisor" || author.role === "bot";
}
