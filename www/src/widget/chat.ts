/** The visitor's chat: one contact at a time, each with keys of its own. */

import { html, nothing, render, type TemplateResult } from "lit-html";
import { Device, type Conversation, type DeviceEvent, type Level } from "sottovoce";
import { init } from "sottovoce/visitor";
import { Drafts, composer } from "../conversation/composer.js";
import conversationStyle from "../conversation/conversation.css?inline";
import { alarm, connection, failure, nameOf, roleName, sentence } from "../conversation/phrases.js";
import { sheet } from "../conversation/readers.js";
import {
    TypingSigns,
    lastPosition,
    scrollToEnd,
    transcript,
    unreadAfter,
    type EarlyText,
} from "../conversation/transcript.js";
import style from "./chat.css?inline";

export interface ChatOptions {
    account: string;
    entryPoint: string;
    relay: string;
    name: string | undefined;
    nextRoot: string | undefined;
    lowestLevel: string | undefined;
    lowestPolicy: string | undefined;
    fallbackLink: string | undefined;
    /** The host that served this code. */
    servedBy: string;
    /** Whether the page pins the loader by its hash. */
    pinned: boolean;
    /** The host's token (JWT) that says who the visitor is, made for this device's key. */
    identify: ((device: string) => Promise<string>) | undefined;
    wasm(): Promise<Response>;
    away(): void;
    unread(count: number): void;
}

const DRAFT = "draft";

export class Chat {
    readonly #panel: HTMLElement;
    readonly #options: ChatOptions;
    readonly #drafts = new Drafts("sottovoce:");
    readonly #typing = new TypingSigns(() => this.#refresh());
    readonly #device: Device | undefined;
    /** Texts that wait for the contact to exist, and whether it was asked for. */
    #early: EarlyText[] = [];
    #starting = false;
    #notice: string | undefined;
    #sheetOpen = false;
    #ending = false;
    #visible = false;
    #seen = 0;
    #scheduled = false;

    constructor(panel: HTMLElement, root: ShadowRoot, options: ChatOptions) {
        this.#panel = panel;
        this.#options = options;
        for (const text of [conversationStyle, style]) {
            const styles = new CSSStyleSheet();
            styles.replaceSync(text);
            root.adoptedStyleSheets.push(styles);
        }
        try {
            this.#device = new Device({
                account: options.account,
                relay: options.relay,
                kind: { type: "visitor" },
                entryPoint: options.entryPoint,
                load: () => init(options.wasm()),
                ...(options.nextRoot === undefined ? {} : { nextRoot: options.nextRoot }),
                ...(options.lowestPolicy === undefined
                    ? {}
                    : { lowestPolicy: Number(options.lowestPolicy) }),
                ...(isLevel(options.lowestLevel) ? { lowestLevel: options.lowestLevel } : {}),
            });
            this.#device.subscribe((event) => this.#happened(event));
        } catch (error) {
            this.#notice = error instanceof Error ? error.message : String(error);
        }
        document.addEventListener("visibilitychange", this.#refresh);
    }

    show(focus: boolean): void {
        this.#visible = true;
        this.#render();
        if (focus) this.#panel.querySelector("textarea")?.focus();
    }

    hide(): void {
        this.#visible = false;
        this.#refresh();
    }

    /** Ends it when the element leaves the page. The chat itself goes on with the next one. */
    close(): void {
        document.removeEventListener("visibilitychange", this.#refresh);
        this.#device?.close();
    }

    get #conversation(): Conversation | undefined {
        const [conversation] = this.#device?.state.conversations ?? [];
        return conversation;
    }

    #happened(event: DeviceEvent): void {
        switch (event.type) {
            case "started":
                this.#sendEarly(event.contact);
                break;
            case "contact":
                this.#sendEarly(event.view.contact);
                break;
            case "item":
                if (!event.item.author?.own) this.#typing.remove(event.contact);
                break;
            case "typing":
                this.#typing.add(event.contact, nameOf(event.author));
                break;
            case "returnedToDraft":
                this.#drafts.giveBack(DRAFT, event.text);
                this.#notice = `${roleName(event.joined)} joined before your text was sent. See who can read this, then send it again.`;
                break;
            case "failed":
                this.#giveBackEarly();
                this.#notice = failure(event.code);
                break;
        }
        this.#refresh();
    }

    #send(text: string): void {
        this.#notice = undefined;
        scrollToEnd(this.#panel);
        const conversation = this.#conversation;
        if (conversation) {
            void this.#device?.sendText(conversation.contact, text).catch(() => this.#lose(text));
            return;
        }
        this.#early.push({ key: crypto.randomUUID(), text });
        this.#keepEarly();
        if (this.#starting) return;
        this.#starting = true;
        this.#start().catch(() => this.#giveBackEarly());
    }

    async #start(): Promise<void> {
        const { entryPoint, identify } = this.#options;
        const identity = await identify?.(await this.#ownDevice());
        await this.#device?.command({
            type: "start",
            entryPoint,
            ...(identity === undefined ? {} : { identity }),
        });
    }

    /** The own device's name, as soon as it is known. */
    #ownDevice(): Promise<string> {
        return new Promise((resolve) => {
            const look = () => {
                const own = this.#device?.state.account?.own.device;
                if (own === undefined) return false;
                resolve(own);
                return true;
            };
            if (look()) return;
            const stop = this.#device?.subscribe(() => look() && stop?.());
        });
    }

    #sendEarly(contact: string): void {
        this.#starting = false;
        const early = this.#early;
        this.#early = [];
        this.#keepEarly();
        for (const { text } of early) {
            void this.#device?.sendText(contact, text).catch(() => this.#lose(text));
        }
    }

    /** Until the core has them, early texts are kept as a draft would be. */
    #keepEarly(): void {
        this.#drafts.set("early", this.#early.map(({ text }) => text).join("\n"));
    }

    #giveBackEarly(): void {
        for (const { text } of this.#early.reverse()) this.#drafts.giveBack(DRAFT, text);
        this.#early = [];
        this.#starting = false;
        this.#keepEarly();
    }

    #lose(text: string): void {
        this.#drafts.giveBack(DRAFT, text);
        this.#notice = failure("read-only");
        this.#refresh();
    }

    async #startAnew(): Promise<void> {
        this.#notice = undefined;
        this.#seen = 0;
        await this.#device?.startAnew();
        this.#refresh();
        this.#panel.querySelector("textarea")?.focus();
    }

    readonly #refresh = (): void => {
        if (this.#scheduled) return;
        this.#scheduled = true;
        queueMicrotask(() => {
            this.#scheduled = false;
            this.#render();
            this.#report();
        });
    };

    /** Tells the others what was seen, and the launcher what was not. */
    #report(): void {
        const conversation = this.#conversation;
        if (!conversation) return this.#options.unread(0);
        const last = lastPosition(conversation);
        if (this.#visible && document.visibilityState === "visible") {
            if (last > this.#seen && conversation.view?.caughtUp) {
                this.#seen = last;
                void this.#device
                    ?.command({ type: "read", contact: conversation.contact, position: last })
                    .catch(() => {});
            }
            this.#options.unread(0);
        } else {
            this.#options.unread(unreadAfter(conversation, this.#seen));
        }
    }

    #render(): void {
        render(this.#page(), this.#panel);
    }

    #page(): TemplateResult {
        const state = this.#device?.state;
        const conversation = this.#conversation;
        const view = conversation?.view;
        const entry = state?.account?.entryPoints.find(({ id }) => id === this.#options.entryPoint);
        const brand = view?.entryPointName ?? entry?.name ?? this.#options.name ?? "us";
        const level = view?.level ?? entry?.level;
        const closed = view?.state === "closed";
        return html`<section
            class="panel"
            data-testid="panel"
            data-tab=${this.#device?.role ?? "failed"}
            role="dialog"
            aria-label="Chat with ${brand}"
            @keydown=${(event: KeyboardEvent) => event.key === "Escape" && this.#escape()}
        >
            <header class="top">
                <div>
                    <h1>${brand}</h1>
                    <p role="status" data-testid="connection" data-state=${state?.connection.state ?? "failed"}>
                        ${state ? connection(state) : "Not available"}
                    </p>
                </div>
                ${view && !closed ? this.#endButton(view.contact) : nothing}
                <button
                    type="button"
                    class="icon"
                    data-testid="minimise"
                    aria-label="Put the chat away"
                    @click=${() => this.#options.away()}
                >
                    ×
                </button>
            </header>
            <button
                type="button"
                class="sentence"
                data-testid="sentence"
                aria-expanded=${this.#sheetOpen}
                @click=${() => this.#toggleSheet(true)}
            >
                ${level === "e2ee" ? padlock : nothing} ${sentence(level, brand)}
            </button>
            ${this.#warnings()}
            <div class="log" role="log" aria-live="polite" aria-label="Conversation" tabindex="0" data-testid="log">
                ${conversation || this.#early.length > 0
                    ? nothing
                    : html`<p class="system">Ask us anything. You can write at once; somebody will answer.</p>`}
                ${transcript(conversation, this.#early, "visitor", (command) => {
                    void this.#device?.command(command).catch(() => {});
                })}
            </div>
            ${this.#typingLine(conversation?.contact)}
            ${this.#device?.role === "failed" || !this.#device ? this.#unavailable() : nothing}
            ${closed ? this.#closed() : this.#composer(conversation)}
            ${this.#sheetOpen && state
                ? sheet(
                      {
                          view,
                          account: state.account,
                          level,
                          brand,
                          teams: (state.account?.teams ?? []).filter(({ id }) =>
                              entry?.teams.includes(id),
                          ),
                          code: this.#code(),
                          storageWorking: state.storageWorking,
                      },
                      () => this.#toggleSheet(false),
                  )
                : nothing}
        </section>`;
    }

    #warnings(): TemplateResult {
        const state = this.#device?.state;
        const stopped = this.#conversation?.view?.stoppedBy;
        const alarms = new Map(state?.alarms.map(({ code, stopsSending }) => [code, stopsSending]));
        if (stopped !== undefined) alarms.set(stopped, true);
        return html`${[...alarms].map(
            ([code, stops]) =>
                html`<p class="alarm" role="alert" data-testid="alarm" data-code=${code}>${alarm(code, stops)}</p>`,
        )}
        ${state && !state.storageWorking
            ? html`<p class="warning" data-testid="storage-warning">
                  This browser stores nothing, so the chat ends when you leave the page.
              </p>`
            : nothing}
        ${this.#device?.role === "read-only"
            ? html`<p class="warning" data-testid="read-only">${failure("read-only")}</p>`
            : nothing}
        ${this.#notice === undefined
            ? nothing
            : html`<p class="warning" role="alert" data-testid="notice">${this.#notice}</p>`}`;
    }

    #typingLine(contact: string | undefined): TemplateResult {
        const who = this.#typing.who(contact);
        return html`<p class="typing" data-testid="typing" ?hidden=${who === undefined}>
            ${who} is typing …
        </p>`;
    }

    #composer(conversation: Conversation | undefined): TemplateResult {
        const contact = conversation?.contact;
        const stopped = conversation?.view && !conversation.view.canSend;
        return composer(
            this.#drafts,
            DRAFT,
            {
                label: "Your message",
                placeholder: "Write a message",
                blocked: !this.#device || this.#device.role === "failed"
                    ? ""
                    : stopped
                      ? "Nothing can be sent at the moment."
                      : undefined,
                send: (text) => this.#send(text),
                typing: () => {
                    if (contact === undefined) return;
                    void this.#device?.command({ type: "typing", contact }).catch(() => {});
                },
            },
            this.#refresh,
        );
    }

    #closed(): TemplateResult {
        return html`<footer class="closed">
            <p>This chat is closed.</p>
            <button type="button" class="primary" data-testid="new-chat" @click=${() => void this.#startAnew()}>
                Start a new chat
            </button>
        </footer>`;
    }

    #endButton(contact: string): TemplateResult {
        if (!this.#ending) {
            return html`<button type="button" class="quiet" data-testid="close" @click=${() => this.#confirmEnd(true)}>
                End chat
            </button>`;
        }
        return html`<span class="confirm">
            <button
                type="button"
                class="quiet"
                data-testid="close-confirm"
                @click=${() => {
                    this.#confirmEnd(false);
                    void this.#device?.command({ type: "close", contact }).catch(() => {});
                }}
            >
                End it
            </button>
            <button type="button" class="quiet" @click=${() => this.#confirmEnd(false)}>Go on</button>
        </span>`;
    }

    #confirmEnd(ending: boolean): void {
        this.#ending = ending;
        this.#refresh();
    }

    #unavailable(): TemplateResult {
        const code = this.#device?.failure;
        const link = safeLink(this.#options.fallbackLink);
        return html`<div class="unavailable-chat" role="alert" data-testid="unavailable">
            <p>${code === undefined ? "The chat is not available here." : failure(code)}</p>
            ${link === undefined
                ? nothing
                : html`<a href=${link} rel="noopener" data-testid="fallback-link">Reach us another way</a>`}
        </div>`;
    }

    #code(): string {
        const { servedBy, pinned } = this.#options;
        return pinned
            ? `This page pins the chat’s code by its hash, so ${servedBy}, which delivers it, cannot change it unnoticed. You trust this website.`
            : `This chat’s code came from ${servedBy} and this page does not pin it by a hash. You trust this website and that server to deliver it unchanged.`;
    }

    #toggleSheet(open: boolean): void {
        this.#sheetOpen = open;
        this.#render();
        const next = open ? "[data-testid=sheet-close]" : "[data-testid=sentence]";
        this.#panel.querySelector<HTMLElement>(next)?.focus();
    }

    #escape(): void {
        if (this.#sheetOpen) this.#toggleSheet(false);
        else this.#options.away();
    }
}

const padlock = html`<svg viewBox="0 0 24 24" aria-hidden="true">
    <path d="M7 10V8a5 5 0 0 1 10 0v2m-11 0h12v10H6z" />
</svg>`;

function isLevel(level: string | undefined): level is Level {
    return level === "transport" || level === "storage" || level === "e2ee";
}

/** Links come from the page or from a signed policy; schemes that run code are refused anyway. */
function safeLink(link: string | undefined): string | undefined {
    return link !== undefined && /^(https:|mailto:|tel:)/i.test(link) ? link : undefined;
}
