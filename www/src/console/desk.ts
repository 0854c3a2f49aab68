/** The agent's desk: what is done there, by buttons, keys and events. What it looks like stands in `page.ts`. */

import { render, type TemplateResult } from "lit-html";
import type { Command, ContactId, Device, DeviceEvent } from "sottovoce";
import { Drafts } from "../conversation/composer.js";
import { nameOf, roleName } from "../conversation/phrases.js";
import { TypingSigns } from "../conversation/transcript.js";
import { ACTIONS, HELP } from "./actions.js";
import { released } from "./archive.js";
import { Attending } from "./attending.js";
import type { Configuration } from "./configuration.js";
import { entryPointName } from "./faces.js";
import { Followed } from "./follow.js";
import { Loaded, type FormName } from "./loaded.js";
import { News, type Came } from "./news.js";
import { Notifications } from "./notifications.js";
import { page } from "./page.js";
import { Panes, isWriting } from "./panes.js";
import { SHELVES, settingsAddress } from "./place.js";
import { Preferences } from "./preferences.js";
import { chatsOf, onShelf, type Chat } from "./shelves.js";
import { isPressed } from "./shortcuts.js";
import { Suggestions } from "./suggestions.js";
import { Warnings, wrong } from "./warnings.js";

/** A form that lies above a contact's transcript. */
export interface ContactForm {
    readonly name: string;
    readonly contact: ContactId;
    form(): TemplateResult;
}

/** How often waiting times go on, in milliseconds. */
const TICK = 30_000;

export class Desk {
    readonly drafts = new Drafts("sottovoce:console:");
    readonly typing = new TypingSigns(() => this.refresh());
    readonly attending = new Attending(this);
    readonly preferences = new Preferences();
    readonly panes = new Panes(() => this.refresh());
    readonly warnings = new Warnings(this);
    readonly followed: Followed;
    readonly notifications: Notifications;
    /** What is loaded when it is opened first: settings, palette, help, search. */
    readonly loaded: Loaded;
    /** Contacts where the next text is a private note. */
    readonly noting = new Set<ContactId>();
    /** What could not be done in a contact, or for the account under the empty name. */
    readonly notices = new Map<ContactId, string>();
    /** The form that is open. */
    form: ContactForm | undefined;
    /** The contact whose end is to be confirmed, and whether the next one is opened then. */
    closing: { contact: ContactId; next: boolean } | undefined;
    /** What is read out to those who do not see the list. */
    announcement = "";
    /** The label of the chats that are listed, if not all are. */
    label: string | undefined;
    /** All chats, as they were when the page was last shown. */
    chats: readonly Chat[] = [];
    readonly #root: HTMLElement;
    readonly #news = new News();
    readonly #suggestions = new Map<ContactId, Suggestions>();
    #scheduled = false;

    constructor(
        readonly device: Device,
        configuration: Configuration,
        root: HTMLElement,
    ) {
        this.#root = root;
        this.followed = new Followed(device, (command) => this.command(command), this.preferences);
        this.notifications = new Notifications(
            this.preferences,
            (contact) => this.panes.open(contact),
            () => device.role === "leading",
        );
        this.loaded = new Loaded(this, configuration);
        this.preferences.showTheme();
        device.subscribe((event) => this.#happened(event));
        document.addEventListener("visibilitychange", this.refresh);
        window.addEventListener("hashchange", () => this.loaded.navigate());
        window.addEventListener("keydown", (event) => this.#pressed(event));
        setInterval(this.refresh, TICK);
        this.panes.follow();
        this.loaded.navigate();
    }

    /** Gives a command; what is wrong with it is shown in its contact. */
    command(command: Command): void {
        this.device.command(command).catch((error: unknown) => {
            const contact = "contact" in command ? command.contact : undefined;
            const code = error instanceof Error && "code" in error ? String(error.code) : "unexpected";
            this.notices.set(contact ?? "", wrong(code, contact));
            this.refresh();
        });
    }

    /** Opens a form, or none. */
    show(form: ContactForm | undefined): void {
        const before = this.form?.contact;
        this.form = form;
        if (form) this.panes.wish(form.contact, "form");
        else if (before !== undefined) this.panes.wish(before, "heading");
        this.refresh();
    }

    claim(contact: ContactId): void {
        this.command({ type: "claim", contact });
        this.panes.wish(contact, "answer");
    }

    /** Lets the person write an answer, or a note. */
    write(contact: ContactId, note: boolean): void {
        if (note) this.noting.add(contact);
        else this.noting.delete(contact);
        this.panes.wish(contact, "answer");
    }

    /** Opens a form, or closes it if it is open. */
    async openForm(contact: ContactId, name: FormName): Promise<void> {
        const view = this.device.state.conversation(contact)?.view;
        if (this.isOpen(contact, name)) this.show(undefined);
        else if (view) this.show(await this.loaded.form(name, view));
    }

    isOpen(contact: ContactId, name: FormName): boolean {
        return this.form?.contact === contact && this.form.name === name;
    }

    /** Asks whether a chat is to end; asked again, it does. */
    askToClose(contact: ContactId, next: boolean): void {
        if (this.closing?.contact === contact) return this.close(contact, this.closing.next || next);
        this.closing = { contact, next };
        this.panes.wish(contact, "question");
    }

    /** Ends a chat. */
    close(contact: ContactId, next: boolean): void {
        this.closing = undefined;
        const after = next ? this.#beside(contact, 1) : undefined;
        this.command({ type: "close", contact });
        if (after !== undefined && after !== contact) this.panes.open(after);
        else this.panes.wish(contact, "heading");
    }

    keepOpen(): void {
        const contact = this.closing?.contact;
        this.closing = undefined;
        if (contact !== undefined) this.panes.wish(contact, "heading");
    }

    /** Goes to the next chat of the list, or the one before. */
    step(by: 1 | -1): void {
        const next = this.#beside(this.panes.active, by);
        if (next !== undefined) this.panes.open(next, { replace: this.panes.active !== undefined });
    }

    nextShelf(): void {
        const shelf = SHELVES[(SHELVES.indexOf(this.panes.place.shelf) + 1) % SHELVES.length];
        if (shelf !== undefined) this.panes.showShelf(shelf);
    }

    focusSearch(): void {
        this.#root.querySelector<HTMLElement>("[data-testid=search]")?.focus();
    }

    /** The chats on the shelf that is open, with the label that was chosen. */
    get listed(): Chat[] {
        const { label } = this;
        return onShelf(this.chats, this.panes.place.shelf).filter(
            ({ conversation }) => label === undefined || conversation?.view?.labels.includes(label),
        );
    }

    /** What helps to write in a chat. */
    suggestions(contact: ContactId): Suggestions {
        const known = this.#suggestions.get(contact) ?? new Suggestions(this, contact);
        this.#suggestions.set(contact, known);
        return known;
    }

    setTheme(theme: Preferences["theme"]): void {
        this.preferences.theme = theme;
        this.refresh();
    }

    readonly refresh = (): void => {
        if (this.#scheduled) return;
        this.#scheduled = true;
        queueMicrotask(() => {
            this.#scheduled = false;
            this.#render();
        });
    };

    #beside(contact: ContactId | undefined, by: 1 | -1): ContactId | undefined {
        const list = this.listed.map(({ entry }) => entry.contact);
        const index = contact === undefined ? -1 : list.indexOf(contact);
        if (index < 0) return by > 0 ? list[0] : list.at(-1);
        return list[(index + by + list.length) % list.length];
    }

    #pressed(event: KeyboardEvent): void {
        if (event.defaultPrevented || event.isComposing || this.device.state.account === undefined) return;
        const sheet = this.#root.querySelector("dialog[open], :popover-open") !== null;
        if (event.key === "Escape" && !sheet) return this.#escape(event);
        const action = isPressed(HELP, event)
            ? ACTIONS.find(({ id }) => id === "help")
            : ACTIONS.find(({ keys }) => keys !== undefined && isPressed(keys, event));
        if (!action) return;
        event.preventDefault();
        const everywhere = action.group === "Console";
        if (sheet || (settingsAddress() !== undefined && !everywhere)) return;
        if (action.can?.(this) ?? true) action.run(this);
    }

    /** Closes what is on top; out of a field one first gets back to its chat. */
    #escape(event: KeyboardEvent): void {
        const { active, place } = this.panes;
        if (settingsAddress() !== undefined || active === undefined) return;
        event.preventDefault();
        if (this.form) this.show(undefined);
        else if (this.closing) this.keepOpen();
        else if (place.details) this.panes.showDetails(false);
        else if (isWriting(document.activeElement)) this.panes.wish(active, "heading");
        else this.panes.close(active);
    }

    #happened(event: DeviceEvent): void {
        switch (event.type) {
            case "reset":
                this.followed.clear();
                this.#news.clear();
                break;
            case "item":
                if (!event.item.author?.own) this.typing.remove(event.contact);
                break;
            case "attending":
                this.attending.add(event.contact, event.author, event.what);
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
                // What was only read ahead for the list may be gone to somebody else meanwhile.
                if (event.contact === undefined || this.panes.place.panes.includes(event.contact)) {
                    this.notices.set(event.contact ?? "", wrong(event.code, event.contact));
                }
                break;
        }
        this.refresh();
    }

    #render(): void {
        const shown = settingsAddress() === undefined ? this.panes.shown : [];
        this.followed.update(shown);
        this.followed.report(shown);
        this.attending.tell(shown);
        this.chats = chatsOf(this.device.state);
        const unread = (chat: Chat) => this.unread(chat);
        this.#tell(this.#news.look(this.chats, unread, this.device.state.connection.state === "online"), shown);
        const waiting = onShelf(this.chats, "waiting").length;
        this.notifications.count(waiting + this.chats.reduce((sum, chat) => sum + this.unread(chat), 0));
        render(page(this), this.#root);
        this.panes.settle(this.#root);
    }

    /** How many messages of an own chat were not seen. */
    unread({ standing, conversation }: Chat): number {
        return standing === "mine" && conversation ? this.followed.unread(conversation) : 0;
    }

    #tell(came: Came, shown: readonly ContactId[]): void {
        const [first] = came.waiting;
        if (first !== undefined) {
            const entry = this.chats.find(({ entry }) => entry.contact === first)?.entry;
            const at = entry ? ` at ${entryPointName(this.device.state, entry.entryPoint)}` : "";
            const what = came.waiting.length > 1 ? `${came.waiting.length} new chats wait` : `A new chat waits${at}`;
            // The number makes each one new to those who hear it.
            this.announcement = `${what}; ${onShelf(this.chats, "waiting").length} in all.`;
        }
        if (this.device.role !== "leading") return;
        const visible = document.visibilityState === "visible";
        this.notifications.tell(came, (contact) => visible && shown.includes(contact));
    }
}
