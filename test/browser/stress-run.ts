// Carries out a plan in a page, and judges how each of its calls ended.

import type { RuntimeOptions, SpillwayError } from '../../runtime/index.ts'
import type { Fault, Planned } from './stress-plan.ts'

declare global {
	interface Window {
		/** Lets it happen; resolves when it has. */
		cause(fault: Exclude<Fault, 'dispose'>): Promise<void>
	}
}

export interface RunOptions {
	/** Address of the plan, as JSON. */
	plan: string
	/** Calls under way at a time. */
	parallel: number
	runtime: RuntimeOptions
}

export interface RunResult {
	/** How many calls ended in what way: `answered`, or an error's code. */
	ends: Record<string, number>
	/** What should not have happened. */
	wrong: string[]
	/** Milliseconds after their deadline that calls settled, and after their abort, in ascending order. */
	late: { deadline: number[]; abort: number[] }
}

/** Runs in the page, on `window.runtime`. */
export async function runPlan({ plan, parallel, runtime: options }: RunOptions): Promise<RunResult> {
	const planned = (await (await fetch(plan)).json()) as Planned[]
	const result: RunResult = { ends: {}, wrong: [], late: { deadline: [], abort: [] } }
	/** Faults that were asked for, and that have happened. */
	let begun = 0
	let over = 0
	const others: Promise<unknown>[] = []

	function cause(fault: Fault): void {
		begun++
		if (fault === 'dispose') {
			others.push(window.runtime.dispose())
			window.runtime = window.spillway.createRuntime(options)
			over++
		} else others.push(window.cause(fault).finally(() => over++))
	}

	const arrays = {
		INT64: (data: number[]) => BigInt64Array.from(data, BigInt),
		FP32: (data: number[]) => Float32Array.from(data),
	}

	async function answer(
		{ model: name, texts, tensors = {} }: Planned,
		runtime: Window['runtime'],
		options: object,
	): Promise<Record<string, number[]>> {
		const model = runtime.model(name)
		if (texts) {
			const { vectors } = await model.embed(texts, options)
			return Object.fromEntries(vectors.map((vector, at) => [at, [...vector]]))
		}
		const inputs = Object.entries(tensors).map(([input, { datatype, shape, data }]) => [
			input,
			{ datatype, shape, data: arrays[datatype as keyof typeof arrays](data) },
		])
		const { tensors: outputs } = await model.infer(Object.fromEntries(inputs), options)
		return Object.fromEntries(Object.entries(outputs).map(([output, { data }]) => [output, Array.from(data as Float32Array, Number)]))
	}

	/** What is wrong with an answer, if anything. */
	function difference(got: Record<string, number[]>, { expected, tolerance }: Planned): string | undefined {
		if (String(Object.keys(got).sort()) !== String(Object.keys(expected).sort())) return `outputs ${Object.keys(got)}`
		for (const [output, numbers] of Object.entries(expected)) {
			if (got[output]?.length !== numbers.length) return `${output} has ${got[output]?.length} numbers`
			for (const [at, number] of numbers.entries()) {
				const off = Math.abs((got[output]?.[at] ?? Number.NaN) - number)
				if (!(off <= tolerance)) return `${output}[${at}] is ${got[output]?.[at]}, not ${number}`
			}
		}
		return
	}

	async function one(at: number, call: Planned): Promise<void> {
		const { abort, deadline = 30_000, priority, fault } = call
		if (fault) cause(fault)
		const runtime = window.runtime
		const before = over
		const controller = new AbortController()
		const start = performance.now()
		let abortedAt = Number.NaN
		const stop = () => {
			abortedAt = performance.now()
			controller.abort()
		}
		if (abort === 0) stop()
		const timer = abort ? setTimeout(stop, abort) : undefined
		let end = 'answered'
		let why = ''
		let wrong: string | undefined
		let givenUp: ReturnType<typeof setTimeout> | undefined
		try {
			const never = new Promise<never>((_, reject) => {
				givenUp = setTimeout(() => reject(new Error('never settled')), deadline + 30_000)
			})
			wrong = difference(await Promise.race([answer(call, runtime, { deadline, priority, signal: controller.signal }), never]), call)
			if (abort === 0) wrong = 'answered, though aborted before'
		} catch (thrown) {
			const { name, code, message } = thrown as SpillwayError
			const disposed = runtime !== window.runtime
			end = code
			why = message
			if (name !== 'SpillwayError' || !code) wrong = `untyped: ${thrown}`
			else if (code === 'aborted') wrong = controller.signal.aborted ? undefined : 'nobody aborted it'
			else if (code === 'disposed') wrong = disposed ? undefined : 'nobody disposed of it'
			else if (code === 'deadline-exceeded') wrong = call.deadline || performance.now() - start > 29_900 ? undefined : 'too early'
			// What one fault interrupts is done again, what several interrupt may be lost.
			else if (!['worker-lost', 'unavailable'].includes(code)) wrong = 'not a code for that'
			else if (begun - before < 2 && !disposed) wrong = `lost, for ${begun - before} fault`
		}
		const now = performance.now()
		clearTimeout(timer)
		clearTimeout(givenUp)
		result.ends[end] = (result.ends[end] ?? 0) + 1
		if (end === 'deadline-exceeded') result.late.deadline.push(Math.max(0, now - start - deadline))
		if (end === 'aborted') result.late.abort.push(Math.max(0, now - abortedAt))
		if (wrong) result.wrong.push(`call ${at} of ${call.model}: ${end}: ${why}: ${wrong}, after ${Math.round(now - start)} ms`)
	}

	let next = 0
	const caller = async () => {
		for (let at = next++; at < planned.length; at = next++) await one(at, planned[at] as Planned)
	}
	await Promise.all(Array.from({ length: parallel }, caller))
	await Promise.all(others)
	for (const list of Object.values(result.late)) list.sort((a, b) => a - b)
	return result
}
