/** The account's secret token, which signs webhooks with HMAC-SHA1. */

import { html, nothing, type TemplateResult } from "lit-html";
import type { SecretToken } from "./api.js";
import { copyField } from "./copy.js";
import { type Choice, Form, keepFocus } from "./form.js";
import type { Scene, Section } from "./settings.js";
import { date } from "./words.js";

/** For how many seconds what is replaced stays valid. */
export const OVERLAPS: readonly Choice[] = [
    ["0", "Not at all: it ends at once"],
    ["3600", "An hour"],
    ["86400", "A day"],
    ["604800", "A week"],
    ["2592000", "30 days"],
];

export class SecretSection implements Section {
    readonly #scene: Scene;
    readonly #showing: Form;
    readonly #rotating: Form;
    /** Only while the person wants to see them. */
    #shown: SecretToken[] | undefined;

    constructor(scene: Scene) {
        this.#scene = scene;
        this.#showing = new Form("secret", scene.refresh);
        this.#rotating = new Form("rotation", scene.refresh);
    }

    page(): TemplateResult {
        const shown = this.#shown;
        return html`<p class="explain">
                Every webhook is signed with HMAC-SHA1 under this token, so that its receiver knows who sent it. It does
                nothing else: nobody can read a chat or change a setting with it.
            </p>
            ${shown === undefined
                ? html`<button
                      type="button"
                      class="plain"
                      aria-disabled=${this.#showing.busy}
                      data-testid="secret-show"
                      @click=${() => void this.#showing.run(() => this.#show())}
                  >
                      Show the secret token
                  </button>`
                : html`<section aria-label="Secret tokens">
                      ${shown.map(
                          ({ token, until }, index) => html`${copyField(
                                  `secret-token-${index}`,
                                  index === 0 ? "Secret token" : "The one before",
                                  token,
                              )}
                              ${until === null
                                  ? nothing
                                  : html`<p class="hint" data-testid="secret-until">
                                        Valid until ${date(until)}: it signs in the header that ends in “-previous”.
                                    </p>`}`,
                      )}
                      <button type="button" class="plain" data-testid="secret-hide" @click=${() => this.#hide()}>Hide</button>
                  </section>`}
            ${this.#showing.outcome()}
            <form novalidate data-testid="rotation-form" @submit=${this.#rotating.submit((data) => this.#rotate(data))}>
                <h2>Replace it</h2>
                <p class="explain">
                    The new one signs at once. For as long as the one before stays valid, each call carries a second
                    signature under it, so that receivers can change over meanwhile; another replacement has to wait for
                    its end.
                </p>
                ${this.#rotating.choice("overlap", "The one before stays valid", OVERLAPS, "86400")}
                ${this.#rotating.end("Replace the secret token")}
            </form>`;
    }

    async #show(): Promise<undefined> {
        this.#shown = await this.#scene.api.secretTokens();
        setTimeout(() => document.getElementById("secret-token-0")?.focus());
    }

    #hide(): void {
        this.#shown = undefined;
        this.#scene.refresh();
        setTimeout(keepFocus);
    }

    async #rotate(data: FormData): Promise<string> {
        const overlap = Number(data.get("overlap"));
        if (overlap === 0) {
            const words = "Receivers refuse every webhook until they have the new token. The one before does not come back.";
            if (!(await this.#scene.question.ask("End the token at once?", words, "Replace it"))) return "Nothing was changed.";
        }
        this.#shown = await this.#scene.api.rotateSecretToken(overlap);
        return overlap === 0
            ? "There is a new secret token, and no other is valid."
            : "There is a new secret token. Give it to your receivers before the one before ends.";
    }
}
