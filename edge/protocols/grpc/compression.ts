// Compression of messages, as the platforms have it. Requests may be compressed; answers are not, for numbers gain little by it.

import { Code, ConnectError } from '@connectrpc/connect'
import type { Compression } from '@connectrpc/connect/protocol'

const compression = (name: string, format: CompressionFormat): Compression => ({
	name,
	compress: (bytes) => through(bytes, new CompressionStream(format), Number.POSITIVE_INFINITY),
	async decompress(bytes, limit) {
		if (bytes.byteLength === 0) return new Uint8Array()
		try {
			return await through(bytes, new DecompressionStream(format), limit)
		} catch (error) {
			if (error instanceof ConnectError) throw error
			throw new ConnectError(`the message is no valid ${name}`, Code.InvalidArgument, undefined, undefined, error)
		}
	},
})

/** What the clients of gRPC send. */
export const compressions: readonly Compression[] = [compression('gzip', 'gzip'), compression('deflate', 'deflate')]

/** Stops at the limit: a small compressed message cannot become a large one in memory. */
async function through(
	bytes: Uint8Array,
	stream: CompressionStream | DecompressionStream,
	limit: number,
): Promise<Uint8Array<ArrayBuffer>> {
	const reader = new Blob([bytes as Uint8Array<ArrayBuffer>]).stream().pipeThrough(stream).getReader()
	const parts: Uint8Array<ArrayBuffer>[] = []
	let size = 0
	for (;;) {
		const { done, value } = await reader.read()
		if (done) break
		size += value.byteLength
		if (size > limit) {
			reader.cancel().catch(() => {})
			throw new ConnectError(`the message has over ${limit} bytes when decompressed`, Code.ResourceExhausted)
		}
		parts.push(value as Uint8Array<ArrayBuffer>)
	}
	return new Uint8Array(await new Blob(parts).arrayBuffer())
}
