// How browsers say that there is no more room.

/** Chromium and Firefox have a class of their own for it, by the same name: https://webidl.spec.whatwg.org/#quotaexceedederror. */
export const isQuota = (error: unknown): boolean => error instanceof Error && error.name === 'QuotaExceededError'
