// Answers in parts through the attempt loop: until the first part another executor may answer, after it nobody else.

import { expect, test } from 'vitest'
import { type Answer, type Call, type Part, provenance } from '../../runtime/core/call.ts'
import { SpillwayError } from '../../runtime/core/error.ts'
import type { Executor } from '../../runtime/core/executor.ts'
import { breaker } from '../../runtime/overflow/breaker.ts'
import { overflow } from '../../runtime/overflow/loop.ts'
import { context } from './scripted.ts'

const call: Call = { kind: 'task', task: 'generate', model: { name: 'm' }, input: { messages: [{ role: 'user', content: 'hi' }] } }
const head = { id: 'c', object: 'chat.completion.chunk' as const, created: 1, model: 'm' }
const pause = (milliseconds: number) => new Promise((resolve) => setTimeout(resolve, milliseconds))

interface Script {
	/** What it says before it ends. */
	says?: readonly string[]
	fails?: boolean
	/** Milliseconds before each part. */
	pace?: number
	/** Milliseconds that it says it needs. */
	run?: number
}

function writing(name: string, { says = [], fails = false, pace = 0, run = 0 }: Script): Executor & { asked: number } {
	return {
		name,
		accepts: ['generate'],
		asked: 0,
		estimate: () => ({ can: 'now', queue: 0, run }),
		async infer(_, { emit }): Promise<Answer> {
			this.asked++
			const ran = provenance(name, { name: 'm' })
			for (const content of says) {
				await pause(pace)
				await emit?.({ kind: 'generate', chunk: { ...head, choices: [{ index: 0, delta: { content } }] }, ran })
			}
			if (fails) throw new SpillwayError('upstream', `${name} broke off`)
			const choices = [{ index: 0, message: { role: 'assistant', content: says.join('') }, finish_reason: 'stop' }]
			return { output: { kind: 'generate', completion: { ...head, object: 'chat.completion', choices } }, ran }
		},
		async dispose() {},
	}
}

async function ask(executors: Executor[], more: object = {}) {
	const parts: Part[] = []
	const emit = async (part: Part) => void parts.push(part)
	const outcome = await overflow('edge', executors)
		.infer(call, context({ emit, ...more }))
		.catch((error: SpillwayError) => error)
	return { outcome, parts, text: parts.map(({ chunk }) => chunk.choices[0]?.delta.content).join('') }
}

test('what fails before its first part is passed by, and the first part says so', async () => {
	const { parts, text, outcome } = await ask([writing('a', { fails: true }), writing('b', { says: ['Turn', ' it'] })])
	expect(text).toBe('Turn it')
	expect(parts[0]?.ran).toMatchObject({ executor: 'b', overflow: [{ executor: 'a', reason: 'unhealthy' }] })
	expect(outcome).toMatchObject({ ran: { executor: 'b', overflow: [{ executor: 'a' }] } })
})

test('what fails after its first part is the end: nobody else is asked, no retry is spent', async () => {
	const other = writing('b', { says: ['other'] })
	const retries = { left: 3 }
	const { outcome, text } = await ask([writing('a', { says: ['Turn'], fails: true }), other], { retries })
	expect(outcome).toMatchObject({ code: 'upstream', message: 'a broke off' })
	expect({ text, asked: other.asked, left: retries.left }).toEqual({ text: 'Turn', asked: 0, left: 3 })
})

test('what is slow goes on once it has begun, even when another could still be asked', async () => {
	const slow = writing('a', { says: ['Turn', ' it', ' slowly'], pace: 250 })
	const { text, outcome } = await ask([slow, writing('b', { says: ['other'], run: 300 })], { remaining: 1000 })
	expect(outcome).not.toBeInstanceOf(SpillwayError)
	expect(text).toBe('Turn it slowly')
})

test('who is given up before the first part can send none any more', async () => {
	const late = writing('a', { says: ['late', ' words'], pace: 400 })
	const { text, outcome } = await ask([late, writing('b', { says: ['other'], run: 300 })], { remaining: 600 })
	expect(outcome).toMatchObject({ ran: { executor: 'b' } })
	await pause(600)
	expect(text).toBe('other')
})

test('the caller sets the pace: the next part is made when the last was taken', async () => {
	let taking = 0
	let most = 0
	const emit = async () => {
		most = Math.max(most, ++taking)
		await pause(5)
		taking--
	}
	await overflow('edge', [writing('a', { says: ['a', 'b', 'c'] })]).infer(call, context({ emit }))
	expect(most).toBe(1)
})

test('a long answer that its deadline ends is no sign that the server hangs', async () => {
	const steady = writing('a', { says: Array(100).fill('x'), pace: 100 })
	const guarded = breaker({ inRow: 1 })(overflow('edge', [steady]))
	const emit = async () => {}
	await expect(guarded.infer(call, context({ emit, remaining: 1300 }))).rejects.toMatchObject({ code: 'deadline-exceeded' })
	expect(guarded.estimate(call).can).toBe('now')
})

test('the first part of a probe closes the circuit: others do not wait for the end of a long answer', async () => {
	let broken = true
	const steady = writing('a', { says: ['Turn', ' it', ' slowly'], pace: 100 })
	const guarded = breaker({ inRow: 1, pause: 1, random: () => 0 })({
		...steady,
		infer: async (call, context) => {
			if (broken) throw new SpillwayError('upstream', 'broken')
			return steady.infer(call, context)
		},
	})
	await expect(guarded.infer(call, context())).rejects.toMatchObject({ code: 'upstream' })
	broken = false
	await pause(5)
	let begin = () => {}
	const begun = new Promise<void>((resolve) => {
		begin = resolve
	})
	const probe = guarded.infer(call, context({ emit: async () => begin() }))
	expect(guarded.estimate(call).can).toBe('no')
	await begun
	expect(guarded.estimate(call).can).toBe('now')
	await probe
})
