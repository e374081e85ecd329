// The engine beside a line: it lays one when all is still, and leaves to it what was begun there.

import { describe, expect, test } from 'vitest'
import { SpillwayError } from '../../runtime/core/error.ts'
import type { Context } from '../../runtime/core/executor.ts'
import { Begun } from '../../runtime/device/begun.ts'
import type { Member } from '../../runtime/device/member.ts'
import { keepLine } from '../../runtime/device/serving/line.ts'
import { Stillness } from '../../runtime/device/serving/stillness.ts'
import { bytes, ends, patient } from './engine-line-texts.ts'
import { context } from './tiny-sessions.ts'

describe('the engine', () => {
	test('leaves what was begun until something else comes, or for a moment', async () => {
		const begun = new Begun()
		const order: string[] = []
		const work =
			(text: string) =>
			async ({ remaining }: Context) => {
				order.push(text)
				return remaining
			}
		const hold = (remaining: number, text: string) => begun.hold(context({ remaining }), work(text))
		const held = [hold(1000, 'a'), hold(1000, 'b')]
		expect([order, begun.size]).toEqual([[], 2])
		begun.release()
		order.push('c')
		expect([order, begun.size]).toEqual([['a', 'b', 'c'], 0])
		for (const remaining of await Promise.all(held)) expect(remaining).toBeGreaterThan(900)
		expect(await hold(1000, 'd')).toBeLessThan(1000)
		await hold(1, 'e')
		expect(order).toEqual(['a', 'b', 'c', 'd', 'e'])
		await expect(begun.hold(context({ remaining: 1 }), () => Promise.reject(new Error('no')))).rejects.toThrow('no')
	})

	test('knows of what was begun which worker has begun it, though that is gone and another has its place', async () => {
		const begun = new Begun()
		const [before, after] = [new AbortController(), new AbortController()]
		const worker = () => begun.hold(context(), async ({ begunBy }) => begunBy)
		begun.worker = before.signal
		const held = worker()
		before.abort()
		begun.worker = after.signal
		begun.release()
		expect([await held, await worker()]).toEqual([before.signal, after.signal])
	})

	function engine() {
		const lines: MessagePort[] = []
		const workers: AbortSignal[] = []
		const life = new AbortController()
		let member: (Member & { laid: number; kill(): void }) | undefined
		const stillness = new Stillness()
		const look = keepLine({
			member: () => member,
			tokenizer: async () => bytes.slice(),
			stillness,
			signal: life.signal,
			onLine(port, worker) {
				lines.push(port)
				workers.push(worker)
			},
		})
		const made = () => {
			const over = new AbortController()
			const kill = () => over.abort(new SpillwayError('worker-lost', 'killed'))
			member = { ask: () => new Promise(() => {}), over: over.signal, memory: 0, laid: 0, lay: () => void one.laid++, end: kill, kill }
			const one = member
			return one
		}
		ends.push(() => {
			life.abort()
			for (const port of lines) port.close()
		})
		return { lines, workers, life, stillness, look, made }
	}

	test('lays a line when nobody asks for anything, and one to another worker when the first is gone', async () => {
		const { lines, workers, stillness, look, made } = engine()
		look()
		const first = made()
		const leave = stillness.enter()
		for (let turn = 0; turn < 3; turn++) look()
		await new Promise((resolve) => setTimeout(resolve, 50))
		expect(lines).toHaveLength(0)
		leave()
		await expect.poll(() => lines.length, patient).toBe(1)
		look()
		first.kill()
		const second = made()
		look()
		await expect.poll(() => lines.length, patient).toBe(2)
		expect([first.laid, second.laid]).toEqual([1, 1])
		expect(workers).toEqual([first.over, second.over])
	})

	test('lays none to a worker that has died meanwhile, nor once the version is over', async () => {
		const { lines, life, stillness, look, made } = engine()
		const leave = stillness.enter()
		const first = made()
		look()
		first.kill()
		leave()
		await new Promise((resolve) => setTimeout(resolve, 50))
		life.abort()
		made()
		look()
		await new Promise((resolve) => setTimeout(resolve, 50))
		expect(lines).toHaveLength(0)
	})
})
