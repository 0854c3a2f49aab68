/** Webhook endpoints: who is told what happens. */

import { html, nothing, type TemplateResult } from "lit-html";
import { repeat } from "lit-html/directives/repeat.js";
import type { Endpoint, EndpointKey, EndpointSettings } from "./api.js";
import { copyField } from "./copy.js";
import { DeliveryLog } from "./deliveries.js";
import { Fetched } from "./fetched.js";
import { type Choice, Form, Forms, Invalid, optionalTextOf, textOf, ticked } from "./form.js";
import type { Scene, Section } from "./settings.js";
import { OVERLAPS } from "./secret.js";
import { date } from "./words.js";

const EVENTS: readonly Choice[] = [
    ["contact.created", "A chat begins"],
    ["contact.claimed", "Somebody takes a chat"],
    ["contact.transferred", "A chat is handed on"],
    ["contact.message", "Somebody wrote: the ciphertext"],
    ["contact.closed", "A chat ends"],
    ["contact.erased", "A chat is erased"],
    ["device.revoked", "A device is revoked"],
];

const DEFAULTS: EndpointSettings = {
    url: "",
    events: ["contact.created", "contact.claimed", "contact.closed"],
    header: "x-sottovoce-hmac-sha1",
    token_use: "text",
    shape: "current",
};

const PAUSES: Readonly<Record<NonNullable<Endpoint["disabled"]>, string>> = {
    "by-account": "Paused. What happens meanwhile waits for it, for 30 days at most.",
    gone: "Stopped: it answered 410, which says that nobody wants these calls. What happens meanwhile waits for it.",
    backlog: "Stopped: more than 100,000 events waited for it. Further ones are dropped until it goes on.",
};

/** What an endpoint shows below itself. */
type Part = "settings" | "keys" | "log";

export class WebhooksSection implements Section {
    readonly #scene: Scene;
    readonly #new: Form;
    readonly #forms: Forms;
    readonly #endpoints: Fetched<Endpoint[]>;
    readonly #logs = new Map<string, DeliveryLog>();
    readonly #open = new Map<string, Part>();
    #keys: { endpoint: string; keys: EndpointKey[] } | undefined;

    constructor(scene: Scene) {
        this.#scene = scene;
        this.#forms = new Forms(scene.refresh);
        this.#new = new Form("webhook", scene.refresh);
        this.#endpoints = new Fetched(() => scene.api.endpoints(), scene.refresh);
        void this.#endpoints.again();
    }

    page(): TemplateResult {
        return html`<p class="explain">
                A webhook is a signed call to a server of yours when something happens. At end-to-end encryption it
                carries ciphertext: the relay cannot read more.
            </p>
            ${this.#endpoints.show(
                (endpoints) => html`${endpoints.length === 0 ? html`<p class="explain">None yet.</p>` : nothing}
                ${repeat(endpoints, ({ id }) => id, (endpoint) => this.#endpoint(endpoint))}`,
            )}
            <form novalidate data-testid="webhook-form" @submit=${this.#new.submit((data) => this.#create(data), true)}>
                <h2>New webhook</h2>
                ${this.#fields(this.#new, DEFAULTS)} ${this.#new.end("Register it")}
            </form>`;
    }

    #fields(form: Form, settings: EndpointSettings): TemplateResult {
        return html`${form.text("url", "Where", settings.url, {
                type: "url",
                maxlength: 2048,
                hint: "https://…; with http:// everybody on the way can read and change the calls.",
            })}
            ${form.checks("events", "What it is told", EVENTS, settings.events)}
            <details>
                <summary>Signature and form</summary>
                ${form.text("header", "Header of the HMAC-SHA1 signature", settings.header)}
                ${form.choice(
                    "token_use",
                    "The secret token is used",
                    [
                        ["text", "as its characters"],
                        ["hex", "as the bytes that they spell"],
                    ],
                    settings.token_use,
                )}
                ${form.choice(
                    "shape",
                    "Form of the calls",
                    [
                        ["current", "the current one"],
                        ["older", "the older one"],
                    ],
                    settings.shape,
                )}
            </details>`;
    }

    async #create(data: FormData): Promise<string> {
        const made = await this.#scene.api.createEndpoint(settingsOf(data));
        await this.#endpoints.again();
        this.#open.set(made.id, "keys");
        void this.#forms.of(`keys-${made.id}`).run(() => this.#showKeys(made.id));
        return `Registered. ${made.insecure ? "Mind that its calls travel in clear. " : ""}Its keys stand above.`;
    }

    #endpoint(endpoint: Endpoint): TemplateResult {
        const { id, url, insecure, disabled, events } = endpoint;
        const form = this.#forms.of(`about-${id}`);
        const titles = EVENTS.filter(([kind]) => events.includes(kind)).map(([, words]) => words);
        return html`<article class="card" data-testid="endpoint" data-endpoint=${id} aria-label="Webhook ${url}">
            <h3 class="address">${url}</h3>
            <p><small>${titles.join(" · ")}</small></p>
            ${insecure ? html`<p class="warning">Its calls travel in clear: only the signature tells whether one was changed.</p>` : nothing}
            ${disabled === null ? nothing : html`<p class="warning" data-testid="endpoint-paused">${PAUSES[disabled]}</p>`}
            <div class="end">
                ${this.#part(id, "log", "Delivery log")} ${this.#part(id, "settings", "Change")} ${this.#part(id, "keys", "Signing keys")}
                <button type="button" class="plain" data-testid="endpoint-pause" @click=${() => void form.run(() => this.#pause(endpoint))}>
                    ${disabled === null ? "Pause" : "Go on"}
                </button>
                <button
                    type="button"
                    class="plain"
                    aria-label="Delete ${url}"
                    data-testid="endpoint-delete"
                    @click=${() => void this.#delete(endpoint)}
                >
                    Delete
                </button>
            </div>
            ${form.outcome()} ${this.#opened(endpoint)}
        </article>`;
    }

    #part(id: string, part: Part, label: string): TemplateResult {
        const open = this.#open.get(id) === part;
        return html`<button
            type="button"
            class="plain"
            aria-expanded=${open}
            data-testid="endpoint-${part}"
            @click=${() => this.#toggle(id, open ? undefined : part)}
        >
            ${label}
        </button>`;
    }

    #toggle(id: string, part: Part | undefined): void {
        this.#keys = undefined;
        if (part === undefined) this.#open.delete(id);
        else this.#open.set(id, part);
        if (part === "log") this.#log(id).again();
        if (part === "keys") void this.#forms.of(`keys-${id}`).run(() => this.#showKeys(id));
        this.#scene.refresh();
    }

    #opened(endpoint: Endpoint): TemplateResult | typeof nothing {
        const { id } = endpoint;
        switch (this.#open.get(id)) {
            case undefined:
                return nothing;
            case "log":
                return this.#log(id).page();
            case "keys":
                return this.#signingKeys(id);
            case "settings": {
                const form = this.#forms.of(`change-${id}`);
                return html`<form novalidate @submit=${form.submit((data) => this.#change(endpoint, data))}>
                    ${this.#fields(form, endpoint)} ${form.end("Save")}
                </form>`;
            }
        }
    }

    #log(id: string): DeliveryLog {
        let log = this.#logs.get(id);
        if (!log) {
            log = new DeliveryLog(this.#scene, id);
            this.#logs.set(id, log);
        }
        return log;
    }

    #signingKeys(id: string): TemplateResult {
        const keys = this.#keys?.endpoint === id ? this.#keys.keys : [];
        const form = this.#forms.of(`keys-${id}`);
        const rotate = async (data: FormData) => {
            const found = await this.#scene.api.rotateEndpointKeys(id, Number(data.get("overlap")));
            this.#keys = { endpoint: id, keys: found };
            return "There are new keys.";
        };
        return html`<form novalidate @submit=${form.submit(rotate)}>
            <p class="explain">A receiver needs one of both to check calls in the manner of Standard Webhooks.</p>
            ${keys.map(
                ({ secret, public_key: open, until }, index) => html`${copyField(`secret-${id}-${index}`, "Secret (HMAC-SHA256)", secret)}
                    ${copyField(`open-${id}-${index}`, "Public key (Ed25519)", open)}
                    ${until === null ? nothing : html`<p class="hint">They sign until ${date(until)}.</p>`}`,
            )}
            ${form.choice("overlap", "After a change, those before sign", OVERLAPS, "86400")} ${form.end("Change the keys")}
        </form>`;
    }

    async #showKeys(id: string): Promise<undefined> {
        this.#keys = { endpoint: id, keys: await this.#scene.api.endpointKeys(id) };
    }

    async #change(endpoint: Endpoint, data: FormData): Promise<string> {
        await this.#scene.api.changeEndpoint(endpoint.id, settingsOf(data), endpoint.disabled === null);
        await this.#endpoints.again();
        return "Saved.";
    }

    async #pause(endpoint: Endpoint): Promise<string> {
        const { url, events, header, token_use, shape } = endpoint;
        const goesOn = endpoint.disabled !== null;
        await this.#scene.api.changeEndpoint(endpoint.id, { url, events, header, token_use, shape }, goesOn);
        await this.#endpoints.again();
        return goesOn ? "It is called again, first with what waits." : "It is not called any more.";
    }

    async #delete({ id, url }: Endpoint): Promise<void> {
        const words = "It is called no more, and its delivery log is deleted with what waits for it. That cannot be undone.";
        if (!(await this.#scene.question.ask(`Delete ${url}?`, words, "Delete it"))) return;
        await this.#forms.of(`about-${id}`).run(async () => {
            await this.#scene.api.deleteEndpoint(id);
            await this.#endpoints.again();
            this.#new.say(true, `${url} is deleted.`);
            return undefined;
        });
    }
}

function settingsOf(data: FormData): EndpointSettings {
    const url = textOf(data, "url", "It needs an address.");
    if (!/^https?:\/\//.test(url) || !URL.canParse(url)) throw new Invalid("url", "It must be an address that begins with https:// or http://.");
    const events = ticked(data, "events");
    if (events.length === 0) throw new Invalid("events", "Choose what it is told.");
    const header = optionalTextOf(data, "header");
    return {
        url,
        events,
        header: header === "" ? DEFAULTS.header : header,
        token_use: data.get("token_use") === "hex" ? "hex" : "text",
        shape: data.get("shape") === "older" ? "older" : "current",
    };
}
