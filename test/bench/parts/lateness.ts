// How late calls settle when there are far more than can be answered: 2,000 of them with deadlines at random.

import { freshContext, openPage, settled } from '../pages.ts'
import type { Part } from '../part.ts'
import { figure, quantile } from '../statistics.ts'

const calls = 2000
/** Milliseconds over which they come. */
const during = 10_000
/** Milliseconds, by their logarithm. */
const deadlines = { least: 10, most: 3000 }

interface Settled {
	/** `answered`, or the error's code. */
	how: string
	deadline: number
	/** Milliseconds after its deadline; below 0 before. */
	late: number
}

export const lateness: Part = async ({ browser, server, texts }) => {
	const context = await freshContext(browser)
	const page = await openPage(context, `${server.origin}/spillway.html`)
	await settled(page, texts)
	const plan = Array.from({ length: calls }, (_, call) => ({
		text: `${call} ${texts[call % texts.length]}`,
		after: random(2 * call) * during,
		deadline: deadlines.least * (deadlines.most / deadlines.least) ** random(2 * call + 1),
	}))
	const samples: Settled[] = await page.evaluate(
		(plan) =>
			Promise.all(
				plan.map(async ({ text, after, deadline }) => {
					await new Promise((resolve) => setTimeout(resolve, after))
					const start = performance.now()
					const how = await window.model.embed([text], { deadline }).then(
						() => 'answered',
						({ code, message }) => code ?? String(message),
					)
					return { how, deadline, late: performance.now() - start - deadline }
				}),
			),
		plan,
	)
	await context.close()
	const counts = Map.groupBy(samples, ({ how }) => how)
	const wrong = [...counts.keys()].filter((how) => how !== 'answered' && how !== 'deadline-exceeded')
	if (wrong.length > 0) throw new Error(`calls under stress ended with ${wrong}`)
	const late = samples.filter(({ how }) => how !== 'answered').map(({ late }) => Math.max(0, late))
	const text = `${calls} calls within ${during / 1000} s, deadlines of ${deadlines.least} to ${deadlines.most} ms: ${[...counts]
		.map(([how, of]) => `${of.length} ${how}`)
		.join(
			', ',
		)}. Those whose deadline passed were told so late by: p99 ${figure(quantile(late, 0.99))} ms, at most ${figure(Math.max(...late))} ms.`
	return { text, samples }
}

/** From 0 to 1, the same each time: Mulberry32. */
function random(seed: number): number {
	const state = (Math.imul(seed + 1, 0x9e3779b9) + 0x6d2b79f5) | 0
	let bits = Math.imul(state ^ (state >>> 15), state | 1)
	bits ^= bits + Math.imul(bits ^ (bits >>> 7), bits | 61)
	return ((bits ^ (bits >>> 14)) >>> 0) / 2 ** 32
}
