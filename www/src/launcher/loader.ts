/**
 * What a page embeds: defines `<sottovoce-chat>`, a button that fetches the chat itself when a
 * visitor reaches for it. Nothing is stored before the visitor opens the chat.
 *
 *     <script async src="https://chat.example/widget/loader.js"
 *             data-account="…" data-entry-point="shop" data-name="ACME"></script>
 */

import type { Chat, ChatOptions } from "../widget/chat.js";
import style from "./launcher.css?inline";

interface Pinned {
    readonly file: string;
    readonly integrity: string;
}

// Filled in by the build: what this loader accepts, and nothing else.
declare const CHAT_FILE: Pinned;
declare const WASM_FILE: Pinned;

const script = document.currentScript as HTMLScriptElement | null;
const served = script?.src ?? document.baseURI;
const OPEN = "sottovoce:open";

let chatModule: Promise<typeof import("../widget/chat.js")> | undefined;
let wasm: Promise<Response> | undefined;

/** Fetches code and wasm; the browser refuses them if their hashes differ. */
function preload(): Promise<typeof import("../widget/chat.js")> {
    chatModule ??= importPinned(CHAT_FILE).catch((error: unknown) => {
        chatModule = undefined;
        throw error;
    });
    wasm ??= fetchPinned(WASM_FILE);
    wasm.catch(() => (wasm = undefined));
    return chatModule;
}

async function importPinned({ file, integrity }: Pinned): Promise<typeof import("../widget/chat.js")> {
    const url = new URL(file, served).href;
    // A script element checks the hash; the import then gets the module that it has evaluated.
    await new Promise((resolve, reject) => {
        const element = document.createElement("script");
        Object.assign(element, { type: "module", crossOrigin: "anonymous", integrity, src: url });
        element.onload = resolve;
        element.onerror = reject;
        document.head.append(element);
    });
    return import(/* @vite-ignore */ url);
}

function fetchPinned({ file, integrity }: Pinned): Promise<Response> {
    return fetch(new URL(file, served), { integrity, credentials: "omit" });
}

/** The launcher. Attributes are those of the snippet's `data-…`. */
class SottovoceChat extends HTMLElement {
    /**
     * For visitors who are logged in: asked for a short-lived token (JWT) whose `cnf` is the
     * thumbprint of the device's key, which it is given as base64url.
     */
    identify: ((device: string) => Promise<string>) | undefined;
    readonly #root = this.attachShadow({ mode: "open" });
    readonly #button = document.createElement("button");
    readonly #panel = document.createElement("div");
    #chat: Chat | undefined;

    connectedCallback(): void {
        if (this.#button.isConnected) return;
        const sheet = new CSSStyleSheet();
        sheet.replaceSync(style);
        this.#root.adoptedStyleSheets = [sheet];
        this.#button.dataset.testid = "launcher";
        this.#button.type = "button";
        this.#button.setAttribute("aria-expanded", "false");
        this.#button.setAttribute("aria-label", `Chat with ${this.getAttribute("name") ?? "us"}`);
        this.#button.append(icon());
        this.#button.onclick = () => void this.toggle();
        this.#button.onpointerenter = this.#button.onfocus = () => void preload().catch(() => {});
        this.#panel.hidden = true;
        this.#root.append(this.#panel, this.#button);
        if (remembered()) void this.open(false);
    }

    disconnectedCallback(): void {
        this.#chat?.close();
        this.#chat = undefined;
        this.#panel.replaceChildren();
        this.#panel.hidden = true;
        this.#button.remove();
    }

    /** Opens the chat. From here on keys are made and stored. */
    async open(focus = true): Promise<void> {
        if (!this.#panel.hidden) return;
        this.#panel.hidden = false;
        this.#button.setAttribute("aria-expanded", "true");
        try {
            const { Chat } = await preload();
            this.#chat ??= new Chat(this.#panel, this.#root, this.#options());
        } catch {
            this.#panel.textContent = "The chat could not be loaded. Please try again later.";
            this.#panel.className = "unavailable";
            return;
        }
        this.#panel.className = "";
        this.#chat.show(focus);
        remember(true);
        this.dispatchEvent(new CustomEvent("open"));
    }

    /** Puts the chat away; it goes on in the background. */
    close(): void {
        if (this.#panel.hidden) return;
        this.#panel.hidden = true;
        this.#button.setAttribute("aria-expanded", "false");
        this.#chat?.hide();
        remember(false);
        this.#button.focus();
        this.dispatchEvent(new CustomEvent("close"));
    }

    toggle(): Promise<void> {
        if (this.#panel.hidden) return this.open();
        this.close();
        return Promise.resolve();
    }

    #options(): ChatOptions {
        const attribute = (name: string) => this.getAttribute(name) ?? undefined;
        return {
            account: attribute("account") ?? "",
            entryPoint: attribute("entry-point") ?? "",
            relay: new URL(attribute("relay") ?? served, document.baseURI).href,
            name: attribute("name"),
            nextRoot: attribute("next-root"),
            lowestLevel: attribute("lowest-level"),
            lowestPolicy: attribute("lowest-policy"),
            fallbackLink: attribute("fallback-link"),
            servedBy: new URL(served).host,
            pinned: script?.integrity !== undefined && script.integrity !== "",
            identify: this.identify,
            wasm: () => (wasm ??= fetchPinned(WASM_FILE)),
            away: () => this.close(),
            unread: (count) => this.#badge(count),
        };
    }

    #badge(count: number): void {
        if (count === 0) delete this.#button.dataset.unread;
        else this.#button.dataset.unread = String(count);
        this.dispatchEvent(new CustomEvent("unread", { detail: count }));
    }
}

function icon(): SVGElement {
    const namespace = "http://www.w3.org/2000/svg";
    const svg = document.createElementNS(namespace, "svg");
    const path = document.createElementNS(namespace, "path");
    svg.setAttribute("viewBox", "0 0 24 24");
    svg.setAttribute("aria-hidden", "true");
    path.setAttribute("d", "M12 3c5.2 0 9 3.4 9 7.8s-3.8 7.7-9 7.7c-1 0-2-.1-2.9-.4L4.5 20.5l1-3.8C4 15.3 3 13.2 3 10.8 3 6.4 6.800 3 12 3z");
    svg.append(path);
    return svg;
}

function remembered(): boolean {
    try {
        return sessionStorage.getItem(OPEN) !== null;
    } catch {
        return false;
    }
}

function remember(open: boolean): void {
    try {
        if (open) sessionStorage.setItem(OPEN, "");
        else sessionStorage.removeItem(OPEN);
    } catch {
        // Without storage the chat is simply not opened again after a reload.
    }
}

function embed({ dataset }: HTMLScriptElement): void {
    if (dataset.account === undefined || document.querySelector("sottovoce-chat")) return;
    const element = document.createElement("sottovoce-chat");
    for (const [name, value] of Object.entries(dataset)) {
        const attribute = name.replace(/[A-Z]/g, (letter) => `-${letter.toLowerCase()}`);
        element.setAttribute(attribute, value ?? "");
    }
    document.body.append(element);
}

if (!customElements.get("sottovoce-chat")) {
    customElements.define("sottovoce-chat", SottovoceChat);
    if (script && document.body) embed(script);
    else if (script) addEventListener("DOMContentLoaded", () => embed(script), { once: true });
}
