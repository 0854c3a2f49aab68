/** An error with a stable code; nobody needs to match its message. */
export class SottovoceError extends Error {
    override readonly name = "SottovoceError";

    constructor(
        readonly code: string,
        message: string,
        options?: ErrorOptions,
    ) {
        super(message, options);
    }
}

/** The stable code of anything that was thrown. */
export function codeOf(error: unknown): string {
    if (error instanceof Error && "code" in error && typeof error.code === "string") {
        return error.code;
    }
    return "unexpected";
}
