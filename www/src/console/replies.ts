/** The sheet in which a team's replies are written, changed and removed. */

import { html, nothing, type TemplateResult } from "lit-html";
import { repeat } from "lit-html/directives/repeat.js";
import type { Desk } from "./desk.js";
import { ownNotebooks } from "./notebook.js";
import { titledSheet } from "./sheet.js";

const SHORTCUT = "[a-z0-9\\-]{1,32}";
/** In bytes of UTF-8. */
const LONGEST = 4096;

interface Draft {
    team: string;
    /** The one that is changed; none for a new one. */
    before: string | undefined;
    shortcut: string;
    text: string;
}

export class Replies {
    readonly #desk: Desk;
    #draft: Draft | undefined;
    #wrong: string | undefined;

    constructor(desk: Desk) {
        this.#desk = desk;
    }

    dialog(): TemplateResult {
        return titledSheet(
            "replies",
            "Replies",
            () => this.#desk.loaded.closeSheet(),
            html`<p class="explain">
                    Where you write an answer, “/” and a few letters bring them. They are encrypted to your team: servers cannot read
                    them. <code>{{name}}</code>, <code>{{agent}}</code> and <code>{{business}}</code> are filled in here.
                </p>
                ${this.#failure()} ${this.#draft === undefined ? this.#teams() : this.#form(this.#draft)}`,
        );
    }

    /** What could not be kept: behind the sheet nobody would see it. */
    #failure(): TemplateResult | typeof nothing {
        const notice = this.#desk.notices.get("");
        return notice === undefined ? nothing : html`<p class="warning" role="alert" data-testid="replies-failure">${notice}</p>`;
    }

    #teams(): TemplateResult {
        const { state } = this.#desk.device;
        const teams = state.account?.ownTeams ?? [];
        const notebooks = ownNotebooks(state);
        const several = teams.length > 1;
        return html`${teams.map((team) => {
            const replies = notebooks.find((one) => one.team === team)?.replies ?? [];
            const name = state.account?.teams.find(({ id }) => id === team)?.name ?? team;
            return html`<section aria-label="Replies of ${name}">
                ${several ? html`<h3>${name}</h3>` : nothing}
                <ul>
                    ${repeat(
                        [...replies].sort((a, b) => a.shortcut.localeCompare(b.shortcut)),
                        ({ shortcut }) => shortcut,
                        ({ shortcut, text }) => html`<li data-testid="kept-reply">
                            <code>/${shortcut}</code>
                            <span dir="auto">${text}</span>
                            <button
                                type="button"
                                class="quiet"
                                aria-label="Change /${shortcut}"
                                @click=${() => this.#edit({ team, before: shortcut, shortcut, text })}
                            >
                                Change
                            </button>
                            <button type="button" class="quiet" aria-label="Remove /${shortcut}" @click=${() => this.#keep(team, shortcut, "")}>
                                Remove
                            </button>
                        </li>`,
                    )}
                </ul>
                ${replies.length === 0 ? html`<p class="explain">${several ? `${name} has` : "Your team has"} none yet.</p>` : nothing}
                <button
                    type="button"
                    class="primary"
                    data-testid="reply-new"
                    @click=${() => this.#edit({ team, before: undefined, shortcut: "", text: "" })}
                >
                    Write a reply
                </button>
            </section>`;
        })}${teams.length === 0 ? html`<p class="explain">You are in no team, which could keep replies.</p>` : nothing}`;
    }

    #form(draft: Draft): TemplateResult {
        return html`<form class="handing" data-testid="reply-form" @submit=${(event: SubmitEvent) => this.#submit(event, draft)}>
            <label
                >Shortcut
                <input
                    name="shortcut"
                    required
                    pattern=${SHORTCUT}
                    title="Up to 32 small letters, digits and -"
                    autocomplete="off"
                    spellcheck="false"
                    data-testid="reply-shortcut"
                    .value=${draft.shortcut}
                />
            </label>
            <label
                >Text
                <textarea name="text" required rows="6" dir="auto" data-testid="reply-text" .value=${draft.text}></textarea>
            </label>
            ${this.#wrong === undefined ? nothing : html`<p role="alert">${this.#wrong}</p>`}
            <div class="end">
                <button class="primary" data-testid="reply-keep">Keep it</button>
                <button type="button" class="quiet" @click=${() => this.#edit(undefined)}>Cancel</button>
            </div>
        </form>`;
    }

    #edit(draft: Draft | undefined): void {
        this.#draft = draft;
        this.#wrong = undefined;
        this.#desk.refresh();
        const field = draft === undefined ? "reply-new" : draft.before === undefined ? "reply-shortcut" : "reply-text";
        setTimeout(() => document.querySelector<HTMLElement>(`[data-testid=${field}]`)?.focus());
    }

    #submit(event: SubmitEvent, { team, before }: Draft): void {
        event.preventDefault();
        const form = new FormData(event.target as HTMLFormElement);
        const shortcut = String(form.get("shortcut") ?? "").trim();
        const text = String(form.get("text") ?? "").trim();
        if (text === "") return;
        if (new TextEncoder().encode(text).length > LONGEST) {
            this.#wrong = "It is too long.";
            this.#desk.refresh();
            return;
        }
        if (before !== undefined && before !== shortcut) this.#keep(team, before, "");
        this.#keep(team, shortcut, text);
        this.#edit(undefined);
    }

    /** No text takes a reply away. */
    #keep(team: string, shortcut: string, text: string): void {
        this.#desk.notices.delete("");
        this.#desk.command({ type: "keepReply", team, shortcut, text });
    }
}
