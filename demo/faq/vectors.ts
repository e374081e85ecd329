// Vectors of the help topics' wordings: made once for each space, kept in memory and in IndexedDB.

import { createStore, delMany, get, keys, set } from 'idb-keyval'
import { wordings } from './match.ts'

/** Makes the vectors of some texts, all in one space. */
export type Embed = (texts: readonly string[]) => Promise<{ vectors: readonly Float32Array[]; space: string | null }>

interface Kept {
	/** SHA-256 over the wordings: other wordings need other vectors. */
	wordings: string
	/** One vector after the other. */
	data: Float32Array<ArrayBuffer>
}

const database = createStore('weir-and-wheel', 'faq-vectors')
const spaces = new Map<string, Promise<readonly Float32Array[]>>()

/**
 * The vectors of all wordings in `space`; calls for a space that is being prepared share the work.
 *
 * @param space the space that the vectors must be in, as an answer or `explain` tells it.
 * @param embed makes what is not kept; must answer in `space`.
 * @param textsPerCall most texts that `embed` is given at once.
 * @throws what `embed` throws, or Error when it answered in another space. A later call tries again.
 */
export function vectorsIn(space: string, embed: Embed, textsPerCall = wordings.length): Promise<readonly Float32Array[]> {
	let vectors = spaces.get(space)
	if (!vectors) {
		vectors = prepare(space, embed, textsPerCall)
		vectors.catch(() => spaces.delete(space))
		spaces.set(space, vectors)
	}
	return vectors
}

async function prepare(space: string, embed: Embed, textsPerCall: number): Promise<readonly Float32Array[]> {
	const fingerprint = await fingerprintOfWordings()
	const kept = await stored(space)
	if (kept?.wordings === fingerprint) return cut(kept.data)

	const vectors: Float32Array[] = []
	for (let start = 0; start < wordings.length; start += textsPerCall) {
		const answer = await embed(wordings.slice(start, start + textsPerCall))
		if (answer.space !== space) throw new Error(`asked for vectors in ${space}, got ${answer.space}`)
		vectors.push(...answer.vectors)
	}
	await store(space, { wordings: fingerprint, data: join(vectors) })
	return vectors
}

// Storage may be closed to the page (private windows, a full disk): then the vectors are made anew at each visit.

async function stored(space: string): Promise<Kept | undefined> {
	try {
		return await get<Kept>(space, database)
	} catch {
		return undefined
	}
}

/** Drops what was kept for spaces that this visit did not use: those of older versions of the model. */
async function store(space: string, kept: Kept): Promise<void> {
	try {
		await set(space, kept, database)
		const stale = (await keys<string>(database)).filter((other) => !spaces.has(other))
		await delMany(stale, database)
	} catch {
		// Not kept.
	}
}

async function fingerprintOfWordings(): Promise<string> {
	const digest = await crypto.subtle.digest('SHA-256', new TextEncoder().encode(JSON.stringify(wordings)))
	return Array.from(new Uint8Array(digest), (byte) => byte.toString(16).padStart(2, '0')).join('')
}

function join(vectors: readonly Float32Array[]): Float32Array<ArrayBuffer> {
	const size = vectors[0]?.length ?? 0
	const data = new Float32Array(vectors.length * size)
	vectors.forEach((vector, index) => {
		data.set(vector, index * size)
	})
	return data
}

function cut(data: Float32Array): Float32Array[] {
	const size = data.length / wordings.length
	return wordings.map((_, index) => data.subarray(index * size, (index + 1) * size))
}
