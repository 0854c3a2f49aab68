/** Which chats are open side by side, which of them is in use, and where the focus goes. */

import type { ContactId } from "sottovoce";
import { FIRST, addressOf, placeAt, settingsAddress, type Place, type Shelf } from "./place.js";

/** Where several chats fit side by side, and how many. */
const WIDE = matchMedia("(min-width: 1280px)");
const MOST = 3;

/** What is to have the focus once it is there. */
export type Wish = "answer" | "heading" | "row" | "form" | "question";

const WISHES: Record<Wish, string> = {
    answer: "[data-testid=message-input]",
    heading: "[data-heading]",
    row: "[data-testid=inbox-item]",
    form: ".handing select, .handing input, .handing textarea",
    question: "[data-testid=close-confirm]",
};
/** How long a wish is good for, in milliseconds: an answer to a claim takes a moment. */
const PATIENCE = 4000;

export class Panes {
    #place: Place = FIRST;
    #wish: { contact: ContactId; wish: Wish; until: number; waits: boolean } | undefined;
    readonly #changed: () => void;

    constructor(changed: () => void) {
        this.#changed = changed;
        WIDE.addEventListener("change", changed);
        window.addEventListener("hashchange", () => this.follow());
    }

    get place(): Place {
        return this.#place;
    }

    /** The chats that are shown. */
    get shown(): readonly ContactId[] {
        const { panes, active } = this.#place;
        return WIDE.matches || active === undefined ? panes : [active];
    }

    get active(): ContactId | undefined {
        return this.#place.active;
    }

    /** Whether another chat can stand beside. */
    get roomBeside(): boolean {
        return WIDE.matches;
    }

    /** Goes where the address says. */
    follow(): void {
        if (settingsAddress() === undefined) {
            const place = placeAt(location.hash, history.state, this.#place);
            if (place) this.#place = place;
            else history.replaceState(this.#place.shelf, "", addressOf(this.#place));
        }
        this.#changed();
    }

    showShelf(shelf: Shelf): void {
        this.#go({ ...this.#place, shelf }, this.#place.panes.length > 0);
    }

    /** Opens a chat in place of the one in use, or beside it. */
    open(contact: ContactId, { beside = false, replace = false, focus = true } = {}): void {
        const { panes, active } = this.#place;
        let next = panes;
        if (!panes.includes(contact)) {
            if (!WIDE.matches) next = [contact];
            else if (!beside || active === undefined) {
                next = active === undefined ? [contact] : panes.map((pane) => (pane === active ? contact : pane));
            } else if (panes.length < MOST) next = [...panes, contact];
            else next = [...panes.slice(0, -1), contact];
        }
        this.#go({ ...this.#place, panes: next, active: contact, details: false }, replace || next === panes);
        if (focus) this.wish(contact, matchMedia("(hover: hover)").matches ? "answer" : "heading");
    }

    /** Closes a pane; the focus goes to the next one, or back to the list. */
    close(contact: ContactId): void {
        const { panes } = this.#place;
        const index = panes.indexOf(contact);
        if (index < 0) return;
        const left = panes.filter((pane) => pane !== contact);
        const active = left[Math.min(index, left.length - 1)];
        this.#go({ ...this.#place, panes: left, active, details: false });
        if (active === undefined) this.wish(contact, "row");
        else this.wish(active, "heading");
    }

    /** The person works in another pane. */
    use(contact: ContactId): void {
        if (this.#place.active === contact || !this.#place.panes.includes(contact)) return;
        this.#go({ ...this.#place, active: contact, details: false }, true);
    }

    /** Shows the details of the chat in use in place of its transcript, or no longer. */
    showDetails(details: boolean): void {
        this.#go({ ...this.#place, details });
    }

    /** Asks for the focus. */
    wish(contact: ContactId, wish: Wish): void {
        this.#wish = { contact, wish, until: Date.now() + PATIENCE, waits: false };
        this.#changed();
    }

    /** After each rendering: gives the focus to what asked for it, if it is there now. */
    settle(root: HTMLElement): void {
        const wanted = this.#wish;
        if (!wanted) return;
        const { activeElement } = document;
        // Whoever has gone elsewhere meanwhile is left there.
        const gone = wanted.waits && activeElement !== document.body && !activeElement?.matches(WISHES.heading);
        if (gone || Date.now() > wanted.until) {
            this.#wish = undefined;
            return;
        }
        const where = wanted.wish === "row" ? root : paneOf(root, wanted.contact);
        const found = [...(where?.querySelectorAll<HTMLElement>(WISHES[wanted.wish]) ?? [])].find(
            (element) => wanted.wish !== "row" || element.dataset["contact"] === wanted.contact,
        );
        if (found && found.offsetParent !== null) {
            this.#wish = undefined;
            found.focus();
        } else if (wanted.wish === "answer") {
            // Until there is something to write in, the chat's heading has the focus.
            const heading = where?.querySelector<HTMLElement>(WISHES.heading);
            if (heading && !wanted.waits) {
                wanted.waits = true;
                heading.focus();
            }
        } else if (wanted.wish === "row") {
            this.#wish = undefined;
            root.querySelector<HTMLElement>(".tabs [aria-current]")?.focus();
        }
    }

    #go(place: Place, replace = false): void {
        this.#place = place;
        const address = addressOf(place);
        if (settingsAddress() === undefined) {
            if (replace || address === location.hash) history.replaceState(place.shelf, "", address);
            else history.pushState(place.shelf, "", address);
        }
        this.#changed();
    }
}

/** The element in which a chat is shown. */
export function paneOf(root: ParentNode, contact: ContactId): HTMLElement | null {
    return root.querySelector<HTMLElement>(`[data-testid=contact][data-contact="${contact}"]`);
}

/** Whether somebody types there. */
export function isWriting(element: Element | null): boolean {
    return element instanceof HTMLTextAreaElement || element instanceof HTMLInputElement || element instanceof HTMLSelectElement;
}
