/** Asks before something is done that cannot be undone. */

import { html, type TemplateResult } from "lit-html";
import { ref } from "lit-html/directives/ref.js";
import { closeAround, showModal } from "../sheet.js";

interface Asked {
    title: string;
    words: TemplateResult | string;
    /** What the button says that goes on. */
    yes: string;
    resolve: (goesOn: boolean) => void;
}

export class Question {
    readonly #refresh: () => void;
    #asked: Asked | undefined;

    constructor(refresh: () => void) {
        this.#refresh = refresh;
    }

    /** Whether the person wants to go on. The browser gives the focus back afterwards. */
    ask(title: string, words: TemplateResult | string, yes: string): Promise<boolean> {
        this.cancel();
        return new Promise((resolve) => {
            this.#asked = { title, words, yes, resolve };
            this.#refresh();
        });
    }

    cancel(): void {
        this.#answer(false);
    }

    dialog(): TemplateResult {
        const asked = this.#asked;
        return asked === undefined
            ? html``
            : html`<dialog
                  class="question"
                  aria-labelledby="question-title"
                  aria-describedby="question-words"
                  data-testid="question"
                  ${ref(showModal)}
                  @close=${() => this.#answer(false)}
              >
                  <h2 id="question-title">${asked.title}</h2>
                  <div id="question-words">${asked.words}</div>
                  <div class="end">
                      <button type="button" class="plain" autofocus data-testid="question-no" @click=${closeAround}>Leave it as it is</button>
                      <button
                          type="button"
                          class="danger"
                          data-testid="question-yes"
                          @click=${(event: MouseEvent) => {
                              // What was asked is answered before the dialog's end answers it.
                              const { resolve } = asked;
                              this.#asked = undefined;
                              closeAround(event);
                              resolve(true);
                              this.#refresh();
                          }}
                      >
                          ${asked.yes}
                      </button>
                  </div>
              </dialog>`;
    }

    #answer(goesOn: boolean): void {
        const asked = this.#asked;
        this.#asked = undefined;
        if (!asked) return;
        asked.resolve(goesOn);
        this.#refresh();
    }
}
