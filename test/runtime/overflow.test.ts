// Overflow: the nearest executor that can answer does, and what stands before several is an executor itself.

import { describe, expect, test } from 'vitest'
import { overflow } from '../../runtime/overflow/loop.ts'
import { call } from './overflow-call.ts'
import { context, embedCall, scripted } from './scripted.ts'

describe('the nearest executor that can answer does', () => {
	test('the device, when it can: the edge is not asked', async () => {
		const { ran, edge } = await call({ device: {}, edge: {} })
		expect(ran).toMatchObject({ executor: 'device', overflow: [] })
		expect(edge.asked).toHaveLength(0)
	})

	test('the edge, while the device is loading', async () => {
		const { ran, device } = await call({ device: { estimate: { can: 'loading', reason: 'loading' } }, edge: {} })
		expect(ran).toMatchObject({ executor: 'edge', overflow: [{ executor: 'device', reason: 'loading' }] })
		expect(device.asked).toHaveLength(0)
	})

	test('the edge, when the device cannot', async () => {
		const { ran } = await call({ device: { estimate: { can: 'no', reason: 'memory', detail: 'too small' } }, edge: {} })
		expect(ran?.overflow).toEqual([{ executor: 'device', reason: 'memory', detail: 'too small' }])
	})

	test('the edge, when the device has too long a queue for the time left', async () => {
		const { ran } = await call({ device: { estimate: { queue: 900, run: 200 } }, edge: { estimate: { run: 100 } } })
		expect(ran?.overflow).toEqual([{ executor: 'device', reason: 'queue', detail: 'expected in 1100 ms of 1000' }])
	})

	test('the edge, when the device is too slow for the time left', async () => {
		const { ran } = await call({ device: { estimate: { run: 2000 } }, edge: {} })
		expect(ran?.overflow).toMatchObject([{ reason: 'deadline' }])
	})

	test('the device all the same, when nobody is expected to be in time', async () => {
		const { ran } = await call({ device: { estimate: { run: 2000 } }, edge: { estimate: { run: 1500 } } })
		expect(ran?.executor).toBe('device')
	})

	test('the device that is still loading, when the edge has failed', async () => {
		const { ran } = await call({ device: { estimate: { can: 'loading' }, after: 50 }, edge: { fails: 'network' } })
		expect(ran).toMatchObject({ executor: 'device', overflow: [{ executor: 'edge', reason: 'unhealthy', detail: 'network: edge cannot' }] })
	})

	test('one that says no, when nobody else is left: it may not know better', async () => {
		const { ran } = await call({ device: { fails: 'worker-lost' }, edge: { estimate: { can: 'no', reason: 'unhealthy' } } })
		expect(ran?.executor).toBe('edge')
	})

	test('who does not take such calls is not asked at all', async () => {
		const { ran, device } = await call({ device: { accepts: ['tensors'] }, edge: {} })
		expect(ran?.overflow).toMatchObject([{ executor: 'device', reason: 'unsupported' }])
		expect(device.asked).toHaveLength(0)
	})

	test('an estimate that throws is a no', async () => {
		const { ran } = await call({
			device: {
				estimate: () => {
					throw new TypeError('oops')
				},
			},
			edge: {},
		})
		expect(ran?.overflow).toEqual([{ executor: 'device', reason: 'unhealthy', detail: 'oops' }])
	})
})

describe('as an executor', () => {
	test('takes what any of them takes', () => {
		const both = overflow('edge', [scripted({ accepts: ['embed'] }), scripted({ accepts: ['tensors', 'embed'] })])
		expect([...both.accepts].sort()).toEqual(['embed', 'tensors'])
	})

	test('expects what the first choice expects', () => {
		const both = overflow('edge', [scripted({ estimate: { can: 'loading' } }), scripted({ estimate: { queue: 7, run: 8 } })])
		expect(both.estimate(embedCall)).toEqual({ can: 'now', queue: 7, run: 8 })
	})

	test('says no when nobody takes the call', () => {
		const none = overflow('edge', [scripted({ accepts: ['tensors'] })])
		expect(none.estimate(embedCall)).toMatchObject({ can: 'no', reason: 'unsupported' })
	})

	test('disposes all of them, and then refuses', async () => {
		const inner = [scripted(), scripted()]
		const both = overflow('edge', inner)
		await both.dispose()
		await both.dispose()
		expect(inner.every(({ disposed }) => disposed)).toBe(true)
		await expect(both.infer(embedCall, context())).rejects.toMatchObject({ code: 'disposed' })
		expect(both.estimate(embedCall)).toMatchObject({ can: 'no', reason: 'unhealthy' })
	})
})
