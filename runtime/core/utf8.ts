// UTF-8 by one encoder and one decoder for all: to make them costs more than to use them on a short text.

const encoder = new TextEncoder()
const lenient = new TextDecoder()
const strict = new TextDecoder('utf-8', { fatal: true })

export const toUtf8 = (text: string): Uint8Array<ArrayBuffer> => encoder.encode(text)

/** What is no UTF-8 is replaced by U+FFFD. */
export const fromUtf8 = (bytes: Uint8Array): string => lenient.decode(bytes)

/** @throws TypeError for what is no UTF-8. */
export const fromStrictUtf8 = (bytes: Uint8Array): string => strict.decode(bytes)
