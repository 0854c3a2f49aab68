/** A `<dialog>` above the page that the browser shows, closes on Escape, and gives the focus back from. */

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
