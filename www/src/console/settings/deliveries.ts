/** What became of a webhook's calls, with reasons, and sending again. */

import { html, nothing, type TemplateResult } from "lit-html";
import { repeat } from "lit-html/directives/repeat.js";
import type { Attempt, Delivery, DeliveryPage } from "./api.js";
import { Fetched } from "./fetched.js";
import { Form } from "./form.js";
import type { Scene } from "./settings.js";
import { count, date } from "./words.js";

export class DeliveryLog {
    readonly #scene: Scene;
    readonly #endpoint: string;
    readonly #form: Form;
    readonly #page: Fetched<DeliveryPage>;
    readonly #attempts = new Map<string, Attempt[]>();
    #state = "";

    constructor(scene: Scene, endpoint: string) {
        this.#scene = scene;
        this.#endpoint = endpoint;
        this.#form = new Form(`log-${endpoint}`, scene.refresh);
        this.#page = new Fetched(() => scene.api.deliveries(endpoint, this.#state, undefined), scene.refresh);
    }

    again(): void {
        this.#attempts.clear();
        void this.#page.again();
    }

    page(): TemplateResult {
        const choose = (event: Event) => {
            this.#state = (event.target as HTMLSelectElement).value;
            this.again();
        };
        return html`<section aria-label="Delivery log" data-testid="log-of-webhook">
            ${this.#form.choice(
                "state",
                "Show",
                [
                    ["", "All"],
                    ["failed", "Failed"],
                    ["pending", "Waiting"],
                    ["delivered", "Delivered"],
                ],
                this.#state,
                { change: choose },
            )}
            <div class="end">
                <button type="button" class="plain" data-testid="log-again" @click=${() => this.again()}>Look again</button>
                <button type="button" class="plain" @click=${() => void this.#form.run(() => this.#replayFailed())}>
                    Send all failed ones again
                </button>
            </div>
            ${this.#form.outcome()}
            ${this.#page.show(
                ({ deliveries, next }) => html`${deliveries.length === 0 ? html`<p class="explain">Nothing here.</p>` : nothing}
                    <ol class="cards" data-testid="deliveries">
                        ${repeat(deliveries, ({ id }) => id, (delivery) => this.#delivery(delivery))}
                    </ol>
                    ${next === null
                        ? nothing
                        : html`<button type="button" class="plain" @click=${() => void this.#form.run(() => this.#older(next))}>
                              Older ones
                          </button>`}`,
            )}
        </section>`;
    }

    #delivery(delivery: Delivery): TemplateResult {
        const { id, kind, state, attempts, created, contact } = delivery;
        const tries = this.#attempts.get(id);
        return html`<li class="card" data-testid="delivery" data-state=${state} data-kind=${kind}>
            <div>
                <strong>${kind}</strong> <span class="state-${state}">${STATES[state]}</span>
                <p>
                    <small>
                        ${date(created)}, ${count(attempts, "attempt")}${contact === null ? nothing : html`, chat <code>${contact}</code>`}
                    </small>
                </p>
                ${tries === undefined
                    ? nothing
                    : html`<ol class="tries" data-testid="tries">
                          ${tries.map((attempt) => html`<li>${tried(attempt)}</li>`)}
                      </ol>`}
            </div>
            <div class="end">
                <button
                    type="button"
                    class="plain"
                    aria-expanded=${tries !== undefined}
                    data-testid="delivery-tries"
                    @click=${() => void this.#form.run(() => this.#toggle(id))}
                >
                    Attempts
                </button>
                ${state === "pending"
                    ? nothing
                    : html`<button
                          type="button"
                          class="plain"
                          data-testid="delivery-replay"
                          @click=${() => void this.#form.run(() => this.#replay(id))}
                      >
                          Send again
                      </button>`}
            </div>
        </li>`;
    }

    async #toggle(id: string): Promise<undefined> {
        if (!this.#attempts.delete(id)) this.#attempts.set(id, await this.#scene.api.attempts(id));
    }

    async #replay(id: string): Promise<string> {
        await this.#scene.api.replay(id);
        this.again();
        return "It is sent again.";
    }

    async #replayFailed(): Promise<string> {
        const replayed = await this.#scene.api.replayFailed(this.#endpoint);
        this.again();
        return replayed === 0 ? "None has failed." : `${count(replayed, "delivery", "deliveries")} ${replayed === 1 ? "is" : "are"} sent again, in order.`;
    }

    async #older(cursor: string): Promise<undefined> {
        const known = this.#page.value?.deliveries ?? [];
        const { deliveries, next } = await this.#scene.api.deliveries(this.#endpoint, this.#state, cursor);
        this.#page.set({ deliveries: [...known, ...deliveries], next });
    }
}

const STATES: Readonly<Record<Delivery["state"], string>> = {
    pending: "waits",
    delivered: "delivered",
    failed: "failed",
};

const REASONS: Readonly<Record<string, string>> = {
    "url-refused": "the relay’s operator does not allow this address any more",
    unresolvable: "its name has no address",
    "address-refused": "its address is inside a private network, which the relay’s operator does not allow",
    "connect-failed": "nobody answers there",
    "connect-timeout": "no connection in time",
    "certificate-expired": "its certificate has expired",
    "certificate-not-yet-valid": "its certificate is not valid yet",
    "certificate-wrong-name": "its certificate is for another name",
    "certificate-untrusted": "its certificate is from nobody who is trusted",
    "certificate-self-signed": "its certificate is signed by itself",
    "certificate-invalid": "its certificate is not valid",
    "tls-failed": "no encrypted connection came about",
    "answer-timeout": "no answer within 20 seconds",
    "connection-lost": "the connection ended before an answer",
    "answer-malformed": "what it answered is not HTTP",
    redirect: "it answered with a redirect, which is never followed",
    gone: "it answered 410: nobody wants these calls",
    status: "it answered with a failure",
    unsendable: "the event cannot be sent in this form",
    "message-unreadable": "the message could not be read",
    "contact-erased": "the chat was erased",
};

function tried({ started, duration, status, error, excerpt }: Attempt): TemplateResult {
    const answer = status === null ? "" : `, answer ${status}`;
    const outcome = error === null ? "delivered" : (REASONS[error] ?? error);
    return html`${date(started)}: ${outcome}${answer}, after ${duration} ms
    ${excerpt === null || excerpt === "" ? nothing : html`<br /><code>${excerpt}</code>`}`;
}
