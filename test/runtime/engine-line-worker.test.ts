// A session worker at the end of a line: what both page and engine ask for is run once.

import { describe, expect, test } from 'vitest'
import { batching } from '../../runtime/batch/batching.ts'
import type { Call, TensorsCall } from '../../runtime/core/call.ts'
import { SpillwayError } from '../../runtime/core/error.ts'
import type { Executor } from '../../runtime/core/executor.ts'
import { onceOver } from '../../runtime/device/once.ts'
import { oneText } from '../../runtime/device/one-text.ts'
import { mostBehind } from '../../runtime/device/protocol.ts'
import { tokenized } from '../../runtime/tasks/tokenized.ts'
import { embed, ends, name, tokenizer } from './engine-line-texts.ts'
import { packed, textDescription, textTensors } from './tiny.ts'
import { context, tinySession } from './tiny-sessions.ts'

describe('the worker', () => {
	const tensorsOf = (...ids: number[]): TensorsCall => ({ kind: 'tensors', model: { name }, tensors: textTensors([ids]) })

	/** Counts what reaches the session. */
	async function counting(fails: () => boolean = () => false) {
		const session = await tinySession('cpu')
		ends.push(() => void session.dispose())
		const runs: Call[] = []
		const infer: Executor['infer'] = async (call, context) => {
			runs.push(call)
			if (fails()) throw new SpillwayError('deadline-exceeded', 'too late')
			return session.infer(call, context)
		}
		return { session, runs, infer, ...onceOver((call) => infer(call, context()), infer) }
	}

	test('runs once what is asked for from both sides, and gives both the same', async () => {
		const { runs, first, again } = await counting()
		const [line, engine] = await Promise.all([first(tensorsOf(2, 4, 3)), again(tensorsOf(2, 4, 3), context())])
		expect(engine).toEqual(line)
		expect(runs).toHaveLength(1)
	})

	test('keeps it for once, and for as many calls as the engine may be behind', async () => {
		const { runs, first, again } = await counting()
		const ids = Array.from({ length: mostBehind + 1 }, (_, index) => 4 + index)
		for (const id of ids) await first(tensorsOf(2, id, 3))
		for (const id of ids) await again(tensorsOf(2, id, 3), context())
		expect(runs).toHaveLength(ids.length)
		await again(tensorsOf(2, 4, 3), context())
		expect(runs).toHaveLength(ids.length + 1)
		for (const id of [4, ...ids.map((id) => id + 1)]) await first(tensorsOf(2, id, 3))
		await again(tensorsOf(2, 4, 3), context())
		expect(runs).toHaveLength(2 * ids.length + 3)
	})

	test('takes for the same only what is the same in every byte, and for the same version', async () => {
		const { runs, first, again } = await counting()
		await first(tensorsOf(2, 4, 3))
		const others: Call[] = [tensorsOf(2, 5, 3), tensorsOf(2, 4, 4, 3), { ...tensorsOf(2, 4, 3), model: { name, version: '1.0.0' } }]
		for (const other of others) await again(other, context())
		expect(runs.slice(1)).toEqual(others)
	})

	test('runs again for the engine what failed for the page', async () => {
		let failing = true
		const { runs, first, again } = await counting(() => failing)
		await expect(first(tensorsOf(2, 4, 3))).rejects.toMatchObject({ code: 'deadline-exceeded' })
		failing = false
		expect((await again(tensorsOf(2, 4, 3), context())).output.kind).toBe('tensors')
		expect(runs).toHaveLength(2)
	})

	test('runs nothing again for the engine because of what comes to that in the same moment', async () => {
		const { manifest } = await packed(textDescription())
		if (!manifest.task) throw new Error('no task')
		const { session, runs, first, again } = await counting()
		const line = oneText(manifest.task, tokenizer, first)
		for (const text of ['hello', 'world']) await line(embed(text))
		const engine = tokenized(batching({ manifest })({ ...session, infer: again }), { manifest, tokenizer })
		const begun = { ...context(), begun: true }
		await Promise.all([
			engine.infer(embed('hello'), begun),
			engine.infer(embed('world'), begun),
			engine.infer(embed('red', 'blue'), context()),
		])
		const rows = runs.map((call) => (call as TensorsCall).tensors.ids?.shape[0])
		expect(rows).toEqual([1, 1, 2])
	})

	test('answers a line as the engine would, and one text at a time', async () => {
		const { manifest } = await packed(textDescription())
		const { session } = await counting()
		if (!manifest.task) throw new Error('no task')
		const infer = oneText(manifest.task, tokenizer, (call) => session.run(call))
		const expected = await tokenized(session, { manifest, tokenizer }).infer(embed('hello world'), context())
		const { output, ran } = await infer(embed('hello world'))
		expect(output).toEqual(expected.output)
		expect(ran).toMatchObject({ executor: 'device', version: '1.0.0', space: expected.ran.space, batch: 1 })
		await expect(infer({ ...embed('hello'), model: { name, version: '9' } })).rejects.toMatchObject({ code: 'not-found' })
		await expect(infer(embed('hello', 'world'))).rejects.toMatchObject({ code: 'unsupported' })
	})
})
