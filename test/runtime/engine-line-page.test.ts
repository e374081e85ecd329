// A page's line to a session worker: a text that is asked for alone takes it, beside the way through the engine.

import { describe, expect, test } from 'vitest'
import { type Answer, type Call, type EmbedCall, provenance } from '../../runtime/core/call.ts'
import { SpillwayError } from '../../runtime/core/error.ts'
import type { Executor } from '../../runtime/core/executor.ts'
import { answerOver } from '../../runtime/device/port.ts'
import { mostBehind } from '../../runtime/device/protocol.ts'
import { linesBeside } from '../../runtime/page/line.ts'
import { embed, ends, name, patient } from './engine-line-texts.ts'
import { context } from './tiny-sessions.ts'

const answerOf = (executor: string): Answer => ({
	output: { kind: 'embed', vectors: [], tokens: 3 },
	ran: provenance(executor, { name }),
})
const executorOf = async (answer: Promise<Answer>) => (await answer).ran.executor

/** A page, an engine that answers when it is told to, and lines to workers that do what they are told. */
function scene() {
	/** By text; in the engine's hands. */
	const asked = new Map<string, (answer: Answer | SpillwayError) => void>()
	const begun: string[] = []
	const ask: Executor['infer'] = (call, context) =>
		new Promise((resolve, reject) => {
			if (context.begun) begun.push(String((call as EmbedCall).input))
			asked.set(String((call as EmbedCall).input), (answer) => (answer instanceof SpillwayError ? reject(answer) : resolve(answer)))
		})
	/** Milliseconds; stands still, as no test may depend on how fast it is. */
	const time = { now: 0 }
	const lines = linesBeside(ask, () => time.now)
	return {
		...lines,
		time,
		/** Those of which the engine was told that a worker has begun them. */
		begun,
		/** Lets the engine answer a text. */
		engine(text: string, answer: Answer | SpillwayError = answerOf('engine')) {
			asked.get(text)?.(answer)
			asked.delete(text)
		},
		/** @returns the texts that come on it. */
		lay(answer: (() => Promise<Answer>) | undefined, space = '1') {
			const { port1: page, port2: worker } = new MessageChannel()
			ends.push(() => worker.close())
			const texts: string[] = []
			answerOver(worker, (call) => {
				texts.push(String((call as EmbedCall).input))
				return answer?.() ?? new Promise(() => {})
			})
			lines.lay({ type: 'line', model: name, space, port: page })
			return texts
		},
		/** As the page does. @returns who has answered. */
		embed(...texts: string[]) {
			const call = embed(...texts)
			lines.begin(call)
			const answered = executorOf(lines.ask(call, context()))
			answered.catch(() => {})
			return answered
		},
	}
}

const answers = async () => answerOf('line')

describe('the page', () => {
	test('takes what comes first: the line’s answer, the engine’s is passed by', async () => {
		const on = scene()
		const texts = on.lay(answers)
		for (const text of ['a', 'b']) {
			expect(await on.embed(text)).toBe('line')
			on.engine(text)
		}
		expect(texts).toEqual(['a', 'b'])
		expect(on.begun).toEqual(texts)
	})

	test('is answered by the engine where the line leads nowhere, or where something is wrong', async () => {
		const on = scene()
		for (const answer of [undefined, () => Promise.reject(new SpillwayError('internal', 'no'))]) {
			on.lay(answer)
			const answered = on.embed('a')
			on.engine('a')
			expect(await answered).toBe('engine')
		}
		const refused = on.embed('b')
		on.engine('b', new SpillwayError('unavailable', 'not now'))
		await expect(refused).rejects.toMatchObject({ code: 'unavailable', message: 'not now' })
	})

	test('is told by the engine that time is up, or that it is gone, whatever the line does', async () => {
		const on = scene()
		on.lay(undefined)
		const late = on.embed('a')
		on.engine('a', new SpillwayError('deadline-exceeded', 'too late'))
		await expect(late).rejects.toMatchObject({ code: 'deadline-exceeded' })
	})

	test('leaves to the engine what is not asked for alone', async () => {
		const on = scene()
		const texts = on.lay(undefined)
		const calls = [on.embed('two', 'texts'), on.embed('beside them')]
		for (const text of ['two,texts', 'beside them']) on.engine(text)
		expect(await Promise.all(calls)).toEqual(['engine', 'engine'])
		const alone = on.embed('alone')
		const beside = on.embed('beside it')
		for (const text of ['alone', 'beside it']) on.engine(text)
		expect(await Promise.all([alone, beside])).toEqual(['engine', 'engine'])
		const others: Call[] = [
			{ kind: 'tensors', model: { name }, tensors: {} },
			{ ...embed('of another'), model: { name: 'another' } },
		]
		on.lay(undefined)
		for (const other of others) on.begin(other)
		await expect.poll(() => texts, patient).toEqual(['alone'])
		expect(on.begun).toEqual(['alone'])
	})

	test('does not begin more while what was begun for nothing goes on', async () => {
		const on = scene()
		let answer = (_: Answer) => {}
		const texts = on.lay(() => new Promise((resolve) => (answer = resolve)))
		// Another executor answers it.
		on.begin(embed('a'))
		on.begin(embed('b'))
		await expect.poll(() => texts, patient).toEqual(['a'])
		answer(answerOf('line'))
		await expect
			.poll(() => {
				on.begin(embed('c'))
				return texts
			}, patient)
			.toEqual(['a', 'c'])
	})

	test('waits for an engine that is too far behind', async () => {
		const on = scene()
		const texts = on.lay(answers)
		const early = Array.from({ length: mostBehind + 1 }, (_, index) => String(index))
		for (const text of early) expect(await on.embed(text)).toBe('line')
		const late = on.embed('late')
		on.engine('late')
		expect(await late).toBe('engine')
		for (const text of early) on.engine(text)
		// It hears that in a moment.
		await Promise.resolve()
		expect(await on.embed('again')).toBe('line')
		expect(texts).toEqual([...early, 'again'])
	})

	test('leaves to the engine what had to wait in the worker, for it knows how long', async () => {
		const on = scene()
		on.lay(async () => {
			on.time.now += 300
			const { output, ran } = answerOf('line')
			return { output, ran: { ...ran, queue: 0, run: 200 } }
		})
		const waited = on.embed('a')
		await expect.poll(() => on.time.now, patient).toBe(300)
		on.engine('a')
		expect(await waited).toBe('engine')
	})

	test('uses none any more once the engine is gone', async () => {
		const on = scene()
		const texts = on.lay(undefined)
		on.embed('a')
		await expect.poll(() => texts, patient).toEqual(['a'])
		on.close(new SpillwayError('worker-lost', 'killed'))
		on.engine('a')
		const later = on.embed('b')
		on.engine('b')
		expect(await later).toBe('engine')
		expect(on.begun).toEqual(['a'])
	})

	test('uses the last line, and none into another space than that of what serves', async () => {
		const on = scene()
		const before = on.lay(answers, '1')
		const texts = on.lay(answers, '2')
		expect(await on.embed('a')).toBe('line')
		on.engine('a')
		on.cut(name, '2')
		expect(await on.embed('b')).toBe('line')
		on.engine('b')
		on.cut(name, '3')
		const last = on.embed('c')
		on.engine('c')
		expect(await last).toBe('engine')
		expect([before, texts]).toEqual([[], ['a', 'b']])
	})
})
