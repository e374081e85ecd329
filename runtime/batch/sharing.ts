// Identical rows in flight share one run: found by a hash, but only bytes that are all the same count.

import type { Tensor, Tensors } from '../core/tensor.ts'

/** Words of a tensor that its hash looks at. */
const looked = 4096

/** A 32-bit hash over the tensors of a row, in their order. */
export function hashOf(tensors: Tensors): number {
	let hash = 0x811c9dc5
	for (const value of Object.values(tensors)) {
		const bytes = bytesOf(value)
		const words = wordsOf(bytes)
		// An odd step meets all bytes of wider elements.
		const step = Math.floor(words.length / looked) | 1
		for (let index = 0; index < words.length; index += step) hash = Math.imul(hash ^ (words[index] as number), 0x01000193)
		for (let index = words.length * 4; index < bytes.length; index++) hash = Math.imul(hash ^ (bytes[index] as number), 0x01000193)
	}
	return hash
}

/** Whether two rows of one model have the same names, shapes and bytes. */
export function identical(a: Tensors, b: Tensors): boolean {
	return Object.entries(a).every(([name, value]) => {
		const other = b[name]
		return other !== undefined && String(value.shape) === String(other.shape) && sameBytes(bytesOf(value), bytesOf(other))
	})
}

function sameBytes(a: Uint8Array, b: Uint8Array): boolean {
	if (a.length !== b.length) return false
	const [words, others] = [wordsOf(a), wordsOf(b)]
	for (let index = 0; index < words.length; index++) if (words[index] !== others[index]) return false
	for (let index = words.length * 4; index < a.length; index++) if (a[index] !== b[index]) return false
	return true
}

const bytesOf = ({ data: { buffer, byteOffset, byteLength } }: Tensor): Uint8Array => new Uint8Array(buffer, byteOffset, byteLength)

/** Rows are copies, which begin where their buffer begins. */
const wordsOf = ({ buffer, byteOffset, byteLength }: Uint8Array): Uint32Array => new Uint32Array(buffer, byteOffset, byteLength >> 2)

/** What may be shared, by hash. */
export class InFlight<T extends { readonly hash: number }> {
	readonly #byHash = new Map<number, T[]>()

	/** The first one of this hash that `same` holds for. */
	find(hash: number, same: (other: T) => boolean): T | undefined {
		return this.#byHash.get(hash)?.find(same)
	}

	add(one: T): void {
		const others = this.#byHash.get(one.hash)
		if (others) others.push(one)
		else this.#byHash.set(one.hash, [one])
	}

	delete(one: T): void {
		const others = this.#byHash.get(one.hash)?.filter((other) => other !== one)
		if (others?.length) this.#byHash.set(one.hash, others)
		else this.#byHash.delete(one.hash)
	}
}
