/** Milliseconds after which a page that is not painted, since nobody sees it, is brought up to date all the same. */
const UNSEEN = 100;

/**
 * Does work before the next frame is painted, in a task of its own: what the core has just computed and what is drawn for
 * it would keep a slow phone busy too long together.
 */
export function beforeNextFrame(work: () => void): void {
    const frame = requestAnimationFrame(() => {
        clearTimeout(timer);
        work();
    });
    const timer = setTimeout(() => {
        cancelAnimationFrame(frame);
        work();
    }, UNSEEN);
}
