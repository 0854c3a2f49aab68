/** The visitor's chat: one contact at a time, each with keys of its own. */

import { html, nothing, render, type TemplateResult } from "lit-html";
import { Device, codeOf, type Conversation, type Detail, type DeviceEvent, type Level } from "sottovoce";
import { init } from "sottovoce/visitor";
import type { ChatEvents, Identify, Locale } from "sottovoce/widget";
import { Drafts, composer } from "../conversation/composer.js";
import conversationStyle from "../conversation/conversation.css?inline";
import { beforeNextFrame } from "../conversation/frame.js";
import { english, type Phrases } from "../conversation/languages/english.js";
import { alarm, connection, failure, nameOf, roleName, sentence, speak, words } from "../conversation/phrases.js";
import { sheet } from "../conversation/readers.js";
import {
    TypingSigns,
    lastPosition,
    scrollToEnd,
    transcript,
    unreadAfter,
} from "../conversation/transcript.js";
import { atMidnight, prepareTimes } from "../conversation/text.js";
import { Attention } from "../conversation/attention.js";
import { Beginning, DRAFT, EARLY } from "./beginning.js";
import { detailsOf, news } from "./details.js";
import style from "./chat.css?inline";
import { save } from "./saved.js";
import { Seen, forgetSeen } from "./seen.js";
import { Told } from "./told.js";

/** What the element gives the chat, and is told by it. */
export interface ChatHost {
    attribute(name: string): string | undefined;
    relay: string;
    /** The host that served this code, unless it is a part of the page's own. */
    servedBy: string | undefined;
    /** Whether the page pins the loader by its hash. */
    pinned: boolean;
    locale(): Locale;
    language(locale: Exclude<Locale, "en">): Promise<Phrases>;
    wasm(): Promise<Response>;
    /** Asks for the token (JWT) that says who the visitor is, made for this device's key. */
    identity(): Identify | undefined;
    /** What the page wants said of the visitor, by name. */
    details(): Readonly<Record<string, string>>;
    away(): void;
    unread(count: number): void;
    tell<Name extends keyof ChatEvents>(name: Name, detail: ChatEvents[Name]): void;
}

const DRAFTS = "sottovoce:";
/** How long screen readers are given to take in the history, in milliseconds. */
const HISTORY_READ = 100;

/** Forgets what this browser has stored of an account's chat. */
export async function forgetStored(account: string): Promise<void> {
    forgetSeen();
    const drafts = new Drafts(DRAFTS);
    for (const name of [DRAFT, EARLY]) drafts.set(name, "");
    await Device.forget({ account, kind: { type: "visitor" } });
}

export class Chat {
    readonly #panel = document.createElement("div");
    readonly #root: ShadowRoot;
    readonly #styles: CSSStyleSheet[];
    readonly #host: ChatHost;
    readonly #drafts = new Drafts(DRAFTS);
    readonly #typing = new TypingSigns(() => this.#refresh());
    readonly #seen = new Seen(() => this.#refresh());
    readonly #attention = new Attention(() => this.#host.attribute("sound") !== "off");
    readonly #stopDays = atMidnight(() => this.#refresh());
    readonly #told: Told;
    readonly #device: Device | undefined;
    readonly #beginning: Beginning;
    /** The contact whose history has been shown: what comes from here on is announced. */
    #announced: string | undefined;
    #announcing: ReturnType<typeof setTimeout> | undefined;
    /** What the page had said of the visitor when that was last told. */
    #described = "{}";
    #notice: string | undefined;
    #sheetOpen = false;
    #ending = false;
    #visible = false;
    #stopped = false;
    #scheduled = false;

    constructor(place: HTMLElement, root: ShadowRoot, host: ChatHost) {
        place.replaceChildren(this.#panel);
        this.#root = root;
        this.#host = host;
        this.#told = new Told((name, detail) => host.tell(name, detail));
        this.#styles = [conversationStyle, style].map((text) => {
            const styles = new CSSStyleSheet();
            styles.replaceSync(text);
            return styles;
        });
        root.adoptedStyleSheets.push(...this.#styles);
        try {
            this.#device = this.#makeDevice();
            this.#device.subscribe((event) => this.#happened(event));
        } catch (error) {
            this.#notice = failure(codeOf(error));
            host.tell("error", { code: codeOf(error) });
        }
        this.#beginning = new Beginning(this.#device, this.#drafts);
        document.addEventListener("visibilitychange", this.#refresh);
    }

    #makeDevice(): Device {
        const attribute = this.#host.attribute;
        const nextRoot = attribute("next-root");
        const lowestLevel = attribute("lowest-level");
        const lowestPolicy = attribute("lowest-policy");
        return new Device({
            account: attribute("account") ?? "",
            relay: this.#host.relay,
            kind: { type: "visitor" },
            entryPoint: this.#entryPoint,
            load: () => init(this.#host.wasm()),
            ...(nextRoot === undefined ? {} : { nextRoot }),
            ...(lowestPolicy === undefined ? {} : { lowestPolicy: Number(lowestPolicy) }),
            ...(isLevel(lowestLevel) ? { lowestLevel } : {}),
        });
    }

    /** Whether there is something to go on with. */
    get underWay(): boolean {
        const conversation = this.#conversation;
        return this.#beginning.texts.length > 0 || (conversation !== undefined && conversation.view?.state !== "closed");
    }

    /** Tells those who read the chat what has changed of what the page says of the visitor. */
    describe(): void {
        const { contact, view } = this.#conversation ?? {};
        const given = JSON.stringify(this.#host.details());
        // Before a chat begins nothing is told; a page that said nothing new is not repeated.
        if (contact === undefined || !view?.caughtUp || view.state === "closed" || given === this.#described) return;
        if (this.#device?.role !== "leading") return;
        const details = news(this.#details(), view.details).filter(({ name }) => Object.hasOwn(this.#host.details(), name));
        if (details.length > 0) void this.#device.command({ type: "describe", contact, details }).catch(() => {});
    }

    #details(): Detail[] {
        this.#described = JSON.stringify(this.#host.details());
        const { details, tooMuch } = detailsOf(this.#host.details());
        if (tooMuch) this.#host.tell("error", { code: "content-too-large" });
        return details;
    }

    /** Takes up the language that the page wants; English if it cannot be loaded. */
    async speak(): Promise<void> {
        const locale = this.#host.locale();
        const phrases = locale === "en" ? english : await this.#host.language(locale).catch(() => english);
        if (this.#stopped || locale !== this.#host.locale()) return;
        speak(phrases);
        prepareTimes();
        this.#refresh();
    }

    show(focus: boolean): void {
        this.#visible = true;
        this.#render();
        this.#report();
        if (focus) this.#focus("textarea, [data-testid=new-chat]");
    }

    hide(): void {
        this.#visible = false;
        this.#refresh();
    }

    /** Ends it when the element leaves the page. The chat itself goes on with the next one. */
    close(): void {
        this.#stopped = true;
        document.removeEventListener("visibilitychange", this.#refresh);
        this.#device?.close();
        this.#typing.stop();
        this.#seen.stop();
        this.#attention.stop();
        this.#stopDays();
        clearTimeout(this.#announcing);
        this.#panel.remove();
        this.#root.adoptedStyleSheets = this.#root.adoptedStyleSheets.filter((one) => !this.#styles.includes(one));
    }

    /** Forgets the chat and its keys. */
    async forget(): Promise<void> {
        this.#beginning.take();
        try {
            await this.#device?.startAnew();
        } finally {
            this.#seen.forget();
            await forgetStored(this.#host.attribute("account") ?? "");
        }
    }

    get #entryPoint(): string {
        return this.#host.attribute("entry-point") ?? "";
    }

    get #conversation(): Conversation | undefined {
        const [conversation] = this.#device?.state.conversations ?? [];
        return conversation;
    }

    #happened(event: DeviceEvent): void {
        if (this.#device) this.#told.happened(event, this.#device.state, this.#conversation);
        switch (event.type) {
            case "started":
                this.#sendEarly(event.contact);
                break;
            case "contact":
                this.#sendEarly(event.view.contact);
                this.describe();
                break;
            case "item":
                if (!event.item.author?.own) this.#typing.remove(event.contact);
                break;
            case "typing":
                this.#typing.add(event.contact, nameOf(event.author));
                break;
            case "returnedToDraft":
                this.#drafts.giveBack(DRAFT, event.text);
                this.#notice = words().chat.returned(roleName(event.joined));
                break;
            case "failed":
                this.#beginning.giveUp();
                this.#notice = failure(event.code);
                break;
            case "tab":
                if (event.role === "failed") this.#host.tell("error", { code: this.#device?.failure ?? "unexpected" });
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
        this.#beginning.add(text, this.#entryPoint, this.#host.identity(), this.#details()).catch((error: unknown) => {
            this.#notice = failure(codeOf(error));
            this.#host.tell("error", { code: codeOf(error) });
            this.#refresh();
        });
    }

    #sendEarly(contact: string): void {
        for (const { text } of this.#beginning.take()) {
            void this.#device?.sendText(contact, text).catch(() => this.#lose(text));
        }
    }

    #lose(text: string): void {
        this.#drafts.giveBack(DRAFT, text);
        this.#notice = failure("read-only");
        this.#refresh();
    }

    async #startAnew(): Promise<void> {
        this.#notice = undefined;
        // What could not be sent any more may be said in the new chat.
        for (const { state, body } of this.#conversation?.items.toReversed() ?? []) {
            if (state === "failed" && body.type === "text") this.#drafts.giveBack(DRAFT, body.text);
        }
        this.#seen.forget();
        await this.#device?.startAnew();
        this.#render();
        this.#focus("textarea");
    }

    readonly #refresh = (): void => {
        if (this.#scheduled) return;
        this.#scheduled = true;
        beforeNextFrame(() => {
            this.#scheduled = false;
            if (this.#stopped) return;
            this.#render();
            this.#report();
        });
    };

    /** Tells the others what was seen, and the launcher what was not. */
    #report(): void {
        const conversation = this.#conversation;
        const unread = conversation ? this.#unseen(conversation) : 0;
        this.#host.unread(unread);
        this.#attention.show(this.#device?.role === "leading" ? unread : 0);
    }

    /** How much of a conversation was not seen; what is on the screen is seen now. */
    #unseen(conversation: Conversation): number {
        const { contact, view } = conversation;
        const last = lastPosition(conversation);
        const seen = this.#seen.of(contact);
        if (!this.#visible || document.visibilityState !== "visible") return unreadAfter(conversation, seen);
        if (last > seen && view?.caughtUp) {
            this.#seen.set(contact, last);
            void this.#device?.command({ type: "read", contact, position: last }).catch(() => {});
        }
        return 0;
    }

    #render(): void {
        const focused = this.#panel.contains(this.#root.activeElement);
        render(this.#page(), this.#panel);
        this.#announce();
        // Whoever was where nothing is any longer goes on where there is something to do.
        if (focused && !this.#root.activeElement) this.#focus("textarea, [data-testid=new-chat]");
    }

    /** Once the history stands there, and not in the same breath, the log tells what is added. */
    #announce(): void {
        const { contact, view } = this.#conversation ?? {};
        if (!view?.caughtUp || contact === this.#announced || this.#announcing !== undefined) return;
        this.#announcing = setTimeout(() => {
            this.#announcing = undefined;
            this.#announced = contact;
            this.#refresh();
        }, HISTORY_READ);
    }

    #focus(selector: string): void {
        this.#panel.querySelector<HTMLElement>(selector)?.focus();
    }

    #page(): TemplateResult {
        const state = this.#device?.state;
        const conversation = this.#conversation;
        const view = conversation?.view;
        const { chat, connection: connections, direction, tag } = words();
        const entry = state?.account?.entryPoints.find(({ id }) => id === this.#entryPoint);
        const brand = view?.entryPointName ?? entry?.name ?? this.#host.attribute("name") ?? words().us;
        const level = view?.level ?? entry?.level;
        const closed = view?.state === "closed";
        return html`<section
            class="panel"
            data-testid="panel"
            data-tab=${this.#device?.role ?? "failed"}
            role="dialog"
            lang=${tag}
            dir=${direction}
            aria-label=${chat.title(brand)}
            @keydown=${(event: KeyboardEvent) => event.key === "Escape" && this.#escape()}
        >
            <div class="top">
                <div>
                    <h1>${brand}</h1>
                    <p role="status" data-testid="connection" data-state=${state?.connection.state ?? "failed"}>
                        ${state ? connection(state) : connections.none}
                    </p>
                </div>
                ${view && !closed ? this.#endButton(view.contact) : nothing}
                <button
                    type="button"
                    class="icon"
                    data-testid="minimise"
                    aria-label=${chat.away}
                    @click=${() => this.#host.away()}
                >
                    ×
                </button>
            </div>
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
            <div
                class="log"
                role="log"
                aria-live=${conversation && conversation.contact === this.#announced ? "polite" : "off"}
                aria-relevant="additions"
                aria-label=${chat.log}
                tabindex="0"
                data-testid="log"
            >
                ${conversation || this.#beginning.texts.length > 0
                    ? nothing
                    : html`<p class="welcome">${chat.welcome}</p>`}
                ${transcript(
                    conversation,
                    this.#beginning.texts,
                    "visitor",
                    (command) => void this.#device?.command(command).catch(() => {}),
                    this.#refresh,
                )}
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
                          details: view?.details ?? detailsOf(this.#host.details()).details,
                          storageWorking: state.storageWorking,
                          save: conversation && ((kind) => save(kind, conversation, brand, this.#wrong())),
                      },
                      () => this.#toggleSheet(false),
                  )
                : nothing}
        </section>`;
    }

    /** The codes of what is wrong. */
    #wrong(): string[] {
        const stopped = this.#conversation?.view?.stoppedBy;
        const codes = this.#device?.state.alarms.map(({ code }) => code) ?? [];
        return [...new Set(stopped === undefined ? codes : [...codes, stopped])];
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
            ? html`<p class="warning" data-testid="storage-warning">${words().chat.noStorage}</p>`
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
            ${who === undefined ? nothing : words().chat.typing(who)}
        </p>`;
    }

    #composer(conversation: Conversation | undefined): TemplateResult {
        const { chat } = words();
        const contact = conversation?.contact;
        const stopped = conversation?.view && !conversation.view.canSend;
        return composer(
            this.#drafts,
            DRAFT,
            {
                label: chat.label,
                placeholder: chat.placeholder,
                blocked: !this.#device || this.#device.role === "failed"
                    ? ""
                    : stopped
                      ? chat.stopped
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
        return html`<div class="closed">
            <p>${words().chat.closed}</p>
            <button type="button" class="primary" data-testid="new-chat" @click=${() => void this.#startAnew()}>
                ${words().chat.again}
            </button>
        </div>`;
    }

    #endButton(contact: string): TemplateResult {
        const { end, endIt, goOn } = words().chat;
        if (!this.#ending) {
            return html`<button type="button" class="quiet" data-testid="close" @click=${() => this.#confirmEnd(true)}>
                ${end}
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
                ${endIt}
            </button>
            <button type="button" class="quiet" @click=${() => this.#confirmEnd(false)}>${goOn}</button>
        </span>`;
    }

    #confirmEnd(ending: boolean): void {
        this.#ending = ending;
        this.#render();
        this.#focus(ending ? "[data-testid=close-confirm]" : "[data-testid=close]");
    }

    #unavailable(): TemplateResult {
        const code = this.#device?.failure;
        const link = safeLink(this.#host.attribute("fallback-link") ?? this.#device?.state.account?.fallbackLink);
        return html`<div class="unavailable-chat" role="alert" data-testid="unavailable">
            <p>${code === undefined ? words().chat.none : failure(code)}</p>
            ${link === undefined
                ? nothing
                : html`<a href=${link} rel="noopener" data-testid="fallback-link">${words().chat.otherWay}</a>`}
        </div>`;
    }

    #code(): string {
        const { servedBy, pinned } = this.#host;
        const say = words().sheet;
        if (servedBy === undefined) return say.own;
        return pinned ? say.pinned(servedBy) : say.served(servedBy);
    }

    #toggleSheet(open: boolean): void {
        this.#sheetOpen = open;
        this.#render();
        this.#focus(open ? "[data-testid=sheet-close]" : "[data-testid=sentence]");
    }

    #escape(): void {
        if (this.#sheetOpen) this.#toggleSheet(false);
        else this.#host.away();
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
