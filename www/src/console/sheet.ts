/** A `<dialog>` above the page that the browser shows, closes on Escape, and gives the focus back from. */

import { html, type TemplateResult } from "lit-html";
import { ref } from "lit-html/directives/ref.js";

/** A sheet with a title, and a button that closes it. */
export function titledSheet(name: string, title: string, closed: () => void, content: TemplateResult): TemplateResult {
    return html`<dialog
        class="sheet-dialog ${name}"
        aria-labelledby="${name}-title"
        data-testid=${name}
        ${ref(showModal)}
        @click=${closeBeside}
        @close=${closed}
    >
        <div class="inside">
            <div class="top">
                <h2 id="${name}-title">${title}</h2>
                <button type="button" class="icon" aria-label="Close" data-testid="${name}-close" @click=${closeAround}>×</button>
            </div>
            ${content}
        </div>
    </dialog>`;
}

/** For `ref`: shows a dialog as soon as it is there. */
export function showModal(element: Element | undefined): void {
    if (element instanceof HTMLDialogElement && !element.open) {
        setTimeout(() => element.isConnected && !element.open && element.showModal());
    }
}

/** For a click: closes the dialog around it, also where it lies beside everything in it. */
export function closeAround(event: Event): void {
    (event.currentTarget as Element).closest("dialog")?.close();
}

/** For a dialog's own click: closes it if it was beside what stands in it. */
export function closeBeside(event: MouseEvent): void {
    if (event.target === event.currentTarget) closeAround(event);
}
