// One budget of memory over all models: what is granted always fits, and nobody gives memory back for nothing.

import fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import { Budget, defaultBudget, type Owner, type Share } from '../../runtime/device/budget.ts'

/** A model as the budget sees it. */
class Tenant implements Owner {
	readonly name: string
	unusedSince: number | null = null
	readonly shares: Share[] = []
	/** How often it was asked to leave. */
	left = 0

	constructor(name: string) {
		this.name = name
	}

	async leave(): Promise<void> {
		this.left++
		this.unusedSince = Number.NEGATIVE_INFINITY
		// Workers take a moment to end.
		await new Promise((resolve) => setTimeout(resolve))
		for (const share of this.shares.splice(0)) share.release()
		this.unusedSince = null
	}
}

const never = new AbortController().signal
const codeOf = (promise: Promise<unknown>) =>
	promise.then(
		() => 'granted',
		(error) => error.code,
	)

async function claim(budget: Budget, tenant: Tenant, bytes: number, signal = never): Promise<Share> {
	const share = await budget.claim(tenant, bytes, signal)
	tenant.shares.push(share)
	return share
}

test('the default is an eighth of the device, and 512 MiB where that is not known', () => {
	expect(defaultBudget(8)).toBe(2 ** 30)
	expect(defaultBudget(0.5)).toBe(64 * 2 ** 20)
	expect(defaultBudget(undefined)).toBe(512 * 2 ** 20)
})

describe('what is good to have', () => {
	test('is granted while there is room, and nobody leaves for it', () => {
		const budget = new Budget(100)
		const [a, b] = [new Tenant('a'), new Tenant('b')]
		const share = budget.reserve(a, 60)
		a.unusedSince = 1
		expect(share?.bytes).toBe(60)
		expect(budget.reserve(b, 41)).toBeUndefined()
		expect(() => budget.demand(b, 41)).toThrow(expect.objectContaining({ code: 'out-of-memory' }))
		expect(budget.reserve(b, 40)?.bytes).toBe(40)
		expect([budget.used, budget.usedBy(a), budget.usedBy(b), a.left]).toEqual([100, 60, 40, 0])
		share?.release()
		share?.release()
		expect(budget.used).toBe(40)
	})

	test('is not granted from the room that is being made for another', async () => {
		const budget = new Budget(100)
		const [idle, a, b] = [new Tenant('idle'), new Tenant('a'), new Tenant('b')]
		await claim(budget, idle, 50)
		idle.unusedSince = 1
		const claimed = claim(budget, a, 80)
		await Promise.resolve()
		expect(budget.reserve(b, 50)).toBeUndefined()
		expect((await claimed).bytes).toBe(80)
		expect(budget.reserve(b, 20)).toBeDefined()
	})
})

describe('what a model cannot do without', () => {
	test('makes the least recently used leave, and no more of them than needed', async () => {
		const budget = new Budget(100)
		const tenants = [3, 1, 2].map((since) => Object.assign(new Tenant(`${since}`), { since }))
		for (const tenant of tenants) await claim(budget, tenant, 30)
		for (const tenant of tenants) tenant.unusedSince = tenant.since
		await claim(budget, new Tenant('new'), 60)
		expect(tenants.map(({ left }) => left)).toEqual([0, 1, 1])
		expect(budget.used).toBe(90)
	})

	test('never those that are in use', async () => {
		const budget = new Budget(100)
		const [busy, other] = [new Tenant('busy'), new Tenant('other')]
		await claim(budget, busy, 50)
		await expect(claim(budget, other, 60)).rejects.toMatchObject({ code: 'out-of-memory', message: expect.stringContaining('other needs') })
		expect(busy.left).toBe(0)
	})

	test('nobody, when that would not be enough', async () => {
		const budget = new Budget(100)
		const [idle, busy, other] = [new Tenant('idle'), new Tenant('busy'), new Tenant('other')]
		await claim(budget, idle, 30)
		await claim(budget, busy, 30)
		idle.unusedSince = 1
		expect(await codeOf(claim(budget, other, 71))).toBe('out-of-memory')
		expect(idle.left).toBe(0)
		expect(await codeOf(claim(budget, other, 101))).toBe('out-of-memory')
	})

	test('waits for one that is leaving already before another has to', async () => {
		const budget = new Budget(100)
		const [old, leaving] = [new Tenant('old'), new Tenant('leaving')]
		await claim(budget, old, 50)
		await claim(budget, leaving, 50)
		old.unusedSince = 1
		leaving.unusedSince = Number.NEGATIVE_INFINITY
		await claim(budget, new Tenant('new'), 50)
		expect([old.left, leaving.left]).toEqual([0, 1])
	})

	test('is given up with its signal, while it waits and while room is made, and takes nothing', async () => {
		const budget = new Budget(100)
		const [idle, a, b] = [new Tenant('idle'), new Tenant('a'), new Tenant('b')]
		await claim(budget, idle, 100)
		idle.unusedSince = 1
		const [first, second] = [new AbortController(), new AbortController()]
		const codes = Promise.all([codeOf(claim(budget, a, 100, first.signal)), codeOf(claim(budget, b, 100, second.signal))])
		await Promise.resolve()
		second.abort()
		first.abort()
		expect(await codes).toEqual(['aborted', 'aborted'])
		expect(await codeOf(claim(budget, b, 100))).toBe('granted')
		expect(budget.used).toBe(100)
		expect(await codeOf(claim(budget, b, 1, AbortSignal.abort()))).toBe('aborted')
	})
})

test('what is more than was granted makes those leave that are not needed', async () => {
	const budget = new Budget(100)
	const [idle, busy] = [new Tenant('idle'), new Tenant('busy')]
	await claim(budget, idle, 40)
	const share = await claim(budget, busy, 50)
	idle.unusedSince = 1
	share.set(61)
	expect(budget.used).toBe(101)
	expect(budget.reserve(busy, 1)).toBeUndefined()
	await expect.poll(() => [idle.left, budget.used]).toEqual([1, 61])
	share.release()
	share.set(1000)
	expect(budget.used).toBe(0)
})

test('whatever happens: never granted above the limit, nobody leaves who is in use, every claim settles, nothing is left in the end', async () => {
	const step = fc.record({
		who: fc.nat({ max: 4 }),
		what: fc.constantFrom('claim', 'claim', 'claim', 'reserve', 'idle', 'busy', 'shrink', 'release', 'abort', 'wait'),
		bytes: fc.integer({ min: 1, max: 120 }),
	})
	await fc.assert(
		fc.asyncProperty(fc.array(step, { maxLength: 40 }), async (steps) => {
			const budget = new Budget(100)
			const tenants = Array.from({ length: 5 }, (_, i) => new Tenant(`${i}`))
			const claims: Promise<unknown>[] = []
			const controllers: AbortController[] = []
			let clock = 0
			const granted = () => expect(budget.used).toBeLessThanOrEqual(100)
			for (const tenant of tenants) {
				const leave = tenant.leave.bind(tenant)
				tenant.leave = () => {
					// Nobody in use, and nobody before one that was used earlier.
					expect(tenant.unusedSince).not.toBeNull()
					const before = tenants.filter(
						(other) => other.shares.length > 0 && other.unusedSince !== null && other.unusedSince < (tenant.unusedSince as number),
					)
					// The one that claims does not leave for itself.
					expect(before.length).toBeLessThanOrEqual(1)
					return leave()
				}
			}
			for (const { who, what, bytes } of steps) {
				const tenant = tenants[who] as Tenant
				if (what === 'claim') {
					const controller = new AbortController()
					controllers.push(controller)
					claims.push(
						claim(budget, tenant, bytes, controller.signal).then(granted, (error) => expect(error.code).toMatch(/out-of-memory|aborted/)),
					)
				} else if (what === 'reserve') {
					const share = budget.reserve(tenant, bytes)
					if (share) tenant.shares.push(share)
					if (share) granted()
				} else if (what === 'idle' && tenant.unusedSince === null) tenant.unusedSince = ++clock
				else if (what === 'busy' && tenant.unusedSince !== Number.NEGATIVE_INFINITY) tenant.unusedSince = null
				else if (what === 'shrink') tenant.shares.at(-1)?.set(Math.min(bytes, tenant.shares.at(-1)?.bytes ?? 0))
				else if (what === 'release') tenant.shares.pop()?.release()
				else if (what === 'abort') controllers.at(-1)?.abort()
				else if (what === 'wait') await new Promise((resolve) => setTimeout(resolve))
			}
			// Every claim settles.
			await Promise.all(claims)
			expect(budget.used).toBe(tenants.reduce((sum, tenant) => sum + budget.usedBy(tenant), 0))
			for (const tenant of tenants) for (const share of tenant.shares.splice(0)) share.release()
			expect(budget.used).toBe(0)
			expect(budget.reserve(tenants[0] as Tenant, 100)).toBeDefined()
		}),
		{ numRuns: 300 },
	)
})
