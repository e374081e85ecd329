// `spillway serve --workers`: one edge in several processes, of which any may crash, hang or be replaced.

import { readFile } from 'node:fs/promises'
import { Agent, request } from 'undici'
import { afterAll, beforeAll, describe, expect, test, vi } from 'vitest'
import { type PackedFolder, packModels } from './harness/models.ts'
import { type NodeOptions, type RunningNode, startNode } from './harness/node.ts'
import { keys, suiteConfig, suiteModels } from './suites/under-test.ts'

vi.setConfig({ testTimeout: 60_000 })

let packed: PackedFolder
beforeAll(async () => {
	packed = await packModels(suiteModels())
})
afterAll(() => packed?.remove())

const config = { ...suiteConfig, server: { unresponsive: 2_500 } }

const withWorkers = (more: Partial<NodeOptions> = {}) => startNode({ config, models: packed.folder, args: ['--workers', '2'], ...more })

/** Processes of the workers, as Linux tells them. */
async function workersOf({ child }: RunningNode): Promise<number[]> {
	const pid = child.process.pid
	const text = await readFile(`/proc/${pid}/task/${pid}/children`, 'utf8')
	return text.trim().split(' ').filter(Boolean).map(Number)
}

async function ask({ url }: RunningNode, key = keys.secret, dispatcher?: Agent): Promise<number> {
	const answer = await request(`${url}/v1/tasks/embed`, {
		method: 'POST',
		headers: { authorization: `Bearer ${key}`, 'content-type': 'application/json' },
		body: JSON.stringify({ model: 'm', input: ['hello world'] }),
		// Each on a connection of its own, unless it is said otherwise: connections are what is shared out.
		...(dispatcher ? { dispatcher } : { reset: true }),
	})
	await answer.body.dump()
	return answer.statusCode
}

async function figure({ url }: RunningNode, pattern: RegExp): Promise<number> {
	const answer = await fetch(`${url}/metrics`, { headers: { authorization: `Bearer ${keys.metrics}` } })
	return Number(pattern.exec(await answer.text())?.[1] ?? 0)
}

const answered = /^spillway_inferences_total\{model="m".*\} (\d+)$/m

/** Calls that go on over kept connections until they are stopped; each counts. */
function load(edge: RunningNode) {
	const agent = new Agent({ connections: 8 })
	const statuses: number[] = []
	const failures: unknown[] = []
	let over = false
	const callers = Array.from({ length: 4 }, async () => {
		while (!over) {
			await ask(edge, keys.secret, agent).then(
				(status) => statuses.push(status),
				(error) => failures.push(error),
			)
			await new Promise((resolve) => setTimeout(resolve, 5))
		}
	})
	return {
		async stop() {
			over = true
			await Promise.all(callers)
			await agent.destroy()
			return { statuses, failures }
		},
	}
}

describe('two workers', () => {
	let edge: RunningNode
	beforeAll(async () => {
		edge = await withWorkers()
	})
	afterAll(() => edge?.close())

	test('share quotas and figures', async () => {
		expect(await workersOf(edge)).toHaveLength(2)
		const few = []
		for (let i = 0; i < 4; i++) few.push(await ask(edge, keys.few))
		expect(few).toEqual([200, 200, 429, 429])
		for (let i = 0; i < 10; i++) expect(await ask(edge)).toBe(200)
		expect(await figure(edge, answered)).toBe(12)
		expect(await figure(edge, /^spillway_workers (\d+)$/m)).toBe(2)
		expect(await figure(edge, /^spillway_build_info\{.*\} (\d+)$/m)).toBe(1)
	})

	test('one that crashes is replaced, and no counter goes back', async () => {
		const before = await figure(edge, answered)
		const [victim] = await workersOf(edge)
		process.kill(victim as number, 'SIGKILL')
		await expect.poll(async () => (await workersOf(edge)).filter((pid) => pid !== victim).length, { timeout: 30_000 }).toBe(2)
		for (let i = 0; i < 6; i++) expect(await ask(edge)).toBe(200)
		expect(await figure(edge, answered)).toBeGreaterThanOrEqual(before + 6)
		expect(await figure(edge, /^spillway_workers_replaced_total\{reason="crash"\} (\d+)$/m)).toBe(1)
		expect(edge.child.log()).toMatch(/a worker ended with SIGKILL; another one starts/)
	})

	test('one that hangs is killed and replaced', async () => {
		const [victim] = await workersOf(edge)
		process.kill(victim as number, 'SIGSTOP')
		await expect
			.poll(async () => (await workersOf(edge)).filter((pid) => pid !== victim).length, { timeout: 30_000, interval: 200 })
			.toBe(2)
		await expect.poll(() => figure(edge, /^spillway_workers_replaced_total\{reason="hang"\} (\d+)$/m)).toBe(1)
		expect(await ask(edge)).toBe(200)
	})

	test('SIGHUP replaces all of them, and no client notices', async () => {
		const before = await workersOf(edge)
		const calls = load(edge)
		edge.child.process.kill('SIGHUP')
		await expect.poll(() => edge.child.log(), { timeout: 50_000 }).toMatch(/^reloaded http/m)
		const { statuses, failures } = await calls.stop()
		expect(failures).toEqual([])
		expect(new Set(statuses)).toEqual(new Set([200]))
		const after = await workersOf(edge)
		expect(after).toHaveLength(2)
		expect(after.filter((pid) => before.includes(pid))).toEqual([])
	})
})

test('a configuration that has become wrong changes nothing; SIGTERM ends all', async () => {
	const edge = await withWorkers()
	const before = await workersOf(edge)
	await edge.rewrite({ prot: 1 })
	edge.child.process.kill('SIGHUP')
	await expect.poll(() => edge.child.log()).toMatch(/not reloaded, the workers of before go on: .*prot/s)
	expect(await workersOf(edge)).toEqual(before)
	expect(await ask(edge)).toBe(200)
	edge.child.process.kill('SIGTERM')
	expect(await edge.child.exited).toBe(0)
	await expect(ask(edge)).rejects.toThrow(/ECONNREFUSED/)
	await edge.close()
})

test('a port that is taken ends the start, with the reason', async () => {
	const edge = await startNode({ config, models: packed.folder })
	await expect(withWorkers({ port: Number(new URL(edge.url).port) })).rejects.toThrow(/EADDRINUSE/)
	await edge.close()
})
