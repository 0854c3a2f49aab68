/** Forms that say next to a field what is wrong with it, and at their end what came of them. */

import { html, nothing, type TemplateResult } from "lit-html";
import { Refusal } from "./administration.js";

/** A field's value is not usable. Its message is for people. */
export class Invalid extends Error {
    constructor(
        readonly field: string,
        message: string,
    ) {
        super(message);
    }
}

type Content = TemplateResult | typeof nothing | string;

/** One form: what is wrong, whether it is being sent, what came of it. */
export class Form {
    readonly #errors = new Map<string, string>();
    readonly #refresh: () => void;
    #busy = false;
    #said: { good: boolean; words: string } | undefined;

    /** The id begins the ids of its fields, which must be alone on the page. */
    constructor(
        readonly id: string,
        refresh: () => void,
    ) {
        this.#refresh = refresh;
    }

    get busy(): boolean {
        return this.#busy;
    }

    /** Says something that did not come from the form itself. */
    say(good: boolean, words: string): void {
        this.#said = { good, words };
        this.#refresh();
    }

    /** Forgets what was wrong and what was said. */
    clear(): void {
        this.#errors.clear();
        this.#said = undefined;
        this.#refresh();
    }

    /**
     * Does something, and says what came of it: the answer, or what is wrong, next to its field if that
     * is one of the form's. Nothing is done twice at the same time.
     */
    async run(work: () => Promise<string | undefined> | string | undefined, form?: HTMLFormElement): Promise<boolean> {
        if (this.#busy) return false;
        this.#busy = true;
        this.#errors.clear();
        this.#said = undefined;
        this.#refresh();
        let good = true;
        try {
            const words = await work();
            if (words !== undefined) this.#said = { good, words };
        } catch (error) {
            good = false;
            this.#fault(error, form);
        }
        this.#busy = false;
        this.#refresh();
        setTimeout(() => {
            if (!good) form?.querySelector<HTMLElement>('[aria-invalid="true"]')?.focus();
            keepFocus();
        });
        return good;
    }

    #fault(error: unknown, form: HTMLFormElement | undefined): void {
        const field = error instanceof Invalid || error instanceof Refusal ? error.field : undefined;
        const words = error instanceof Error ? error.message : "That did not work.";
        if (!(error instanceof Invalid) && !(error instanceof Refusal)) console.error("sottovoce:", error);
        if (field !== undefined && form?.elements.namedItem(field)) this.#errors.set(field, words);
        else this.#said = { good: false, words: field === undefined ? words : `${field}: ${words}` };
    }

    /** Handles `submit`: calls with the form's data. Afterwards a form for something new is empty again. */
    submit(work: (data: FormData) => Promise<string | undefined> | string | undefined, isForNew = false) {
        return (event: SubmitEvent): void => {
            event.preventDefault();
            const form = event.target as HTMLFormElement;
            void this.run(() => work(new FormData(form)), form).then((good) => {
                if (good && isForNew) form.reset();
            });
        };
    }

    /** A line of text, a number or an address. */
    text(name: string, label: string, value: string, options: TextOptions = {}): TemplateResult {
        const { type = "text", hint, maxlength = 128, min, max, unit } = options;
        const input = html`<input
            id=${this.#at(name)}
            name=${name}
            type=${type}
            inputmode=${type === "number" ? "numeric" : nothing}
            min=${min ?? nothing}
            max=${max ?? nothing}
            maxlength=${type === "number" ? nothing : maxlength}
            autocomplete="off"
            spellcheck="false"
            value=${value}
            aria-invalid=${this.#errors.has(name)}
            aria-describedby=${this.#described(name, hint)}
            data-testid=${this.#at(name)}
        />`;
        return html`<div class="field">
            <label for=${this.#at(name)}>${label}</label>
            ${unit === undefined ? input : html`<div class="unit">${input}<span>${unit}</span></div>`}
            ${this.#remarks(name, hint)}
        </div>`;
    }

    /** One of several, in a menu. */
    choice(name: string, label: string, choices: readonly Choice[], chosen: string, options: ChoiceOptions = {}): TemplateResult {
        return html`<div class="field">
            <label for=${this.#at(name)}>${label}</label>
            <select
                id=${this.#at(name)}
                name=${name}
                aria-invalid=${this.#errors.has(name)}
                aria-describedby=${this.#described(name, options.hint)}
                data-testid=${this.#at(name)}
                @change=${options.change ?? nothing}
            >
                ${choices.map(
                    ([value, words]) => html`<option value=${value} ?selected=${value === chosen}>${words}</option>`,
                )}
            </select>
            ${this.#remarks(name, options.hint)}
        </div>`;
    }

    /** One of several that need a sentence each. */
    radios(name: string, label: string, choices: readonly Radio[], chosen: string): TemplateResult {
        return html`<fieldset class="field" aria-describedby=${this.#described(name, undefined)}>
            <legend>${label}</legend>
            ${choices.map(({ value, title, words, unavailable }) => {
                const id = this.#at(`${name}-${value}`);
                return html`<div class="choice">
                    <input
                        type="radio"
                        id=${id}
                        name=${name}
                        value=${value}
                        ?checked=${value === chosen}
                        ?disabled=${unavailable !== undefined}
                        aria-describedby="${id}-words"
                        data-testid=${id}
                    />
                    <label for=${id}>${title}</label>
                    <p id="${id}-words">${words}${unavailable === undefined ? "" : ` ${unavailable}`}</p>
                </div>`;
            })}
            ${this.#remarks(name, undefined)}
        </fieldset>`;
    }

    /** Any of several. */
    checks(name: string, label: string, choices: readonly Choice[], chosen: readonly string[], hint?: string): TemplateResult {
        return html`<fieldset class="field" aria-describedby=${this.#described(name, hint)}>
            <legend>${label}</legend>
            ${choices.length === 0 ? html`<p>None yet.</p>` : nothing}
            ${choices.map(([value, words]) => {
                const id = this.#at(`${name}-${value}`);
                return html`<div class="choice">
                    <input
                        type="checkbox"
                        id=${id}
                        name=${name}
                        value=${value}
                        ?checked=${chosen.includes(value)}
                        aria-invalid=${this.#errors.has(name)}
                        data-testid=${id}
                    />
                    <label for=${id}>${words}</label>
                </div>`;
            })}
            ${this.#remarks(name, hint)}
        </fieldset>`;
    }

    /** Yes or no. */
    check(name: string, label: string, checked: boolean, hint?: string, disabled = false): TemplateResult {
        return html`<div class="field choice">
            <input
                type="checkbox"
                id=${this.#at(name)}
                name=${name}
                value="yes"
                ?checked=${checked}
                ?disabled=${disabled}
                aria-invalid=${this.#errors.has(name)}
                aria-describedby=${this.#described(name, hint)}
                data-testid=${this.#at(name)}
            />
            <label for=${this.#at(name)}>${label}</label>
            ${this.#remarks(name, hint)}
        </div>`;
    }

    /** The button that sends the form, and what came of it. */
    end(label: string, ...more: Content[]): TemplateResult {
        return html`<div class="end">
                <button class="primary" aria-disabled=${this.#busy} data-testid="${this.id}-send">${label}</button>
                ${more}
            </div>
            ${this.outcome()}`;
    }

    /** What came of it; the place is always there, so that screen readers notice a change. */
    outcome(): TemplateResult {
        const words = this.#busy ? "One moment …" : this.#said?.good ? this.#said.words : "";
        return html`<p class="done" role="status" data-testid="${this.id}-done">${words}</p>
            ${this.#said && !this.#said.good
                ? html`<p class="wrong" role="alert" data-testid="${this.id}-wrong">${this.#said.words}</p>`
                : nothing}`;
    }

    #at(name: string): string {
        return `${this.id}-${name}`;
    }

    #described(name: string, hint: string | undefined): string | typeof nothing {
        const ids = [];
        if (this.#errors.has(name)) ids.push(`${this.#at(name)}-wrong`);
        if (hint !== undefined) ids.push(`${this.#at(name)}-hint`);
        return ids.length === 0 ? nothing : ids.join(" ");
    }

    #remarks(name: string, hint: string | undefined): TemplateResult {
        const error = this.#errors.get(name);
        return html`${error === undefined
            ? nothing
            : html`<p class="wrong" role="alert" id="${this.#at(name)}-wrong" data-testid="${this.#at(name)}-wrong">
                  ${error}
              </p>`}
        ${hint === undefined ? nothing : html`<p class="hint" id="${this.#at(name)}-hint">${hint}</p>`}`;
    }
}

/** What had the focus may be gone, such as a revoked device's button: the keyboard goes on from the heading. */
export function keepFocus(): void {
    if (document.activeElement !== document.body) return;
    document.getElementById("settings-title")?.focus({ preventScroll: true });
}

/** A value and its words. */
export type Choice = readonly [string, string];

export interface Radio {
    value: string;
    title: string;
    words: string;
    /** Why it cannot be chosen. */
    unavailable: string | undefined;
}

interface TextOptions {
    type?: "text" | "number" | "url";
    hint?: string;
    maxlength?: number;
    min?: number;
    max?: number;
    unit?: string;
}

interface ChoiceOptions {
    hint?: string;
    change?: (event: Event) => void;
}

/** A text of a form, without the spaces around it; refused if it is empty. */
export function textOf(data: FormData, name: string, missing: string): string {
    const text = optionalTextOf(data, name);
    if (text === "") throw new Invalid(name, missing);
    return text;
}

/** The same where nothing may stand. */
export function optionalTextOf(data: FormData, name: string): string {
    const value = data.get(name);
    return typeof value === "string" ? value.trim() : "";
}

/** A whole number of a form between two. */
export function numberOf(data: FormData, name: string, least: number, most: number): number {
    const text = optionalTextOf(data, name);
    const value = Number(text);
    if (!/^\d{1,15}$/.test(text) || value < least || value > most) {
        const range = most === Number.MAX_SAFE_INTEGER ? `from ${least} on` : `from ${least} to ${most}`;
        throw new Invalid(name, `It must be a whole number ${range}.`);
    }
    return value;
}

/** Ids of teams and entry points stand in settings, where these characters mean something. */
export function idOf(data: FormData, name: string): string {
    const id = textOf(data, name, "It needs an id, such as sales.");
    if (/[.=,\s]/.test(id)) throw new Invalid(name, "An id has no spaces, dots, commas or equals signs.");
    return id;
}

/** What was ticked. */
export function ticked(data: FormData, name: string): string[] {
    return data.getAll(name).filter((value): value is string => typeof value === "string");
}

/** Forms by id, each made when it is first asked for. */
export class Forms {
    readonly #made = new Map<string, Form>();
    readonly #refresh: () => void;

    constructor(refresh: () => void) {
        this.#refresh = refresh;
    }

    of(id: string): Form {
        let form = this.#made.get(id);
        if (!form) {
            form = new Form(id, this.#refresh);
            this.#made.set(id, form);
        }
        return form;
    }

    /** The next one of this id begins anew. */
    forget(id: string): void {
        this.#made.delete(id);
    }
}
