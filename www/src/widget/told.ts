/** Works out from the views what the page around the chat is told. */

import { isStaff, type Conversation, type DeviceEvent, type Mirror } from "sottovoce";
import type { AgentDetail, ChatEvents, SecurityDetail } from "sottovoce/widget";

type Tell = <Name extends keyof ChatEvents>(name: Name, detail: ChatEvents[Name]) => void;

export class Told {
    readonly #tell: Tell;
    #status: ChatEvents["status"] = "offline";
    #security = "";
    #contact: string | undefined;
    #state: string | undefined;
    #agents = new Map<string, AgentDetail>();
    /** Messages that are known; those of a chat that was taken up again are not news. */
    readonly #messages = new Set<string>();

    constructor(tell: Tell) {
        this.#tell = tell;
    }

    /** Something changed. */
    happened(event: DeviceEvent, state: Mirror, conversation: Conversation | undefined): void {
        if (event.type === "failed") this.#tell("error", { code: event.code });
        if (state.connection.state !== this.#status) {
            this.#status = state.connection.state;
            this.#tell("status", this.#status);
        }
        if (conversation?.contact !== this.#contact) this.#meet(conversation);
        if (conversation) {
            this.#hear(conversation, event);
            this.#follow(conversation);
        }
        this.#secure(state, conversation);
    }

    /** Another contact, or none: what it holds already is not news. */
    #meet(conversation: Conversation | undefined): void {
        this.#contact = conversation?.contact;
        this.#state = undefined;
        this.#agents = new Map();
        this.#messages.clear();
    }

    #hear({ contact, view, items }: Conversation, event: DeviceEvent): void {
        if (event.type === "reset") {
            for (const { body } of items) if (body.type === "text") this.#messages.add(body.id);
        }
        if (event.type !== "item" || event.contact !== contact) return;
        const { body, author, time, position } = event.item;
        if (body.type !== "text" || this.#messages.has(body.id)) return;
        this.#messages.add(body.id);
        const own = author?.own ?? false;
        // What has no place yet was written just now.
        if (!view?.caughtUp && !(own && position === undefined)) return;
        this.#tell("message", { contact, id: body.id, own, name: author?.name ?? "", text: body.text, time });
    }

    #follow(conversation: Conversation): void {
        const { view, contact } = conversation;
        if (!view?.caughtUp) return;
        const before = this.#state;
        this.#state = view.state;
        if (before === undefined && view.state !== "closed") this.#tell("conversation:start", { contact });
        if (before !== view.state && view.state === "waiting") this.#tell("queue", "waiting");
        if (before === "waiting" && view.state === "open") this.#tell("queue", "taken");
        this.#meetAgents(conversation);
        if (before !== undefined && before !== "closed" && view.state === "closed") {
            this.#tell("conversation:end", { contact });
        }
    }

    #meetAgents({ view }: Conversation): void {
        const now = new Map<string, AgentDetail>();
        for (const { author, pending } of view?.participants ?? []) {
            if (isStaff(author) && !pending) now.set(author.device, { name: author.name, role: author.role });
        }
        for (const [device, agent] of now) if (!this.#agents.has(device)) this.#tell("agent:join", agent);
        for (const [device, agent] of this.#agents) if (!now.has(device)) this.#tell("agent:leave", agent);
        this.#agents = now;
    }

    #secure(state: Mirror, conversation: Conversation | undefined): void {
        const view = conversation?.view;
        const detail: SecurityDetail = {
            level: view?.level,
            readers: (view?.participants ?? []).map(({ author: { name, role } }) => ({ name, role })),
            teams: (view?.teams ?? []).map(({ name }) => name),
            alarms: state.alarms.map(({ code, stopsSending }) => ({ code, stopsSending })),
        };
        const shown = JSON.stringify(detail);
        if (shown === this.#security || (!view && detail.alarms.length === 0)) return;
        this.#security = shown;
        this.#tell("security", detail);
    }
}
