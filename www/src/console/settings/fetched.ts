/** Something that is fetched when a section opens, and again after each change. */

import { html, type TemplateResult } from "lit-html";

export class Fetched<T> {
    readonly #fetch: () => Promise<T>;
    readonly #refresh: () => void;
    #value: T | undefined;
    #failure: string | undefined;

    constructor(fetch: () => Promise<T>, refresh: () => void) {
        this.#fetch = fetch;
        this.#refresh = refresh;
    }

    get value(): T | undefined {
        return this.#value;
    }

    set(value: T): void {
        this.#value = value;
        this.#failure = undefined;
        this.#refresh();
    }

    /** What was shown stays until the new one is there. */
    async again(): Promise<void> {
        try {
            this.set(await this.#fetch());
        } catch (error) {
            this.#failure = error instanceof Error ? error.message : "That did not work.";
            this.#refresh();
        }
    }

    /** The value, or why there is none, with a way to try again. */
    show(page: (value: T) => TemplateResult): TemplateResult {
        const failed =
            this.#failure === undefined
                ? html``
                : html`<p class="wrong" role="alert" data-testid="fetch-failed">
                      ${this.#failure}
                      <button type="button" class="link" @click=${() => void this.again()}>Try again</button>
                  </p>`;
        if (this.#value === undefined) return this.#failure === undefined ? html`<p role="status">One moment …</p>` : failed;
        return html`${failed}${page(this.#value)}`;
    }
}
