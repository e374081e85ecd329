// The worker of the contender tuned by hand: as many threads as cores; calls that wait are sorted by length and run in batches of eight.

import { answer } from './asking.ts'
import { stockModel } from './stock.ts'

const model = stockModel(navigator.hardwareConcurrency)
let waiting: { id: number; texts: string[] }[] = []

self.onmessage = ({ data }: MessageEvent<{ id: number; texts: string[] }>) => {
	waiting.push(data)
	// What comes in one go is looked at together.
	if (waiting.length === 1) setTimeout(work)
}

async function work(): Promise<void> {
	const embed = await model
	const calls = waiting
	waiting = []
	const rows = calls.flatMap((call) => call.texts.map((text, index) => ({ call, text, index })))
	rows.sort((a, b) => a.text.length - b.text.length)
	const results = new Map(calls.map((call) => [call, [] as Float32Array[]]))
	for (let start = 0; start < rows.length; start += 8) {
		const batch = rows.slice(start, start + 8)
		const vectors = await embed(batch.map(({ text }) => text))
		for (const [position, { call, index }] of batch.entries()) {
			const result = results.get(call) as Float32Array[]
			result[index] = vectors[position] as Float32Array
			if (Object.keys(result).length === call.texts.length) answer(call, result)
		}
	}
}
