/** A secret or a request in a field, with a button that copies it. Nothing of it is stored. */

import { html, type TemplateResult } from "lit-html";

export function copyField(id: string, label: string, value: string): TemplateResult {
    const copy = async (event: MouseEvent) => {
        const status = (event.currentTarget as Element).parentElement?.querySelector("[role=status]");
        const field = document.getElementById(id);
        if (field instanceof HTMLInputElement) field.select();
        let words = "Copied.";
        try {
            await navigator.clipboard.writeText(value);
        } catch {
            words = "It is selected: copy it with the keyboard.";
        }
        if (status) status.textContent = words;
    };
    return html`<div class="field copy">
        <label for=${id}>${label}</label>
        <div class="row">
            <input id=${id} readonly autocomplete="off" spellcheck="false" .value=${value} data-testid=${id} />
            <button type="button" class="plain" aria-label="Copy ${label}" data-testid="${id}-copy" @click=${copy}>Copy</button>
            <span role="status"></span>
        </div>
    </div>`;
}

/** A command for a terminal. */
export function command(text: string): TemplateResult {
    return html`<pre tabindex="0" aria-label="Command"><code>${text}</code></pre>`;
}
