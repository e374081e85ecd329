/** See chromium.mjs. */
export function findChromium(): Promise<string>
