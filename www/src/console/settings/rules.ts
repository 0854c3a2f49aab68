/** The account's rules, for those who cannot change them. */

import { html, nothing, type TemplateResult } from "lit-html";
import type { AccountView, SettingsView } from "sottovoce";
import { summary } from "./overview.js";
import { LEVEL_TITLES, bytes, count, date, duration, levelWords, list, roles } from "./words.js";

export function rules(view: SettingsView, account: AccountView | undefined): TemplateResult {
    const team = (id: string) => view.teams.find((known) => known.id === id)?.name ?? id;
    return html`<div class="settings rules">
        <main data-testid="rules">
            <a class="back" href="#" data-testid="settings-close">‹ Back to the chats</a>
            <h1 tabindex="-1" id="settings-title">Account rules</h1>
            <p class="lead">${summary(view)}</p>
            ${view.entryPoints.map(
                (entry) => html`<section class="card">
                    <div>
                        <h2>${entry.name}</h2>
                        <p><strong>${LEVEL_TITLES[entry.level]}.</strong> ${levelWords(entry.level, view)}</p>
                        <p>Answered by ${list(entry.teams.map(team))}.</p>
                    </div>
                </section>`,
            )}
            <dl>
                <dt>Servers keep entries</dt>
                <dd>${count(view.retention.days, "day")} after a chat’s last one</dd>
                <dt>Devices can read closed chats</dt>
                <dd>${duration(view.retention.deviceHistory)}</dd>
                <dt>May join besides agents</dt>
                <dd>${roles(view.roles)}</dd>
                <dt>Longest text</dt>
                <dd>${bytes(view.limits.text)}</dd>
                <dt>Valid until</dt>
                <dd>${date(view.expires)}, version ${view.version}</dd>
                ${account === undefined
                    ? nothing
                    : html`<dt>You</dt>
                          <dd>${account.own.name}${account.ownTeams.length === 0 ? "" : `, ${list(account.ownTeams.map(team))}`}</dd>`}
            </dl>
            <p class="explain">
                Only administrators change them, each in a browser of their own. Every client checks their signatures.
            </p>
        </main>
    </div>`;
}
