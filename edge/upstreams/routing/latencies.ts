// How long calls take at an upstream: lately, by what is alike.

import type { Call } from '../../../runtime/core/call.ts'

export interface Latencies {
	/** A call was answered. @param at now. @returns what it is like; undefined for calls whose time says nothing about others. */
	add(call: Call, milliseconds: number, at: number): string | undefined
	/** A call was given up after this time. */
	atLeast(call: Call, milliseconds: number): void
	/** Milliseconds that such a call takes; undefined while none like it was answered. */
	expect(call: Call): number | undefined
	/** Milliseconds of any call, on average; 0 before the first. */
	readonly usual: number
	/** When the last answer came. */
	readonly answeredAt: number
}

/** How much of what is known a new measurement replaces: what becomes slower is believed sooner than what becomes faster. */
const shares = { slower: 0.5, faster: 0.125 }

/** Share of the usual time that each call makes up. */
const share = 0.05

/** Kinds of calls that are remembered. */
const mostKinds = 512

export function latencies(): Latencies {
	const known = new Map<string, number>()
	let usual = 0
	let answeredAt = performance.now()

	function set(alike: string, milliseconds: number) {
		const [oldest] = known.keys()
		if (known.size >= mostKinds && !known.has(alike) && oldest !== undefined) known.delete(oldest)
		known.set(alike, milliseconds)
	}

	return {
		add(call, milliseconds, at) {
			answeredAt = at
			usual += (milliseconds - usual) * (usual === 0 ? 1 : share)
			// How long a model writes depends on what it writes.
			const alike = kindOf(call)
			const before = known.get(alike) ?? milliseconds
			set(alike, before + (milliseconds - before) * (milliseconds > before ? shares.slower : shares.faster))
			return call.kind === 'task' && call.task === 'generate' ? undefined : alike
		},
		atLeast(call, milliseconds) {
			const alike = kindOf(call)
			const before = known.get(alike)
			if (before !== undefined && milliseconds > before) set(alike, before + (milliseconds - before) * shares.slower)
		},
		expect: (call) => known.get(kindOf(call)),
		get usual() {
			return usual
		},
		get answeredAt() {
			return answeredAt
		},
	}
}

/** Asked several times for each call. */
const kinds = new WeakMap<Call, string>()

/** Calls of one model whose sizes differ by less than twice. */
function kindOf(call: Call): string {
	const known = kinds.get(call)
	if (known !== undefined) return known
	const kind = `${call.model.name} ${call.kind === 'task' ? call.task : 'tensors'} ${Math.ceil(Math.log2(sizeOf(call)))}`
	kinds.set(call, kind)
	return kind
}

/** Grows with the time that a call takes. Input may be wrong: the call itself will say so. */
function sizeOf(call: Call): number {
	try {
		let size = 1
		if (call.kind === 'tensors') for (const name in call.tensors) size += call.tensors[name]?.data.byteLength ?? 0
		else if (call.task === 'embed') for (const text of call.input) size += 20 + text.length
		return Number.isFinite(size) ? size : 1
	} catch {
		return 1
	}
}
