// The executor contract: what every executor promises, whatever it is and wherever it runs.

import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import type { Call, ModelRef, Output } from '../../runtime/core/call.ts'
import { type ErrorCode, SpillwayError } from '../../runtime/core/error.ts'
import type { Context, Executor } from '../../runtime/core/executor.ts'

/** An executor under test, with what only its maker knows. */
export interface Subject {
	readonly executor: Executor
	/** A call that it answers, made anew each time. */
	call(model?: Partial<ModelRef>): Call
	/** Throws unless it is the right answer. */
	check(output: Output): void
	/** Calls whose input is wrong, by what is wrong with it. */
	readonly wrong: Readonly<Record<string, Call>>
	/** Network hops between the test and what computes. */
	readonly hops: number
	/** Calls that come now do not get their answer before the returned function is called. */
	hold(): (() => void) | Promise<() => void>
	/** Runs, requests or messages so far: what an estimate must not need. */
	sent(): number
	/** Retries that a call costs that succeeds. Default 0. */
	readonly retries?: number
	/** Gives back what the executor does not own. */
	close?(): Promise<void>
}

export interface ContractOptions {
	/** Makes a fresh subject. */
	make(): Promise<Subject>
	/** Code for a model, version or space that is not there. Default: any of those that mean it. */
	elsewhere?: readonly ErrorCode[]
	/** Whether `estimate` speaks for itself; false for executors that are driven from afar. Default true. */
	estimates?: boolean
}

const context = (more: Partial<Context> = {}): Context => ({
	remaining: 20_000,
	signal: new AbortController().signal,
	hops: 0,
	retries: { left: 2 },
	trace: `00-${'1'.repeat(32)}-${'2'.repeat(16)}-00`,
	...more,
})

/** The error that a promise rejects with; anything else than a SpillwayError fails the test. */
async function errorOf(promise: Promise<unknown>): Promise<SpillwayError> {
	const error = await promise.then(
		() => {
			throw new Error('answered, but should have refused')
		},
		(thrown: unknown) => thrown,
	)
	if (error instanceof SpillwayError) return error
	throw error
}

/** What the call holds, data included, for telling later whether it was touched. */
const snapshot = (call: Call) => structuredClone(call)

/** Asserts the contract. */
export function executorContract(name: string, { make, elsewhere, estimates = true }: ContractOptions): void {
	describe(`the executor contract: ${name}`, () => {
		let subject: Subject
		beforeAll(async () => {
			subject = await make()
		})
		afterAll(async () => {
			await subject?.executor.dispose()
			await subject?.close?.()
		})
		const infer = (call: Call, more?: Partial<Context>) => subject.executor.infer(call, context(more))

		test('answers what is right', async () => {
			subject.check((await infer(subject.call())).output)
		})

		test('answers the same again, and to many at once', async () => {
			const answers = await Promise.all(Array.from({ length: 12 }, () => infer(subject.call())))
			for (const { output } of answers) subject.check(output)
		})

		test("hands out answers that are the caller's own", async () => {
			const { output } = await infer(subject.call())
			if (output.kind === 'embed') for (const vector of output.vectors) vector.fill(7)
			else if (output.kind === 'tensors') for (const { data } of Object.values(output.tensors)) new Uint8Array(data.buffer).fill(7)
			subject.check((await infer(subject.call())).output)
		})

		test('leaves the input as it was', async () => {
			const call = subject.call()
			const before = snapshot(call)
			await infer(call)
			expect(call).toEqual(before)
		})

		test('tells where it ran, completely', async () => {
			const call = subject.call()
			const { ran } = await infer(call)
			expect(Object.keys(ran).sort()).toEqual(
				['executor', 'provider', 'model', 'version', 'variant', 'space', 'queue', 'run', 'batch', 'hops', 'overflow'].sort(),
			)
			expect(ran).toMatchObject({ executor: expect.stringMatching(/./), model: call.model.name, hops: subject.hops })
			for (const time of [ran.queue, ran.run, ran.batch]) if (time !== null) expect(time).toBeGreaterThanOrEqual(0)
			expect(JSON.parse(JSON.stringify(ran))).toEqual(ran)
		})

		test('takes no retry but for what failed', async () => {
			const retries = { left: 2 }
			await infer(subject.call(), { retries })
			expect(retries.left).toBe(2 - (subject.retries ?? 0))
		})

		describe('refuses', () => {
			const wrong = async (call: Call) => {
				const { code } = await errorOf(infer(call))
				expect(elsewhere ?? ['not-found', 'unsupported']).toContain(code)
			}

			test('wrong inputs, each with a message', async () => {
				for (const [what, call] of Object.entries(subject.wrong)) {
					const { code, message } = await errorOf(infer(call))
					expect({ what, code }).toEqual({ what, code: 'invalid-input' })
					expect(message.length).toBeGreaterThan(10)
				}
			})

			test('another model', () => wrong(subject.call({ name: 'no-such-model' })))
			test('another version', () => wrong(subject.call({ version: '99.0.0' })))
			test('another space', () => wrong(subject.call({ space: `minilm@${'0'.repeat(64)}/int8` })))

			test('and goes on answering', async () => {
				subject.check((await infer(subject.call())).output)
			})
		})

		describe('time', () => {
			test('none left: settles at once', async () => {
				expect((await errorOf(infer(subject.call(), { remaining: 0 }))).code).toBe('deadline-exceeded')
			})

			test('settles at the deadline, whatever happens inside', async () => {
				const release = await subject.hold()
				const started = performance.now()
				try {
					const { code } = await errorOf(infer(subject.call(), { remaining: 60 }))
					expect(code).toBe('deadline-exceeded')
					expect(performance.now() - started).toBeLessThan(6000)
				} finally {
					release()
				}
			})

			test('before the call was aborted: nothing is begun', async () => {
				const error = await errorOf(infer(subject.call(), { signal: AbortSignal.abort('no more') }))
				expect(error).toMatchObject({ code: 'aborted', cause: 'no more' })
			})

			test('aborted in mid-call: settles at once', async () => {
				const controller = new AbortController()
				const release = await subject.hold()
				try {
					const failed = errorOf(infer(subject.call(), { signal: controller.signal }))
					setTimeout(() => controller.abort('changed my mind'), 30)
					expect(await failed).toMatchObject({ code: 'aborted', cause: 'changed my mind' })
				} finally {
					release()
				}
			})

			test('the calls after that are answered', async () => {
				subject.check((await infer(subject.call())).output)
			})

			test('one that is aborted does not disturb another', async () => {
				const controller = new AbortController()
				const release = await subject.hold()
				const failed = errorOf(infer(subject.call(), { signal: controller.signal }))
				const other = infer(subject.call())
				controller.abort()
				expect((await failed).code).toBe('aborted')
				release()
				subject.check((await other).output)
			})
		})

		if (estimates)
			describe('estimates', () => {
				test('at once, and sends nothing', async () => {
					await infer(subject.call())
					const before = subject.sent()
					const { can, queue, run } = subject.executor.estimate(subject.call())
					expect(can).toBe('now')
					expect(queue).toBeGreaterThanOrEqual(0)
					expect(run).toBeGreaterThanOrEqual(0)
					await new Promise((resolve) => setTimeout(resolve, 20))
					expect(subject.sent()).toBe(before)
				})

				test('of what it cannot do: gives the reason, or leaves it to the call', () => {
					for (const call of [...Object.values(subject.wrong), subject.call({ space: 'another' })]) {
						const { can, reason } = subject.executor.estimate(call)
						if (can === 'no') expect(reason).toBeDefined()
					}
				})
			})

		describe('disposed', () => {
			test('calls under way settle, later ones are refused, and that again', async () => {
				const own = await make()
				try {
					const release = await own.hold()
					const pending = errorOf(own.executor.infer(own.call(), context()))
					await new Promise((resolve) => setTimeout(resolve, 20))
					const disposed = own.executor.dispose()
					expect((await pending).code).toBe('disposed')
					release()
					await disposed
					await own.executor.dispose()
					expect((await errorOf(own.executor.infer(own.call(), context()))).code).toBe('disposed')
					if (estimates) expect(own.executor.estimate(own.call())).toMatchObject({ can: 'no', reason: 'unhealthy' })
				} finally {
					await own.close?.()
				}
			})
		})
	})
}
