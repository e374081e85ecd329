// How many workers the engine's pool has: more when that pays, fewer when there is nothing to do.

import { describe, expect, test } from 'vitest'
import { Growth } from '../../runtime/device/growth.ts'
import { grown, memory, sleep, slow, stuck, until } from './engine-pool-members.ts'
import { answered, ask, busy, members, pool, poolOf } from './engine-pool-scene.ts'

describe('another worker', () => {
	test('is not there beforehand, nor started for a little work', async () => {
		await poolOf(4, [slow(5)])
		expect(pool).toMatchObject({ width: 1, workers: 1, memory })
		await ask(10)
		pool.want(1e9)
		expect(pool.workers, 'the one that is there has nothing to do').toBe(1)
	})

	test('is started when what waits takes longer than a start', async () => {
		await poolOf(4, [slow(30)])
		const calls = ask(20)
		await busy()
		pool.want(10)
		expect(pool.workers).toBe(1)
		pool.want(5000)
		expect(pool).toMatchObject({ width: 1, workers: 2 })
		await until(() => pool.width === 2)
		expect(pool.memory).toBe(2 * memory)
		expect(await calls).toEqual(answered(20))
		expect(members.loads[1]).toBeGreaterThan(3)
	})

	test('is started by the pool’s own queue, too', async () => {
		await poolOf(2, [slow(40)])
		await ask(2)
		// Once the pace is known, a hundred of them are four seconds.
		const calls = ask(100)
		await until(() => pool.width === 2)
		await pool.dispose()
		await calls
	})

	test('never beyond the most', async () => {
		await poolOf(3, [stuck])
		const calls = ask(10)
		await grown(pool, 3)
		pool.want(1e9)
		pool.want(1e9)
		expect(pool.workers).toBe(3)
		await pool.dispose()
		expect(await calls).toEqual(new Array(10).fill('disposed'))
	})

	test('is told of by onChange when it is there', async () => {
		const widths: number[] = []
		await poolOf(2, [slow(10)], { onChange: () => pool && widths.push(pool.width) })
		const calls = ask(10)
		await grown(pool, 2)
		expect(widths).toContain(2)
		await calls
	})
})

describe('a worker that has nothing to do', () => {
	test('is ended after a while, but never the last one', async () => {
		await poolOf(3, [slow(20)], { idle: 60 })
		const calls = ask(12)
		await grown(pool, 3)
		await calls
		expect(pool.width).toBe(3)
		await until(() => pool.width === 1)
		expect(members.living).toHaveLength(1)
		await sleep(150)
		expect(pool).toMatchObject({ width: 1, workers: 1, memory })
		expect(await ask(3)).toEqual(['answered', 'answered', 'answered'])
	})

	test('is not one that is given work in time', async () => {
		await poolOf(2, [slow(10)], { idle: 200 })
		const calls = ask(8)
		await grown(pool, 2)
		await calls
		for (let turn = 0; turn < 8; turn++) {
			await ask(2)
			await sleep(40)
		}
		expect(pool.width).toBe(2)
	})

	test('stays when the others have died', async () => {
		await poolOf(2, [slow(10)], { idle: 60 })
		const calls = ask(8)
		await grown(pool, 2)
		await calls
		members.started[0]?.kill()
		await sleep(150)
		expect(members.living).toHaveLength(1)
		expect(pool.width).toBe(1)
	})
})

describe('fewer at most', () => {
	test('those at work finish first, and no call is lost', async () => {
		await poolOf(3, [slow(40)])
		const calls = ask(12)
		await grown(pool, 3)
		pool.setMost(1)
		expect(await calls).toEqual(answered(12))
		expect(pool.workers).toBe(1)
		expect(members.living).toHaveLength(1)
	})

	test('none is started beyond, and at least one stays', async () => {
		await poolOf(3, [slow(10)])
		pool.setMost(0)
		const calls = ask(3)
		await busy()
		pool.want(1e9)
		expect(pool.workers).toBe(1)
		pool.setMost(2)
		pool.want(1e9)
		expect(pool.workers).toBe(2)
		await calls
	})
})

describe('when another worker pays', () => {
	test('a small queue that never ends grows the pool a little later', async () => {
		const growth = new Growth()
		growth.started(10, false)
		growth.started(30, false)
		expect(growth.pays(15, 1, 0)).toBe(false)
		await sleep(30)
		expect(growth.pays(15, 1, 0)).toBe(true)
	})

	test('those on their way count', () => {
		const growth = new Growth()
		growth.started(100, false)
		expect(growth.pays(250, 1, 0)).toBe(true)
		expect(growth.pays(250, 1, 2)).toBe(false)
	})

	test('what was caught up with is forgotten', async () => {
		const growth = new Growth()
		growth.started(50, false)
		expect(growth.pays(0, 1, 0)).toBe(false)
		await sleep(60)
		growth.took(150)
		expect(growth.pays(0, 1, 0)).toBe(false)
	})
})
