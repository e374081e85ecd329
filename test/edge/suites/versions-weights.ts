// Versions by weight: at random, by key, by trace, and where one is not ready.

import { describe, expect, test } from 'vitest'
import { traceParent } from '../../../runtime/core/trace.ts'
import { ask, manage, route, routed, versionKeys } from './versions-under-test.ts'

/** How often each version answers. */
async function shares(url: string, asked: readonly Parameters<typeof ask>[1][]): Promise<Record<string, number>> {
	const counts: Record<string, number> = {}
	for (const one of asked) {
		const { version = 'none' } = await ask(url, one)
		counts[version] = (counts[version] ?? 0) + 1
	}
	return counts
}

export function versionsWeightsSuite(edge: () => { url: string }): void {
	const { url, answers } = routed(edge)

	describe('weights', () => {
		test('share calls out, at random', async () => {
			const split = [
				{ version: '1.0.0', weight: 3 },
				{ version: 'next', weight: 1 },
			]
			const labels = { stable: '1.0.0', next: '^2' }
			const { status, body } = await manage(url(), 'PUT', route, { labels, split })
			expect(status).toBe(200)
			expect(body.source).toBe('admin')
			expect(body.versions.find(({ version }) => version === '2.0.0')?.roles).toEqual(['current', 'weight 1 of 4', 'label next'])
			await answers('1.0.0')
			const counts = await shares(url(), new Array(200).fill({}))
			expect(Object.keys(counts).sort()).toEqual(['1.0.0', '2.0.0'])
			// 150 are expected, with a deviation of 6.
			expect(counts['1.0.0']).toBeGreaterThan(110)
			expect(counts['1.0.0']).toBeLessThan(190)
			expect((await ask(url())).route).toMatch(/^weight [13] of 4$/)
		})

		test('keep to a key, or a trace, where that is asked for; more weight for one moves nobody between the others', async () => {
			const by = async (how: string, weight: number) => {
				const split = [
					{ version: '1.0.0', weight: 10 },
					{ version: '2.0.0', weight },
				]
				await manage(url(), 'PUT', route, { split, by: how })
				const ofSplit = `weight 10 of ${10 + weight} by ${how}`
				const asked = { key: versionKeys.callers[1], trace: traceParent() }
				await expect.poll(async () => (await ask(url(), asked)).route?.replace(/^weight \d+/, 'weight 10')).toBe(ofSplit)
				const found: (string | undefined)[] = []
				for (const key of versionKeys.callers) {
					const [first, ...others] = await Promise.all([1, 2, 3].map(() => ask(url(), { key })))
					expect(first).toMatchObject({ status: 200 })
					if (how === 'key') for (const other of others) expect(other).toMatchObject({ status: 200, version: first?.version })
					found.push(first?.version)
				}
				return found
			}
			const before = await by('key', 5)
			expect(new Set(before)).toEqual(new Set(['1.0.0', '2.0.0']))
			const after = await by('key', 10)
			before.forEach((version, at) => {
				if (version === '2.0.0') expect(after[at]).toBe('2.0.0')
			})
			await by('trace', 10)
			for (let i = 0; i < 5; i++) {
				const trace = traceParent()
				const versions = await Promise.all([trace, traceParent(trace), trace].map(async (trace) => (await ask(url(), { trace })).version))
				expect(new Set(versions).size).toBe(1)
			}
		})

		test('for a version that does not become ready are answered by another one, which says so', async () => {
			const split = [
				{ version: '1.2.0', weight: 1 },
				{ version: '1.0.0', weight: 1 },
			]
			await manage(url(), 'PUT', route, { split })
			await expect.poll(async () => (await ask(url())).route).toContain('1.2.0 (1.2.0) is not ready')
			const all = await Promise.all(Array.from({ length: 20 }, () => ask(url())))
			expect(all.every(({ status }) => status === 200)).toBe(true)
		})
	})
}
