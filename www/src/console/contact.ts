/** One contact on the desk: transcript, answer, and what can be done with it. */

import { html, nothing, type TemplateResult } from "lit-html";
import type { ContactId, ContactView } from "sottovoce";
import { composer } from "../conversation/composer.js";
import { alarm, contactState, sentence } from "../conversation/phrases.js";
import { readers } from "../conversation/readers.js";
import { scrollToEnd, transcript } from "../conversation/transcript.js";
import { ArchiveForm } from "./archive.js";
import { BanForm, visitorsOf } from "./ban.js";
import type { Desk } from "./desk.js";
import { TransferForm } from "./transfer.js";

export function contactPage(desk: Desk, contact: ContactId): TemplateResult {
    const conversation = desk.device.state.conversation(contact);
    const view = conversation?.view;
    const notice = desk.notices.get(contact);
    const who = desk.typing.who(contact);
    return html`<main class="contact" data-testid="contact" data-contact=${contact} data-state=${view?.state ?? "loading"}>
            <header class="heading">
                <button type="button" class="icon back" aria-label="Back to the inbox" @click=${() => desk.select(undefined)}>
                    ‹
                </button>
                <div>
                    <h1>${view?.verifiedIdentity ?? view?.entryPointName ?? "…"}</h1>
                    <p>
                        ${view ? contactState(view) : "Loading …"}${view?.verifiedIdentity === undefined
                            ? ""
                            : ", identity verified"}
                    </p>
                </div>
                ${view ? actions(desk, view) : nothing}
            </header>
            ${view?.stoppedBy === undefined
                ? nothing
                : html`<p class="alarm" role="alert" data-testid="alarm" data-code=${view.stoppedBy}>
                      ${alarm(view.stoppedBy, true)}
                  </p>`}
            ${notice === undefined
                ? nothing
                : html`<p class="warning" role="alert" data-testid="notice">
                      ${notice}
                      <button type="button" class="link" @click=${() => dismiss(desk, contact)}>Dismiss</button>
                  </p>`}
            ${desk.form?.contact === contact ? desk.form.form() : nothing}
            <div class="log" role="log" aria-live="polite" aria-label="Conversation" tabindex="0" data-testid="log">
                ${transcript(conversation, [], "staff", (command) => desk.command(command))}
            </div>
            <p class="typing" data-testid="typing" ?hidden=${who === undefined}>${who} is typing …</p>
            ${view ? answer(desk, view) : nothing}
        </main>
        <aside class="about" aria-label="Who can read this">
            ${view
                ? html`<h2>Who can read this</h2>
                      ${readers(view)}
                      ${view.archived
                          ? html`<p data-testid="archived">
                                The keys of this chat are archived in your organisation’s key manager.
                            </p>`
                          : nothing}
                      <h2>What the visitor is told</h2>
                      <p data-testid="sentence">${sentence(view.level, view.entryPointName)}</p>`
                : nothing}
        </aside>`;
}

function dismiss(desk: Desk, contact: ContactId): void {
    desk.notices.delete(contact);
    desk.refresh();
}

function isMember(view: ContactView): boolean {
    return view.participants.some(({ author, pending }) => author.own && !pending);
}

function actions(desk: Desk, view: ContactView): TemplateResult {
    const { contact } = view;
    if (view.state === "closed") return archived(desk, view);
    const claim = view.canClaim
        ? html`<button
              type="button"
              class="primary"
              data-testid="claim"
              @click=${() => desk.command({ type: "claim", contact })}
          >
              Take this chat
          </button>`
        : nothing;
    const banning = desk.form instanceof BanForm;
    const ban =
        visitorsOf(view).length > 0
            ? html`<button
                  type="button"
                  class="quiet"
                  data-testid="ban"
                  aria-expanded=${banning}
                  @click=${() => desk.show(banning ? undefined : new BanForm(desk, view))}
              >
                  Block
              </button>`
            : nothing;
    if (!isMember(view)) return html`${claim}${ban}`;
    const handing = desk.form instanceof TransferForm;
    const open = () => desk.show(handing ? undefined : new TransferForm(desk, contact));
    const ask = (closing: ContactId | undefined) => {
        desk.closing = closing;
        desk.refresh();
    };
    return html`${claim}
        <button type="button" class="quiet" data-testid="transfer" aria-expanded=${handing} @click=${open}>
            Transfer
        </button>
        ${ban}
        ${desk.closing === contact
            ? html`<button
                      type="button"
                      class="quiet"
                      data-testid="close-confirm"
                      @click=${() => {
                          desk.command({ type: "close", contact });
                          ask(undefined);
                      }}
                  >
                      Close it for good
                  </button>
                  <button type="button" class="quiet" @click=${() => ask(undefined)}>Keep it</button>`
            : html`<button type="button" class="quiet" data-testid="close" @click=${() => ask(contact)}>Close</button>`}`;
}

/** A closed chat that this device cannot read may open through the key manager. */
function archived(desk: Desk, view: ContactView): TemplateResult {
    const items = desk.device.state.conversation(view.contact)?.items ?? [];
    if (!view.archived || !items.some(({ body }) => body.type === "beforeJoining")) return html``;
    const asking = desk.form instanceof ArchiveForm;
    return html`<button
        type="button"
        class="primary"
        data-testid="archive"
        aria-expanded=${asking}
        @click=${() => desk.show(asking ? undefined : new ArchiveForm(desk, view.contact))}
    >
        Open from the archive
    </button>`;
}

function answer(desk: Desk, view: ContactView): TemplateResult {
    const { contact } = view;
    if (view.state === "closed") return html`<footer class="closed"><p>This chat is closed.</p></footer>`;
    if (!isMember(view)) {
        return view.canClaim
            ? html`<footer class="closed"><p>Take this chat to answer.</p></footer>`
            : html`<footer class="closed"><p>You are not on this chat.</p></footer>`;
    }
    const note = desk.noting.has(contact);
    const toggle = () => {
        if (note) desk.noting.delete(contact);
        else desk.noting.add(contact);
        desk.refresh();
    };
    return html`<div class="kind">
            <button type="button" class="quiet" data-testid="note" aria-pressed=${note} @click=${toggle}>
                ${note ? "Private note, the visitor cannot read it" : "Write a private note"}
            </button>
        </div>
        ${composer(
            desk.drafts,
            contact,
            {
                label: note ? "Private note" : "Your answer",
                placeholder: note ? "Only your colleagues on this chat can read this" : "Write an answer",
                blocked: view.canSend ? undefined : "Nothing can be sent at the moment.",
                note,
                send: (text) => {
                    desk.notices.delete(contact);
                    scrollToEnd(document.body);
                    if (note) {
                        desk.noting.delete(contact);
                        desk.command({ type: "note", contact, text });
                        return;
                    }
                    desk.device.sendText(contact, text).catch(() => {
                        desk.drafts.giveBack(contact, text);
                        desk.refresh();
                    });
                },
                typing: () => {
                    if (!note) void desk.device.command({ type: "typing", contact }).catch(() => {});
                },
            },
            desk.refresh,
        )}`;
}
