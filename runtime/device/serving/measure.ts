// How fast session workers are: golden samples on all of them at once, in turn with one worker that all are held against.

import type { Manifest } from '../../../models/format/manifest.ts'
import { fromTensorData } from '../../../models/format/tensor-data.ts'
import { joinRows } from '../../batch/rows.ts'
import type { TensorsCall } from '../../core/call.ts'
import type { Tensor } from '../../core/tensor.ts'
import { traceParent } from '../../core/trace.ts'
import { batchAxis, checkInputs, workOf } from '../../session/inputs.ts'
import type { Member } from '../member.ts'

export interface Sample {
	/** One golden sample as it is. */
	readonly lone: TensorsCall
	/** The same rows several times, as calls are when they are joined. */
	readonly batch: TensorsCall
	/** Rows of `batch`. */
	readonly rows: number
	readonly work: number
}

export interface Speed {
	/** Rows a second, over all workers. */
	readonly rate: number
	/** Times the rate of the one that it was held against. */
	readonly gain: number
	/** Milliseconds of a lone run. */
	readonly latency: number
	/** Whether the one that it was held against was always about as fast: if not, the device had something else to do. */
	readonly steady: boolean
	/** The same of the one that it was held against. */
	readonly reference: { readonly rate: number; readonly latency: number }
}

export interface MeasureOptions {
	samples: readonly Sample[]
	/** The one that is held against: on the same device, and measured in turn, so that neither heat nor other programs favour one. */
	reference: Runner
	/** The workers that the kind would have; the reference may be one of them. */
	members: readonly Runner[]
	/** A gain that is so far below that it need not be known better. */
	hopeless: number
	signal: AbortSignal
}

export type Runner = Pick<Member, 'ask'>

/** Rows times tokens of a batch: enough to fill a GPU's lanes a little, not enough to wait for. */
const batchWork = 256
const mostRows = 8
/** Milliseconds that one pass over the samples may take on the reference; samples that are too long for that are left out. */
const passTime = 150
/** Milliseconds of a measured pass at the least: short ones are repeated. */
const shortest = 60
const rounds = { least: 3, most: 7 }
/** Milliseconds after which no further round is begun, when there are enough of them. */
const enough = 600
/** By how much of their median rates differ on a device that has nothing else to do. */
const usualSpread = 0.3
/** Milliseconds that a run may take. */
const runLimit = 10_000
/** Passes before it counts: WebAssembly gets faster while it runs, and GPUs compile their shaders. */
const mostWarmUps = 5

/** The golden samples of a variant, the shortest first. */
export function samplesOf(manifest: Manifest, variant: string): Sample[] {
	const joined = manifest.inputs.every(({ shape }) => shape[0] === batchAxis)
	const samples = (manifest.variants[variant]?.golden ?? []).map((golden): Sample => {
		const tensors: Record<string, Tensor> = {}
		for (const [name, data] of Object.entries(golden.inputs)) tensors[name] = fromTensorData(data)
		const sizes = checkInputs(manifest, tensors)
		const rows = sizes.get(batchAxis) ?? 1
		const most = Math.min(mostRows, manifest.axes[batchAxis]?.max ?? mostRows)
		const times = joined ? Math.max(1, Math.min(Math.floor(most / rows), Math.floor(batchWork / workOf(sizes)))) : 1
		const call = (tensors: Record<string, Tensor>): TensorsCall => ({ kind: 'tensors', model: { name: manifest.model }, tensors })
		const repeated = Object.entries(tensors).map(([name, tensor]) => [name, joinRows(new Array(times).fill(tensor), 0)] as const)
		return {
			lone: call(tensors),
			batch: call(times > 1 ? Object.fromEntries(repeated) : tensors),
			rows: rows * times,
			work: workOf(sizes) * times,
		}
	})
	return samples.sort((a, b) => a.work - b.work)
}

/** @throws what the workers reject with; `deadline-exceeded` when one takes ten seconds for a run. */
export async function measure({ samples, reference, members, hopeless, signal }: MeasureOptions): Promise<Speed> {
	const { used, time } = await typical(samples, reference, signal)
	const rows = used.reduce((sum, { rows }) => sum + rows, 0)
	const repeatsIn = (milliseconds: number) => Math.max(1, Math.ceil(shortest / Math.max(milliseconds, 0.1)))
	const repeats = repeatsIn((members.length * rows * 1000) / (await warmUp(members, used, signal)))
	const latency = await lone(members[0] as Runner, used, signal)

	const gains: number[] = []
	const rates: number[] = []
	const references: number[] = []
	const began = performance.now()
	while (gains.length < rounds.most) {
		const before = await pass([reference], used, repeatsIn(time), signal)
		const rate = await pass(members, used, repeats, signal)
		references.push(before)
		rates.push(rate)
		gains.push(rate / before)
		if (median(gains) < hopeless) break
		if (gains.length >= rounds.least && performance.now() - began > enough) break
	}
	return {
		rate: median(rates),
		gain: median(gains),
		latency,
		steady: references.length < rounds.least || (Math.max(...references) - Math.min(...references)) / median(references) <= usualSpread,
		reference: { rate: median(references), latency: await lone(reference, used, signal) },
	}
}

/** As many samples as one pass has time for, and the milliseconds that it takes. */
async function typical(samples: readonly Sample[], reference: Runner, signal: AbortSignal): Promise<{ used: Sample[]; time: number }> {
	await warmUp([reference], samples.slice(0, 2), signal)
	const used: Sample[] = []
	let time = 0
	for (const sample of samples) {
		const began = performance.now()
		await run(reference, sample.batch, signal)
		const took = performance.now() - began
		if (used.length > 0 && time + took > passTime) break
		used.push(sample)
		time += took
	}
	return { used, time }
}

/** Until it gets no faster. @returns rows a second then. */
async function warmUp(members: readonly Runner[], samples: readonly Sample[], signal: AbortSignal): Promise<number> {
	let best = 0
	for (let turn = 0; turn < mostWarmUps; turn++) {
		const rate = await pass(members, samples, 1, signal)
		if (rate < best * 1.05) return best
		best = rate
	}
	return best
}

/** @returns rows a second, over all members. */
async function pass(members: readonly Runner[], samples: readonly Sample[], repeats: number, signal: AbortSignal): Promise<number> {
	const began = performance.now()
	await Promise.all(
		members.map(async (member) => {
			for (let turn = 0; turn < repeats; turn++) for (const { batch } of samples) await run(member, batch, signal)
		}),
	)
	const rows = members.length * repeats * samples.reduce((sum, { rows }) => sum + rows, 0)
	return (rows * 1000) / Math.max(performance.now() - began, 0.01)
}

async function lone(member: Runner, samples: readonly Sample[], signal: AbortSignal): Promise<number> {
	const times: number[] = []
	for (const { lone } of samples) {
		const began = performance.now()
		await run(member, lone, signal)
		times.push(performance.now() - began)
	}
	return median(times)
}

const run = (member: Runner, call: TensorsCall, signal: AbortSignal) =>
	member.ask(call, { remaining: runLimit, signal, hops: 0, retries: { left: 0 }, trace: traceParent() })

function median(values: readonly number[]): number {
	const sorted = [...values].sort((a, b) => a - b)
	return ((sorted[(sorted.length - 1) >> 1] as number) + (sorted[sorted.length >> 1] as number)) / 2
}
