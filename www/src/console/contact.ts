/** One chat on the desk: its heading, its transcript, and where one answers. */

import { html, nothing, type TemplateResult } from "lit-html";
import type { ContactId, ContactView } from "sottovoce";
import { composer } from "../conversation/composer.js";
import { alarm, contactState } from "../conversation/phrases.js";
import { scrollToEnd, transcript } from "../conversation/transcript.js";
import type { Desk } from "./desk.js";
import { details } from "./details.js";
import { chatAvatar, chatName } from "./faces.js";
import { isMember, isVisitor } from "./follow.js";
import { chips } from "./labels.js";
import type { FormName } from "./loaded.js";
import { paneOf } from "./panes.js";

export function contactPane(desk: Desk, contact: ContactId): TemplateResult {
    const conversation = desk.device.state.conversation(contact);
    const view = conversation?.view;
    const name = chatName(desk.device.state, contact);
    const who = desk.typing.who(contact);
    const attending = desk.attending.line(contact);
    const { place } = desk.panes;
    const active = place.active === contact;
    return html`<section
        class="pane"
        data-testid="contact"
        data-contact=${contact}
        data-state=${view?.state ?? "loading"}
        data-active=${active}
        data-details=${active && place.details}
        aria-label="Chat with ${name}"
        @focusin=${() => desk.panes.use(contact)}
        @pointerdown=${() => desk.panes.use(contact)}
    >
        <div class="halves">
            <div class="contact">
                ${heading(desk, contact, name, view)} ${above(desk, contact, view)}
                <div class="log" role="log" aria-live="polite" aria-label="Conversation with ${name}" tabindex="0" data-testid="log">
                    ${conversation?.view
                        ? transcript(conversation, [], "staff", (command) => desk.command(command), desk.refresh)
                        : html`<p class="system" role="status">Loading …</p>`}
                </div>
                ${attending === undefined ? nothing : html`<p class="attending" role="status" data-testid="attending">${attending}</p>`}
                <p class="typing" data-testid="typing" ?hidden=${who === undefined}>${who} is typing …</p>
                ${view ? answer(desk, view) : nothing}
            </div>
            ${view ? details(desk, view) : nothing}
        </div>
    </section>`;
}

function heading(desk: Desk, contact: ContactId, name: string, view: ContactView | undefined): TemplateResult {
    const several = desk.panes.shown.length > 1;
    return html`<header class="heading">
        <button
            type="button"
            class="icon back"
            aria-label="Back to the inbox"
            data-testid="back"
            @click=${() => desk.panes.close(contact)}
        >
            ‹
        </button>
        ${chatAvatar(desk.device.state, contact)}
        <div class="title">
            <h2 tabindex="-1" data-heading>
                ${name}${view?.verifiedIdentity === undefined
                    ? nothing
                    : html` <span class="verified" title="Identity verified"></span>`}
            </h2>
            <p>
                ${view ? contactState(view) : "Loading …"}${view?.verifiedIdentity === undefined
                    ? nothing
                    : ", identity verified"}${view?.entryPointName ? html` · ${view.entryPointName}` : nothing}
            </p>
            ${chips(view)}
        </div>
        <div class="actions">${view ? actions(desk, view) : nothing}</div>
        <button
            type="button"
            class="icon small show-details"
            aria-label="Details of this chat"
            title="Details"
            aria-expanded=${desk.panes.active === contact && desk.panes.place.details}
            data-testid="details-open"
            @click=${() => {
                desk.panes.use(contact);
                desk.panes.showDetails(!desk.panes.place.details);
            }}
        >
            <svg viewBox="0 0 24 24" aria-hidden="true"><path d="M12 3.500a8.500 8.500 0 1 0 0 17 8.500 8.500 0 0 0 0-17zm0 7.500v5.500M12 7.800v.2" /></svg>
        </button>
        ${several
            ? html`<button
                  type="button"
                  class="icon small"
                  aria-label="Put this chat away"
                  title="Put away"
                  data-testid="pane-close"
                  @click=${() => desk.panes.close(contact)}
              >
                  ×
              </button>`
            : nothing}
    </header>`;
}

/** What lies above the transcript: what is wrong, what was said of the last command, a form. */
function above(desk: Desk, contact: ContactId, view: ContactView | undefined): TemplateResult {
    const notice = desk.notices.get(contact);
    return html`${view?.stoppedBy === undefined
        ? nothing
        : html`<p class="alarm" role="alert" data-testid="alarm" data-code=${view.stoppedBy}>
              ${alarm(view.stoppedBy, true)}
          </p>`}
    ${notice === undefined
        ? nothing
        : html`<p class="warning" role="alert" data-testid="notice">
              ${notice}
              <button
                  type="button"
                  class="link"
                  @click=${() => {
                      desk.notices.delete(contact);
                      desk.panes.wish(contact, "heading");
                  }}
              >
                  Dismiss
              </button>
          </p>`}
    ${desk.form?.contact === contact ? desk.form.form() : nothing}`;
}

function actions(desk: Desk, view: ContactView): TemplateResult {
    const { contact } = view;
    if (view.state === "closed") return archived(desk, view);
    const claim = view.canClaim
        ? html`<button type="button" class="primary" data-testid="claim" @click=${() => desk.claim(contact)}>
              Take this chat
          </button>`
        : nothing;
    const form = (name: FormName, title: string) => html`<button
        type="button"
        class="quiet"
        data-testid=${name}
        aria-expanded=${desk.isOpen(contact, name)}
        @click=${() => void desk.openForm(contact, name)}
    >
        ${title}
    </button>`;
    const ban = view.participants.some(isVisitor) ? form("ban", "Block") : nothing;
    if (!isMember(view)) return html`${claim}${ban}`;
    if (desk.closing?.contact === contact) {
        return html`<button
                type="button"
                class="quiet bordered"
                data-testid="close-confirm"
                @click=${() => desk.close(contact, desk.closing?.next ?? false)}
            >
                Close it for good
            </button>
            <button type="button" class="quiet" data-testid="keep-open" @click=${() => desk.keepOpen()}>Keep it</button>`;
    }
    return html`${claim} ${form("transfer", "Transfer")} ${form("label", "Label")}
        ${ban}
        <button type="button" class="quiet" data-testid="close" @click=${() => desk.askToClose(contact, false)}>
            Close
        </button>`;
}

/** A closed chat that this device cannot read may open through the key manager. */
function archived(desk: Desk, view: ContactView): TemplateResult {
    const items = desk.device.state.conversation(view.contact)?.items ?? [];
    if (!view.archived || !items.some(({ body }) => body.type === "beforeJoining")) return html``;
    return html`<button
        type="button"
        class="primary"
        data-testid="archive"
        aria-expanded=${desk.isOpen(view.contact, "archive")}
        @click=${() => void desk.openForm(view.contact, "archive")}
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
    return html`<div class="kind" data-note=${note}>
            <button type="button" data-testid="reply" aria-pressed=${!note} @click=${() => desk.write(contact, false)}>
                Answer
            </button>
            <button type="button" data-testid="note" aria-pressed=${note} @click=${() => desk.write(contact, !note)}>
                Private note
            </button>
            ${note ? html`<span>The visitor cannot read it.</span>` : nothing}
        </div>
        ${composer(
            desk.drafts,
            contact,
            {
                label: note ? "Private note" : "Your answer",
                placeholder: note ? "Only your colleagues on this chat can read this" : "Write an answer",
                blocked: view.canSend ? undefined : "Nothing can be sent at the moment.",
                note,
                assistant: desk.suggestions(contact),
                send: (text) => send(desk, contact, text),
                typing: () => {
                    if (!note) void desk.device.command({ type: "typing", contact }).catch(() => {});
                },
            },
            desk.refresh,
        )}`;
}

function send(desk: Desk, contact: ContactId, text: string): void {
    desk.notices.delete(contact);
    const pane = paneOf(document, contact);
    if (pane) scrollToEnd(pane);
    if (desk.noting.delete(contact)) {
        desk.command({ type: "note", contact, text });
        return;
    }
    desk.device.sendText(contact, text).catch(() => {
        desk.drafts.giveBack(contact, text);
        desk.refresh();
    });
}
