/** Who can read a conversation, and what stands behind the one true sentence. */

import { html, nothing, type TemplateResult } from "lit-html";
import type { AccountView, ContactView, Detail, Level, TeamView } from "sottovoce";
import { nameOf, roleName, sentence, teamName, words } from "./phrases.js";

/** People and teams on the roster, each with its role. */
export function readers(view: ContactView): TemplateResult {
    const { gateway, pending: asked } = words().sheet;
    return html`<ul class="readers" data-testid="readers">
        ${view.participants.map(
            ({ author, pending }) => html`<li>
                ${nameOf(author)}
                <small
                    >${roleName(author.role)}${author.via === "gateway" ? gateway : ""}${
                        pending ? asked : ""
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
    /** What the page says of the visitor. */
    details: readonly Detail[];
    storageWorking: boolean;
    /** Saves the transcript, where there is one. */
    save?: ((kind: "text" | "page") => void) | undefined;
}

/** The sheet: who can read this, what the service sees, how long, whose code this is. */
export function sheet(options: SheetOptions, close: () => void): TemplateResult {
    const { view, account, level, brand } = options;
    const say = words().sheet;
    const archived = view?.archived ?? account?.archived ?? false;
    return html`<div class="sheet" role="dialog" aria-label=${say.label} data-testid="sheet">
        <div class="sheet-top">
            <h2>${sentence(level, brand)}</h2>
            <button type="button" class="icon" data-testid="sheet-close" aria-label=${say.back} @click=${close}>
                ×
            </button>
        </div>
        <h3>${say.who}</h3>
        ${view ? readers(view) : prospective(options.teams)}
        <p>${waiting(view)}</p>
        ${level === "e2ee"
            ? html`<p>${say.encrypted} ${archived ? say.serviceHasNoKeys : say.noServerHasKeys}</p>`
            : nothing}
        ${archived ? html`<p data-testid="archived">${say.archived(brand)}</p>` : nothing}
        ${options.details.some(({ value }) => value !== "") ? said(options.details) : nothing}
        <h3>${say.sees}</h3>
        <p>${say.seen} ${level === "e2ee" ? say.notWritten : nothing}</p>
        <h3>${say.kept}</h3>
        <p>
            ${account ? say.days(account.retentionDays) : say.unknownDays}
            ${options.storageWorking ? say.here : say.notHere}
        </p>
        <h3>${say.code}</h3>
        <p>${options.code}</p>
        ${options.save ? save(options.save) : nothing}
    </div>`;
}

function said(details: readonly Detail[]) {
    const { details: title, detailsWhy, detailNames } = words().sheet;
    const names = new Map(Object.entries(detailNames));
    return html`<h3>${title}</h3>
        <dl data-testid="details">
            ${details.map(({ name, value }) =>
                value === ""
                    ? nothing
                    : html`<div>
                          <dt><bdi>${names.get(name) ?? name}</bdi></dt>
                          <dd><bdi>${value}</bdi></dd>
                      </div>`,
            )}
        </dl>
        <p>${detailsWhy}</p>`;
}

function save(save: (kind: "text" | "page") => void) {
    const { save: title, saveText, savePage } = words().chat;
    return html`<h3>${title}</h3>
        <p>
            <button type="button" class="quiet bordered" data-testid="save-text" @click=${() => save("text")}>
                ${saveText}
            </button>
            <button type="button" class="quiet bordered" data-testid="save-page" @click=${() => save("page")}>
                ${savePage}
            </button>
        </p>`;
}

function prospective(teams: TeamView[]) {
    return html`<ul class="readers" data-testid="readers">
        <li>${words().sheet.you}</li>
        ${teams.map((team) => html`<li>${teamName(team)}</li>`)}
    </ul>`;
}

function waiting(view: ContactView | undefined): string {
    const say = words().sheet;
    if (!view || view.state === "waiting") return say.waiting;
    return view.state === "transferring" ? say.transferring : "";
}
