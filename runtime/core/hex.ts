// Bytes as lower-case hexadecimal digits.

/** @example hexOf(Uint8Array.of(0, 255)) // '00ff' */
export const hexOf = (bytes: Uint8Array): string => Array.from(bytes, (byte) => byte.toString(16).padStart(2, '0')).join('')
