// Reads a request's body: bounded in bytes and in time, decompressed.

import { collect } from '../../runtime/core/bytes.ts'
import { bounded } from '../../runtime/core/deadline.ts'
import { SpillwayError } from '../../runtime/core/error.ts'
import { unbroken } from './discard.ts'

/** What the clients of Triton send; `br` and `zstd` have no decoder that all platforms share. */
const encodings: Record<string, CompressionFormat> = { gzip: 'gzip', 'x-gzip': 'gzip', deflate: 'deflate' }

export interface BodyOptions {
	/** Most bytes, before and after decompression. */
	readonly limit: number
	/** Milliseconds until the body must be there. */
	readonly remaining: number
}

/**
 * The whole body.
 *
 * @throws SpillwayError `too-large`; `unsupported` for another encoding; `malformed` when it does not decompress;
 *   `aborted` when the client leaves; `deadline-exceeded` when the body does not come in time.
 */
export function readBody(request: Request, { limit, remaining }: BodyOptions): Promise<Uint8Array<ArrayBuffer>> {
	const announced = request.headers.get('content-length')
	if (Number(announced) > limit) return Promise.reject(tooLarge(limit))
	const encoding = request.headers.get('content-encoding')?.trim().toLowerCase() || 'identity'
	const format = encodings[encoding]
	if (!format && encoding !== 'identity')
		return Promise.reject(new SpillwayError('unsupported', `Content-Encoding "${encoding}" is not supported; send gzip, deflate or none`))
	const { signal } = request
	// Where the length is known, and kept to by HTTP itself, no stream is made of it.
	const body = announced === null || format ? request.body : undefined
	if (body === null) return Promise.resolve(new Uint8Array())
	return bounded('the request body', { remaining, signal }, () =>
		read().catch((error) => {
			if (error instanceof SpillwayError) throw error
			if (!format || signal.aborted) throw new SpillwayError('aborted', 'the client broke off its request', { cause: error })
			throw new SpillwayError('malformed', `the body is no valid ${encoding}`, { cause: error })
		}),
	)

	async function read(): Promise<Uint8Array<ArrayBuffer>> {
		if (!body) return new Uint8Array(await request.arrayBuffer())
		const stream = unbroken(body)
		// Counted when it is decompressed: a small body cannot become a large one in memory.
		return collect(format ? stream.pipeThrough(new DecompressionStream(format)) : stream, limit, () => tooLarge(limit))
	}
}

const tooLarge = (limit: number) =>
	new SpillwayError('too-large', `the request body is over the limit of ${limit} bytes; send less in one call`)
