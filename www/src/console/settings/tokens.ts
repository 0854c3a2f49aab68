/** API tokens: what programs need to use the relay's REST API. */

import { html, nothing, type TemplateResult } from "lit-html";
import { repeat } from "lit-html/directives/repeat.js";
import { OWN_TOKEN, type IssuedToken, type TokenView } from "./api.js";
import { copyField } from "./copy.js";
import { Fetched } from "./fetched.js";
import { type Choice, Form, Invalid, keepFocus, textOf, ticked } from "./form.js";
import type { Scene, Section } from "./settings.js";
import { date } from "./words.js";

const SCOPES: readonly Choice[] = [
    ["account:read", "Read the account’s rules, devices, team keys"],
    ["account:write", "Publish objects that administrators signed"],
    ["bans:lift", "Lift bans"],
    ["bans:read", "List bans"],
    ["contacts:erase", "Erase chats"],
    ["contacts:read", "List chats, fetch their ciphertext"],
    ["secrets:read", "See the secret token and webhooks’ keys"],
    ["secrets:rotate", "Replace the secret token and webhooks’ keys"],
    ["tokens:read", "List API tokens"],
    ["tokens:revoke", "Revoke API tokens"],
    ["usage:read", "Read usage by day"],
    ["webhooks:read", "List webhooks and deliveries"],
    ["webhooks:write", "Make, change and delete webhooks, send again"],
];

const LIVES: readonly Choice[] = [
    ["1", "A day"],
    ["7", "A week"],
    ["30", "30 days"],
    ["90", "90 days"],
    ["365", "A year"],
];
const DAY = 24 * 60 * 60 * 1000;
/** The relay's clock may be behind. */
const MARGIN = 600_000;

export class TokensSection implements Section {
    readonly #scene: Scene;
    readonly #new: Form;
    readonly #known: Form;
    readonly #tokens: Fetched<TokenView[]>;
    /** What was made just now: shown this once. */
    #issued: IssuedToken | undefined;

    constructor(scene: Scene) {
        this.#scene = scene;
        this.#new = new Form("token", scene.refresh);
        this.#known = new Form("tokens", scene.refresh);
        this.#tokens = new Fetched(() => scene.api.tokens(), scene.refresh);
        void this.#tokens.again();
    }

    page(): TemplateResult {
        return html`<p class="explain">
                A program shows its token with each request. This browser’s device signs for it, the relay shows it once
                and keeps only its hash. It ends with its time, when it is revoked, or when you are no administrator any
                more.
            </p>
            ${this.#issued === undefined ? this.#making() : this.#shownOnce(this.#issued)}
            <section aria-labelledby="tokens-title">
                <h2 id="tokens-title">Tokens</h2>
                ${this.#known.outcome()} ${this.#tokens.show((tokens) => this.#list(tokens))}
            </section>`;
    }

    #making(): TemplateResult {
        return html`<form novalidate data-testid="token-form" @submit=${this.#new.submit((data) => this.#make(data))}>
            <h2>New token</h2>
            ${this.#new.text("name", "Name", "", { hint: "What it is for, such as monthly reports." })}
            ${this.#new.checks("scopes", "What it may do", SCOPES, [])}
            ${this.#new.choice("life", "Good for", LIVES, "30")} ${this.#new.end("Make it")}
        </form>`;
    }

    async #make(data: FormData): Promise<string | undefined> {
        const name = textOf(data, "name", "It needs a name.");
        const scopes = ticked(data, "scopes");
        if (scopes.length === 0) throw new Invalid("scopes", "Choose what it may do.");
        const expires = Date.now() + Number(data.get("life")) * DAY - MARGIN;
        this.#issued = await this.#scene.api.createToken(name, scopes, expires);
        void this.#tokens.again();
        setTimeout(() => document.getElementById("new-token")?.focus());
        return undefined;
    }

    #shownOnce({ token, name, expires }: IssuedToken): TemplateResult {
        const hide = () => {
            this.#issued = undefined;
            this.#scene.refresh();
            setTimeout(keepFocus);
        };
        return html`<section class="card once" role="group" aria-label="The new token">
            <h2>${name}</h2>
            <p><strong>Keep it like a password: it is not shown again.</strong> It is good until ${date(expires)}.</p>
            ${copyField("new-token", "New token", token)}
            <button type="button" class="plain" data-testid="token-hide" @click=${hide}>Hide it</button>
        </section>`;
    }

    #list(tokens: TokenView[]): TemplateResult {
        const good = tokens.filter(isGood);
        const ended = tokens.filter((token) => !isGood(token));
        return html`${good.length === 0 ? html`<p class="explain">None.</p>` : nothing}
            <ul class="cards" data-testid="tokens">
                ${repeat(good, ({ id }) => id, (token) => this.#token(token))}
            </ul>
            ${ended.length === 0
                ? nothing
                : html`<details>
                      <summary>Ended in the last 30 days (${ended.length})</summary>
                      <ul class="cards" data-testid="tokens-ended">
                          ${repeat(ended, ({ id }) => id, (token) => this.#token(token))}
                      </ul>
                  </details>`}`;
    }

    #token(token: TokenView): TemplateResult {
        const { id, name, scopes, expires, revoked } = token;
        const state = revoked === undefined ? `${isGood(token) ? "Until" : "Ended"} ${date(expires)}` : `Revoked ${date(revoked)}`;
        const console = name.startsWith(OWN_TOKEN) ? " A console has it while its settings are open." : "";
        return html`<li class="card" data-testid="token" data-token=${id}>
            <div>
                <strong>${name}</strong>
                <p><small>${state}.${console} ${scopes.join(", ")}</small></p>
            </div>
            ${isGood(token)
                ? html`<button
                      type="button"
                      class="plain"
                      aria-label="Revoke ${name}"
                      data-testid="token-revoke"
                      @click=${() => void this.#revoke(token)}
                  >
                      Revoke
                  </button>`
                : nothing}
        </li>`;
    }

    async #revoke({ id, name }: TokenView): Promise<void> {
        const words = "Programs that use it are refused at once. It does not come back.";
        if (!(await this.#scene.question.ask(`Revoke ${name}?`, words, "Revoke it"))) return;
        await this.#known.run(async () => {
            await this.#scene.api.revokeToken(id);
            await this.#tokens.again();
            return `${name} is revoked.`;
        });
    }
}

function isGood({ revoked, expires }: TokenView): boolean {
    return revoked === undefined && expires > Date.now();
}
