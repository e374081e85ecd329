// Policies: in which order executors are asked, and who is not asked at all.

import { describe, expect, test } from 'vitest'
import { type Policy, policies, tightens } from '../../runtime/overflow/policy.ts'
import { call } from './overflow-call.ts'
import type { Script } from './scripted.ts'

describe('policies', () => {
	test('device-only: the edge is never asked', async () => {
		const { error, edge } = await call({ device: { fails: 'worker-lost' }, edge: {} }, {}, 'device-only')
		expect(error).toMatchObject({ code: 'worker-lost', message: expect.stringContaining('edge (device-only)') })
		expect(edge.asked).toHaveLength(0)
	})

	test('edge-only: the device is never asked, and the answer says so', async () => {
		const { ran, device } = await call({ device: {}, edge: {} }, {}, 'edge-only')
		expect(ran).toMatchObject({ executor: 'edge', overflow: [{ executor: 'device', reason: 'policy' }] })
		expect(device.asked).toHaveLength(0)
	})

	describe('prefer-edge', () => {
		test('the edge, though the device could: the answer says so', async () => {
			const { ran, device } = await call({ device: {}, edge: { estimate: { run: 400 } } }, {}, 'prefer-edge')
			expect(ran).toMatchObject({
				executor: 'edge',
				overflow: [{ executor: 'device', reason: 'policy', detail: 'prefer-edge: expected in 0 ms' }],
			})
			expect(device.asked).toHaveLength(0)
		})

		test('whether the device is loaded or not', async () => {
			const { ran } = await call({ device: { estimate: { can: 'loading' } }, edge: {} }, {}, 'prefer-edge')
			expect(ran).toMatchObject({ executor: 'edge', overflow: [{ executor: 'device', reason: 'policy' }] })
		})

		test.each<[string, Script]>([
			['cannot', { estimate: { can: 'no', reason: 'unhealthy' } }],
			['is expected to be late', { estimate: { run: 5000 } }],
			['fails', { fails: 'network' }],
		])('the device, when the edge %s', async (_, edge) => {
			expect((await call({ device: {}, edge }, {}, 'prefer-edge')).ran?.executor).toBe('device')
		})

		test('the device, when the time left comes down to what it needs', async () => {
			const { ran } = await call({ device: { estimate: { run: 200 } }, edge: { after: 5000 } }, {}, 'prefer-edge')
			expect(ran).toMatchObject({ executor: 'device', overflow: [{ executor: 'edge', reason: 'deadline' }] })
		})
	})

	describe('fastest', () => {
		test('whoever is expected to have answered first, queue and run together', async () => {
			const faster = await call({ device: { estimate: { queue: 300, run: 50 } }, edge: { estimate: { run: 200 } } }, {}, 'fastest')
			expect(faster.ran).toMatchObject({
				executor: 'edge',
				overflow: [{ executor: 'device', reason: 'policy', detail: 'fastest: expected in 350 ms' }],
			})
			expect(faster.device.asked).toHaveLength(0)
			const nearer = await call({ device: { estimate: { queue: 100, run: 50 } }, edge: { estimate: { run: 200 } } }, {}, 'fastest')
			expect(nearer.ran).toMatchObject({ executor: 'device', overflow: [] })
		})

		test('the nearest of those that are equally fast', async () => {
			const { ran } = await call({ device: { estimate: { run: 200 } }, edge: { estimate: { queue: 150, run: 50 } } }, {}, 'fastest')
			expect(ran).toMatchObject({ executor: 'device', overflow: [] })
		})

		test('one that can answer, before one that would be faster if it could', async () => {
			const { ran } = await call({ device: { estimate: { can: 'loading' } }, edge: { estimate: { run: 900 } } }, {}, 'fastest')
			expect(ran).toMatchObject({ executor: 'edge', overflow: [{ executor: 'device', reason: 'loading' }] })
		})

		test('the least late, when nobody is expected to be in time', async () => {
			const { ran } = await call({ device: { estimate: { run: 3000 } }, edge: { estimate: { run: 1500 } } }, {}, 'fastest')
			expect(ran).toMatchObject({ executor: 'edge', overflow: [{ executor: 'device', reason: 'deadline' }] })
		})
	})

	test('a call may go nowhere where the runtime does not let it go', () => {
		const orders = ['prefer-device', 'prefer-edge', 'fastest'] as const
		const allowed = policies.flatMap((runtime) =>
			policies.filter((asked) => tightens(asked, runtime)).map((asked) => `${runtime} ${asked}`),
		)
		const expected = [
			...orders.flatMap((one) => policies.map((asked) => `${one} ${asked}`)),
			'device-only device-only',
			'edge-only edge-only',
		]
		expect(allowed.sort()).toEqual(expected.sort())
		expect(tightens('anything' as Policy, 'prefer-device')).toBe(false)
	})
})
