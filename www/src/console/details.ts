/** What stands beside a chat: who can read it, how its keys fared, what the visitor is told. */

import { html, nothing, type TemplateResult } from "lit-html";
import type { Author, ContactView, DeviceId, Item } from "sottovoce";
import { nameOf, roleName, sentence, teamName } from "../conversation/phrases.js";
import { day, time } from "../conversation/text.js";
import { committer, visitorOf } from "../conversation/transcript.js";
import { customer, givenName } from "./customer.js";
import type { Desk } from "./desk.js";
import { avatar } from "./faces.js";

export function details(desk: Desk, view: ContactView): TemplateResult {
    const { state } = desk.device;
    const items = state.conversation(view.contact)?.items ?? [];
    const days = state.account?.retentionDays;
    const created = state.inbox.find(({ contact }) => contact === view.contact)?.created ?? items[0]?.time;
    return html`<section class="about" aria-label="Details of this chat" data-testid="details">
        <div class="about-top">
            <button type="button" class="quiet" data-testid="details-close" @click=${() => desk.panes.showDetails(false)}>
                ‹ Back to the chat
            </button>
        </div>
        <h3>Who can read this</h3>
        ${people(view)}
        <p class="keys" data-testid="keys">${keyChanges(view, items)}</p>
        ${view.archived
            ? html`<p data-testid="archived">The keys of this chat are archived in your organisation’s key manager.</p>`
            : nothing}
        ${customer(view)}
        <h3>Who the visitor is</h3>
        <p data-testid="identity">${identity(view)}</p>
        <h3>What the visitor is told</h3>
        <p data-testid="sentence">${sentence(view.level, view.entryPointName)}</p>
        <h3>About this chat</h3>
        <dl>
            <dt>Began at</dt>
            <dd>${view.entryPointName || view.entryPoint}</dd>
            ${created === undefined ? nothing : html`<dt>Began</dt><dd>${day(created)}, ${time(created)}</dd>`}
            ${days === undefined
                ? nothing
                : html`<dt>Servers keep it</dt><dd>${days === 1 ? "one day" : `${days} days`} after the last message</dd>`}
        </dl>
        <details>
            <summary>Technical details</summary>
            <dl class="technical">
                <dt>Chat</dt>
                <dd><code data-testid="contact-id">${view.contact}</code></dd>
                <dt>Cipher suite</dt>
                <dd>${view.suite === 2 ? "2: X25519 with ML-KEM-768" : `${view.suite}: X25519`}, AES-256-GCM, Ed25519</dd>
                <dt>Epoch</dt>
                <dd>${view.epoch}</dd>
                <dt>Entries</dt>
                <dd>${view.head}${view.caughtUp ? ", all of them checked" : ", still coming"}</dd>
                <dt>Account rules</dt>
                <dd>version ${state.account?.policy ?? "unknown"}</dd>
            </dl>
        </details>
    </section>`;
}

function people(view: ContactView): TemplateResult {
    return html`<ul class="people" data-testid="readers">
        ${view.participants.map(
            ({ author, pending }) => html`<li>
                ${face(view, author)}
                <span
                    >${nameOf(author)}<small
                        >${roleName(author.role)}${author.via === "gateway" ? ", through a gateway" : ""}${
                            pending ? ", asked to take over" : ""
                        }</small
                    ></span
                >
            </li>`,
        )}
        ${view.teams.map(
            (team) => html`<li>${avatar(team.name, team.id)}<span>${teamName(team)}<small>until somebody takes it</small></span></li>`,
        )}
    </ul>`;
}

function face(view: ContactView, author: Author): TemplateResult {
    return author.role === "visitor"
        ? avatar(view.verifiedIdentity ?? givenName(view), view.contact)
        : avatar(author.name || roleName(author.role), author.device);
}

function identity({ verifiedIdentity }: ContactView): string {
    return verifiedIdentity === undefined
        ? "Not verified. They may call themselves anything: ask before you tell them what only a customer should know."
        : `${verifiedIdentity}. Your website vouches for it, and this browser checked its signature.`;
}

/** What changed a chat's keys, as part of a sentence; nothing for what changed none. */
function change(item: Item, visitor: DeviceId | undefined): string | undefined {
    if (item.body.type !== "system") return undefined;
    const { event } = item.body;
    const who = nameOf(committer(item, visitor));
    switch (event.type) {
        case "joined":
            return event.replaced ? `when ${inside(who)} took over` : `when ${inside(who)} joined`;
        case "transferring":
            return `when ${inside(who)} handed it on`;
        case "invited":
            return `when ${nameOf(event.who)} was added`;
        case "removed":
            return `when somebody left`;
        case "rekeyed":
            return `by ${inside(who)}`;
        case "created":
        case "closed":
            return undefined;
    }
}

function inside(name: string): string {
    return ["You", "The visitor", "Somebody"].includes(name) ? name.toLowerCase() : name;
}

/** How often keys were changed, and when last. */
function keyChanges(view: ContactView, items: readonly Item[]): string {
    const visitor = visitorOf(view);
    const changes = items.filter((item) => change(item, visitor) !== undefined);
    const last = changes.at(-1);
    if (!last) {
        return view.state === "closed" ? "Its keys were never changed." : "Its keys are those that it began with. Taking it changes them.";
    }
    const times = changes.length === 1 ? "once" : `${changes.length} times, last`;
    return `Keys were changed ${times} ${change(last, visitor)} at ${time(last.time)}. Who was not there then cannot read what came after.`;
}
