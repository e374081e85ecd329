// gRPC-Web's text form: messages as base64, of which each piece may be padded.

type Bytes = AsyncIterable<Uint8Array>

/** @throws DOMException `InvalidCharacterError` for what is no base64. */
export async function* fromBase64(text: Bytes): AsyncGenerator<Uint8Array> {
	const decoder = new TextDecoder()
	let rest = ''
	for await (const part of text) {
		rest += decoder.decode(part, { stream: true })
		const whole = rest.length - (rest.length % 4)
		// A padded piece may be in the middle.
		for (const [piece] of rest.slice(0, whole).matchAll(/[^=]+=*/g))
			yield Uint8Array.from(atob(piece), (character) => character.charCodeAt(0))
		rest = rest.slice(whole)
	}
	if (rest !== '') yield Uint8Array.from(atob(rest), (character) => character.charCodeAt(0))
}

export async function* toBase64(bytes: Bytes): AsyncGenerator<Uint8Array> {
	const encoder = new TextEncoder()
	for await (const part of bytes) {
		let binary = ''
		// In pieces: an argument list has a limit.
		for (let at = 0; at < part.length; at += 8192) binary += String.fromCharCode(...part.subarray(at, at + 8192))
		yield encoder.encode(btoa(binary))
	}
}
