/** Who can read a conversation, and what stands behind the one true sentence. */

import { html, nothing, type TemplateResult } from "lit-html";
import type { AccountView, ContactView, Level, TeamView } from "sottovoce";
import { nameOf, roleName, sentence, teamName } from "./phrases.js";

/** People and teams on the roster, each with its role. */
export function readers(view: ContactView): TemplateResult {
    return html`<ul class="readers" data-testid="readers">
        ${view.participants.map(
            ({ author, pending }) => html`<li>
                ${nameOf(author)}
                <small
                    >${roleName(author.role)}${author.via === "gateway" ? ", through a gateway" : ""}${
                        pending ? ", asked to take over" : ""
                    }</small
                >
            </li>`,
        )}
        ${view.teams.map((team) => html`<li>${teamName(team)}</li>`)}
    </ul>`;
}

export interface SheetOptions {
    view: ContactView | undefined;
    account: AccountView | undefined;
    level: Level | undefined;
    brand: string;
    /** The teams that would answer, while there is no contact. */
    teams: TeamView[];
    /** Who served the code of this chat. */
    code: string;
    storageWorking: boolean;
}

/** The sheet: who can read this, what the service sees, how long, whose code this is. */
export function sheet(options: SheetOptions, close: () => void): TemplateResult {
    const { view, account, level, brand } = options;
    const archived = view?.archived ?? account?.archived ?? false;
    return html`<div class="sheet" role="dialog" aria-label="About this chat’s privacy" data-testid="sheet">
        <header>
            <h2>${sentence(level, brand)}</h2>
            <button type="button" class="icon" data-testid="sheet-close" aria-label="Back" @click=${close}>
                ×
            </button>
        </header>
        <h3>Who can read this</h3>
        ${view ? readers(view) : prospective(options.teams)}
        <p>${waiting(view)}</p>
        ${level === "e2ee"
            ? html`<p>
                  Messages are encrypted on your device for these people.
                  ${archived
                      ? "The service that carries the chat has no keys."
                      : "No server has the keys, also not the service that carries the chat."}
              </p>`
            : nothing}
        ${archived
            ? html`<p data-testid="archived">
                  ${brand} keeps the keys in a key manager of its own: authorised people there can open this
                  chat later, with a reason that is recorded.
              </p>`
            : nothing}
        <h3>What the service sees</h3>
        <p>
            When messages are sent and roughly how long they are, your network address, which devices
            take part and how far each has read.${level === "e2ee" ? " Not what is written." : ""}
        </p>
        <h3>How long it is kept</h3>
        <p>
            ${account
                ? html`The service deletes the encrypted messages ${account.retentionDays} days after the
                  last one.`
                : "This is known once the chat is connected."}
            ${options.storageWorking
                ? "This browser keeps the chat until you start a new one."
                : "This browser keeps nothing: the chat ends when you leave the page."}
        </p>
        <h3>Who served the code</h3>
        <p>${options.code}</p>
    </div>`;
}

function prospective(teams: TeamView[]) {
    return html`<ul class="readers" data-testid="readers">
        <li>You</li>
        ${teams.map((team) => html`<li>${teamName(team)}</li>`)}
    </ul>`;
}

function waiting(view: ContactView | undefined): string {
    if (!view || view.state === "waiting") {
        return "Until somebody takes the chat, the whole team can read what you write. Afterwards only those named here can.";
    }
    if (view.state === "transferring") return "Whoever is asked to take over is named here as well.";
    return "";
}
