// Dynamic batching: rows that are the same are run once.

import { describe, expect, test } from 'vitest'
import type { Answer } from '../../runtime/core/call.ts'
import { batchingOver, callOf, check, codes, idle } from './batch-inner.ts'
import { context } from './tiny-sessions.ts'

describe('identical rows', () => {
	test('share a run, waiting or running; each answer is its own copy', async () => {
		const { inner, batched } = batchingOver()
		const open = inner.close()
		const first = batched.infer(callOf([1, 2]), context())
		await idle()
		const second = batched.infer(callOf([1, 2]), context())
		const third = batched.infer(callOf([3, 4], [1, 2], [3, 4]), context())
		await idle()
		open()
		const answers = await Promise.all([first, second, third])
		check(callOf([3, 4], [1, 2], [3, 4]), answers[2] as Answer)
		expect(inner.runs.map(({ rows }) => rows)).toEqual([[[1, 2]], [[3, 4]]])
		const [one, two] = answers.map(({ output }) => (output.kind === 'tensors' ? output.tensors.echo?.data : undefined)) as Int32Array[]
		one?.fill(7)
		expect(Array.from(two as Int32Array)).toEqual([1, 2])
	})

	test('a caller who leaves does not disturb the others', async () => {
		const { inner, batched } = batchingOver()
		const open = inner.close()
		const controller = new AbortController()
		const first = batched.infer(callOf([1, 2]), context({ signal: controller.signal }))
		await idle()
		const second = batched.infer(callOf([1, 2]), context())
		await idle()
		controller.abort()
		await expect(first).rejects.toMatchObject({ code: 'aborted' })
		open()
		check(callOf([1, 2]), await second)
		expect(inner.runs).toHaveLength(1)
		expect(inner.runs[0]?.context.signal.aborted).toBe(false)
	})

	test('one who has more time than the run was begun with gets another', async () => {
		const { inner, batched } = batchingOver()
		const open = inner.close()
		const first = codes([batched.infer(callOf([1, 2]), context({ remaining: 300 }))])
		await idle()
		const second = batched.infer(callOf([1, 2]), context())
		expect(await first).toEqual(['deadline-exceeded'])
		await idle()
		open()
		check(callOf([1, 2]), await second)
		expect(inner.runs).toHaveLength(2)
	})

	test('the same numbers in another shape, and another space, are not the same', async () => {
		const { inner, batched } = batchingOver()
		await Promise.all([
			batched.infer(callOf([1, 2]), context()),
			batched.infer(callOf([1], [2]), context()),
			batched.infer({ ...callOf([1, 2]), model: { name: 'echo', space: 'a' } }, context()),
		])
		expect(inner.runs.flatMap(({ rows }) => rows)).toHaveLength(4)
	})
})
