/** The form that hands a contact on. */

import { html, type TemplateResult } from "lit-html";
import type { ContactId, ContactView, Target } from "sottovoce";
import type { Desk } from "./desk.js";

export class TransferForm {
    readonly name = "transfer";
    readonly contact: ContactId;
    readonly #desk: Desk;
    readonly #failed: string | undefined;

    constructor(desk: Desk, { contact }: ContactView) {
        this.#desk = desk;
        this.contact = contact;
        const teams = desk.device.state.account?.teams ?? [];
        this.#failed = teams.length === 0 ? "There is no team to hand it to." : undefined;
        for (const { id } of teams) desk.command({ type: "lookUpTeam", team: id });
    }

    form(): TemplateResult {
        return html`<form class="handing" data-testid="transfer-form" @submit=${(event: SubmitEvent) => this.#submit(event)}>
            <label
                >To
                <select name="to" required data-testid="transfer-to">
                    ${this.#choices()}
                </select>
            </label>
            <label class="check">
                <input type="checkbox" name="history" checked data-testid="transfer-history" />
                They can read what was said before
            </label>
            <label
                >Private note
                <textarea name="note" rows="2" dir="auto" data-testid="transfer-note"></textarea>
            </label>
            <p class="explain">${this.#failed ?? "You stay responsible until somebody takes it."}</p>
            <div class="end">
                <button class="primary" data-testid="transfer-send">Hand over</button>
                <button type="button" class="quiet" @click=${() => this.#desk.show(undefined)}>Cancel</button>
            </div>
        </form>`;
    }

    #choices(): TemplateResult[] {
        const { account, teams } = this.#desk.device.state;
        return (account?.teams ?? []).map(
            ({ id, name }) => html`<optgroup label=${name}>
                ${(teams.get(id) ?? []).map(
                    ({ author, available }) =>
                        html`<option value="device:${author.device}">
                            ${author.name}${available ? "" : " (away)"}
                        </option>`,
                )}
                <option value="team:${id}">Anyone in ${name}</option>
            </optgroup>`,
        );
    }

    #submit(event: SubmitEvent): void {
        event.preventDefault();
        const form = new FormData(event.target as HTMLFormElement);
        const to = targetOf(String(form.get("to") ?? ""));
        const note = String(form.get("note") ?? "").trim();
        if (!to) return;
        this.#desk.command({
            type: "transfer",
            contact: this.contact,
            to,
            history: form.get("history") !== null,
            ...(note === "" ? {} : { note }),
        });
        this.#desk.show(undefined);
    }
}

function targetOf(value: string): Target | undefined {
    const [type, id] = [value.slice(0, value.indexOf(":")), value.slice(value.indexOf(":") + 1)];
    if (type === "device") return { type, device: id };
    if (type === "team") return { type, team: id };
    return undefined;
}
