/** The form that keeps a visitor away for a while. */

import { html, type TemplateResult } from "lit-html";
import type { BanPeriod, ContactId, ContactView, DeviceId } from "sottovoce";
import type { Desk } from "./desk.js";
import { isVisitor } from "./follow.js";

const PERIODS: Record<BanPeriod, string> = { hour: "an hour", day: "a day", week: "a week", month: "30 days" };

export class BanForm {
    readonly name = "ban";
    readonly contact: ContactId;
    readonly #desk: Desk;
    readonly #visitors: DeviceId[];

    constructor(desk: Desk, view: ContactView) {
        this.contact = view.contact;
        this.#desk = desk;
        this.#visitors = view.participants.filter(isVisitor).map(({ author }) => author.device);
    }

    form(): TemplateResult {
        return html`<form class="handing" data-testid="ban-form" @submit=${(event: SubmitEvent) => this.#submit(event)}>
            <label
                >Keep this visitor away for
                <select name="period" data-testid="ban-period">
                    ${Object.entries(PERIODS).map(
                        ([period, words]) => html`<option value=${period} ?selected=${period === "day"}>${words}</option>`,
                    )}
                </select>
            </label>
            <p class="explain">
                The relay refuses their browser and the network address it comes from. Others behind the same address are
                kept away too.
            </p>
            <div class="end">
                <button class="primary" data-testid="ban-send">Keep away</button>
                <button type="button" class="quiet" @click=${() => this.#desk.show(undefined)}>Cancel</button>
            </div>
        </form>`;
    }

    #submit(event: SubmitEvent): void {
        event.preventDefault();
        const chosen = new FormData(event.target as HTMLFormElement).get("period");
        const period = (Object.keys(PERIODS) as BanPeriod[]).find((known) => known === chosen);
        if (!period) return;
        const { contact } = this;
        for (const device of this.#visitors) this.#desk.command({ type: "ban", contact, device, period });
        this.#desk.notices.set(contact, `The relay was asked to keep this visitor away for ${PERIODS[period]}.`);
        this.#desk.show(undefined);
    }
}
