/** Which colleagues look at a chat or write in it, so that two do not answer one visitor. */

import type { Author, ContactId } from "sottovoce";
import { nameOf } from "../conversation/phrases.js";
import type { Desk } from "./desk.js";
import { isMember } from "./follow.js";
import { settingsAddress } from "./place.js";

type What = "viewing" | "typing";

/** How long a sign is good for, in milliseconds. */
const GOOD_FOR: Record<What, number> = { viewing: 15_000, typing: 6000 };

export class Attending {
    readonly #signs = new Map<ContactId, Map<string, { name: string; what: What; until: number }>>();
    /** When colleagues were told last that this agent looks at a chat. */
    readonly #told = new Map<ContactId, number>();
    readonly #met = new Set<string>();
    readonly #desk: Desk;

    constructor(desk: Desk) {
        this.#desk = desk;
        setInterval(() => this.tell(desk.panes.shown), AGAIN);
    }

    /** Tells colleagues that this agent looks at chats that they could take or are on. */
    tell(shown: readonly ContactId[]): void {
        if (document.visibilityState !== "visible" || settingsAddress() !== undefined) return;
        const now = Date.now();
        if (shown.length > 0) this.#meet();
        for (const contact of shown) {
            const view = this.#desk.device.state.conversation(contact)?.view;
            if (!view?.caughtUp || view.state === "closed" || !(view.canClaim || isMember(view))) continue;
            if (now - (this.#told.get(contact) ?? 0) < AGAIN) continue;
            this.#told.set(contact, now);
            this.#desk.command({ type: "attend", contact });
        }
    }

    /** Looks up who is in the own teams: nobody else's sign counts. */
    #meet(): void {
        const { account, connection, teams } = this.#desk.device.state;
        if (connection.state !== "online") return;
        for (const team of account?.ownTeams ?? []) {
            if (teams.has(team) || this.#met.has(team)) continue;
            this.#met.add(team);
            this.#desk.command({ type: "lookUpTeam", team });
        }
    }

    add(contact: ContactId, author: Author, what: What): void {
        const signs = this.#signs.get(contact) ?? new Map();
        this.#signs.set(contact, signs);
        const known = signs.get(author.device);
        // Who types is looking too: the stronger sign stays while it is good.
        if (known?.what === "typing" && what === "viewing" && known.until > Date.now()) return;
        signs.set(author.device, { name: nameOf(author), what, until: Date.now() + GOOD_FOR[what] });
        setTimeout(this.#desk.refresh, GOOD_FOR[what] + 50);
        this.#desk.refresh();
    }

    /** Who is there, as a sentence. */
    line(contact: ContactId): string | undefined {
        const now = Date.now();
        const good = [...(this.#signs.get(contact)?.values() ?? [])].filter(({ until }) => until > now);
        const names = (what: What) => good.filter((one) => one.what === what).map(({ name }) => name);
        const [typing, viewing] = [names("typing"), names("viewing")];
        const sentences = [
            ...(typing.length > 0 ? [`${list(typing)} ${typing.length === 1 ? "is" : "are"} typing an answer.`] : []),
            ...(viewing.length > 0 ? [`${list(viewing)} ${viewing.length === 1 ? "is" : "are"} looking at this chat.`] : []),
        ];
        return sentences.length === 0 ? undefined : sentences.join(" ");
    }
}

/** How often the core is asked to tell them, in milliseconds; it does less often than that. */
const AGAIN = 3000;

function list(names: readonly string[]): string {
    return new Intl.ListFormat("en", { type: "conjunction" }).format(names);
}
