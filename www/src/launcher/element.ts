/**
 * The element: a button that fetches the chat itself when a visitor reaches for it. Nothing is
 * stored before the visitor opens the chat. A page has one; a second one waits until it is gone.
 */

import type {
    ChatCommands,
    ChatEvents,
    ChatHandler,
    Identify,
    Locale,
    SottovoceChatElement,
    Theme,
} from "sottovoce/widget";
import type { Phrases } from "../conversation/languages/english.js";
import type { Chat, ChatHost } from "../widget/chat.js";
import { brandStyle } from "./brand.js";
import style from "./launcher.css?inline";
import { WORDS, localeOf } from "./locale.js";

/** Where the parts that are fetched later come from. */
export interface Source {
    chat(): Promise<typeof import("../widget/chat.js")>;
    wasm(place: string | undefined): Promise<Response>;
    language(locale: Exclude<Locale, "en">): Promise<Phrases>;
    /** The address that this code came from, unless it is a part of the page's own. */
    served: string | undefined;
    /** Whether the page pins this code by its hash. */
    pinned: boolean;
    /** An element has begun. */
    begun?(element: ChatCommands): void;
}

interface Listener {
    name: string;
    handler: unknown;
    call: EventListener;
}

const OPEN = "sottovoce:open";

// A server that renders pages has no elements.
const Base = globalThis.HTMLElement ?? (class {} as typeof HTMLElement);

let current: { end(): void; isConnected: boolean } | undefined;

export function define(source: Source): void {
    if (!globalThis.customElements || customElements.get("sottovoce-chat")) return;
    customElements.define("sottovoce-chat", elementOf(source));
}

function elementOf(source: Source): CustomElementConstructor {
    return class SottovoceChat extends Base implements SottovoceChatElement {
        static readonly observedAttributes = ["locale", "name", "theme", "brand-color"];
        readonly #root = this.attachShadow({ mode: "open" });
        readonly #button = document.createElement("button");
        readonly #panel = document.createElement("div");
        readonly #brand = new CSSStyleSheet();
        #listeners: Listener[] = [];
        #identify: Identify | undefined;
        #details: Readonly<Record<string, string>> = {};
        #chat: Chat | undefined;
        #starting: Promise<Chat | undefined> | undefined;
        #ready = false;
        /** Ends what one stay on the page began. */
        #stay: AbortController | undefined;

        connectedCallback(): void {
            if (current === this) return;
            if (current?.isConnected) return;
            current?.end();
            current = this;
            this.#begin();
        }

        disconnectedCallback(): void {
            // Whoever is moved within the page goes on.
            queueMicrotask(() => {
                if (this.isConnected || current !== this) return;
                this.end();
                const next = document.querySelector("sottovoce-chat");
                if (next instanceof SottovoceChat) next.connectedCallback();
            });
        }

        attributeChangedCallback(name: string): void {
            if (current !== this) return;
            if (name === "brand-color") this.#paint();
            else this.#speak();
        }

        async open(): Promise<void> {
            await this.#open(true);
        }

        close(): void {
            if (this.#panel.hidden) return;
            const focused = this.#root.activeElement;
            this.#panel.hidden = true;
            this.#button.setAttribute("aria-expanded", "false");
            this.#chat?.hide();
            remember(this.#chat?.underWay ? "away" : undefined);
            if (focused) this.#button.focus();
            this.#tell("close", undefined);
        }

        toggle(): Promise<void> {
            if (this.#panel.hidden) return this.open();
            this.close();
            return Promise.resolve();
        }

        show(): void {
            this.hidden = false;
        }

        hide(): void {
            this.close();
            this.hidden = true;
        }

        identify(token: Identify | undefined): void {
            this.#identify = token;
        }

        setDetails(details: Readonly<Record<string, string>>): void {
            this.#details = { ...this.#details, ...details };
            this.#chat?.describe();
        }

        async logout(): Promise<void> {
            this.#identify = undefined;
            this.#details = {};
            const chat = this.#chat;
            this.close();
            remember(undefined);
            await (chat ? chat.forget() : this.#forgetStored());
            if (chat === this.#chat) this.#endChat();
        }

        setLocale(locale: Locale | "auto"): void {
            this.setAttribute("locale", locale);
        }

        setTheme(theme: Theme): void {
            this.setAttribute("theme", theme);
        }

        on<Name extends keyof ChatEvents>(name: Name, handler: ChatHandler<Name>): () => void {
            const stop = () => this.off(name, handler);
            if (this.#listeners.some((one) => one.name === name && one.handler === handler)) return stop;
            const call: EventListener = (event) => handler((event as CustomEvent<ChatEvents[Name]>).detail);
            this.#listeners.push({ name, handler, call });
            this.addEventListener(name, call);
            // Who comes late is told at once.
            if (name === "ready" && this.#ready) queueMicrotask(() => call(new CustomEvent("ready")));
            return stop;
        }

        off<Name extends keyof ChatEvents>(name: Name, handler: ChatHandler<Name>): void {
            this.#listeners = this.#listeners.filter((one) => {
                const same = one.name === name && one.handler === handler;
                if (same) this.removeEventListener(name, one.call);
                return !same;
            });
        }

        destroy(): void {
            this.end();
            for (const { name, call } of this.#listeners) this.removeEventListener(name, call);
            this.#listeners = [];
            this.remove();
        }

        /** Ends connection, timers and listeners; `connectedCallback` begins anew. */
        end(): void {
            if (current === this) current = undefined;
            this.#ready = false;
            this.#stay?.abort();
            this.#endChat();
            this.#root.replaceChildren();
            this.#root.adoptedStyleSheets = [];
        }

        #begin(): void {
            this.#stay = new AbortController();
            const { signal } = this.#stay;
            const sheet = new CSSStyleSheet();
            sheet.replaceSync(style);
            this.#root.adoptedStyleSheets = [sheet, this.#brand];
            this.#button.dataset.testid = "launcher";
            this.#button.type = "button";
            this.#button.setAttribute("aria-expanded", "false");
            this.#button.replaceChildren(icon());
            this.#button.addEventListener("click", () => void this.toggle(), { signal });
            for (const reach of ["pointerenter", "focus"]) {
                this.#button.addEventListener(reach, () => this.#preload(), { signal });
            }
            this.#panel.hidden = true;
            this.#root.append(this.#panel, this.#button);
            this.#paint();
            this.#speak();
            source.begun?.(this);
            this.#tell("ready", undefined);
            this.#ready = true;
            const was = remembered();
            if (was === "open") void this.#open(false);
            else if (was === "away") void this.#start().catch(() => {});
        }

        #paint(): void {
            this.#brand.replaceSync(brandStyle(this.getAttribute("brand-color"), this.#button));
        }

        #preload(): void {
            source.chat().catch(() => {});
            source.wasm(this.#attribute("wasm")).catch(() => {});
        }

        async #open(focus: boolean): Promise<void> {
            if (current !== this || !this.#panel.hidden) return;
            this.hidden = false;
            this.#panel.hidden = false;
            this.#button.setAttribute("aria-expanded", "true");
            remember("open");
            let chat: Chat | undefined;
            try {
                chat = await this.#start();
            } catch {
                this.#panel.textContent = WORDS[localeOf(this)].unavailable;
                this.#panel.className = "unavailable";
                this.#tell("error", { code: "not-loaded" });
                return;
            }
            // It was put away meanwhile.
            if (!chat || this.#panel.hidden) return;
            this.#panel.className = "place";
            chat.show(focus);
            this.#tell("open", undefined);
        }

        /** The chat, as soon as its code is there. */
        #start(): Promise<Chat | undefined> {
            const stay = this.#stay;
            this.#starting ??= source.chat().then(
                async ({ Chat }) => {
                    if (stay !== this.#stay || stay?.signal.aborted) return undefined;
                    const chat = new Chat(this.#panel, this.#root, this.#host());
                    this.#chat = chat;
                    await chat.speak();
                    return this.#chat === chat ? chat : undefined;
                },
                (error: unknown) => {
                    this.#starting = undefined;
                    throw error;
                },
            );
            return this.#starting;
        }

        #endChat(): void {
            this.#chat?.close();
            this.#chat = undefined;
            this.#starting = undefined;
            this.#panel.replaceChildren();
            this.#panel.hidden = true;
            this.#badge(0);
        }

        #forgetStored(): Promise<void> {
            return source.chat().then(({ forgetStored }) => forgetStored(this.#attribute("account") ?? ""));
        }

        #host(): ChatHost {
            const relay = this.#attribute("relay") ?? source.served ?? document.baseURI;
            return {
                attribute: (name) => this.#attribute(name),
                relay: new URL(relay, document.baseURI).href,
                servedBy: source.served === undefined ? undefined : new URL(source.served).host,
                pinned: source.pinned,
                locale: () => localeOf(this),
                language: (locale) => source.language(locale),
                wasm: () => source.wasm(this.#attribute("wasm")),
                identity: () => this.#identify,
                details: () => this.#details,
                away: () => this.close(),
                unread: (count) => this.#badge(count),
                tell: (name, detail) => this.#tell(name, detail),
            };
        }

        #attribute(name: string): string | undefined {
            return this.getAttribute(name) ?? undefined;
        }

        #speak(): void {
            this.#label();
            void this.#chat?.speak();
        }

        #label(): void {
            const words = WORDS[localeOf(this)];
            const unread = Number(this.#button.dataset.unread ?? 0);
            const label = words.label(this.getAttribute("name") ?? words.us);
            this.#button.setAttribute("aria-label", unread === 0 ? label : `${label} (${words.unread(unread)})`);
        }

        #badge(count: number): void {
            const before = this.#button.dataset.unread;
            if (count === 0) delete this.#button.dataset.unread;
            else this.#button.dataset.unread = String(count);
            if (before === this.#button.dataset.unread) return;
            this.#label();
            this.#tell("unread", count);
        }

        #tell<Name extends keyof ChatEvents>(name: Name, detail: ChatEvents[Name]): void {
            this.dispatchEvent(new CustomEvent(name, { detail }));
        }
    };
}

function icon(): SVGElement {
    const namespace = "http://www.w3.org/2000/svg";
    const svg = document.createElementNS(namespace, "svg");
    const path = document.createElementNS(namespace, "path");
    svg.setAttribute("viewBox", "0 0 24 24");
    svg.setAttribute("aria-hidden", "true");
    path.setAttribute("d", "M12 3c5.2 0 9 3.4 9 7.8s-3.8 7.7-9 7.7c-1 0-2-.1-2.9-.4L4.5 20.5l1-3.8C4 15.3 3 13.2 3 10.8 3 6.4 6.8 3 12 3z");
    svg.append(path);
    return svg;
}

/** How the chat was left on the page before: `away` if it went on in the background. */
function remembered(): string | undefined {
    try {
        return sessionStorage.getItem(OPEN) ?? undefined;
    } catch {
        return undefined;
    }
}

function remember(how: "open" | "away" | undefined): void {
    try {
        if (how === undefined) sessionStorage.removeItem(OPEN);
        else sessionStorage.setItem(OPEN, how);
    } catch {
        // Without storage the chat is simply not opened again after a reload.
    }
}
