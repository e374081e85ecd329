// The table that the benchmark prints: medians, ranges, and ratios to bare ONNX Runtime Web pass by pass.

import { writeFile } from 'node:fs/promises'
import { cpus } from 'node:os'
import { figure, median, pairedRatio, range } from './statistics.ts'

export interface Sample {
	contender: string
	pass: number
	cold: number
	warm: number
	bytes: number
	each: number
	all: number
	loaded: number
	disposed: number
}

type Figure = Exclude<keyof Sample, 'contender' | 'pass'>

const rows: [Figure, string, number][] = [
	['cold', 'cold: ms to the first vector', 1],
	['warm', 'warm: ms to the first vector', 1],
	['each', '200 concurrent calls, sentences/s', 1],
	['all', 'one call of 200, sentences/s', 1],
	['bytes', 'MB before the first vector', 1e-6],
	['loaded', 'MB of memory, loaded', 1e-6],
	['disposed', 'MB of memory, disposed', 1e-6],
]

/** Prints a Markdown table; writes the samples as JSON where `json` names a file. */
export async function report(samples: Sample[], contenders: readonly string[], browser: string, json?: string): Promise<void> {
	const of = (contender: string, name: Figure, scale: number) =>
		samples.filter((sample) => sample.contender === contender).map((sample) => sample[name] * scale)
	const passes = samples.length / contenders.length
	console.log(
		`Chromium ${browser}, ${cpus().length} x ${cpus()[0]?.model}, ${passes} interleaved passes; median (range) and the median of the ratios to bare, pass by pass.\n`,
	)
	console.log(`| | ${contenders.join(' | ')} |\n|---|${contenders.map(() => '---').join('|')}|`)
	for (const [name, label, scale] of rows) {
		const base = of('bare', name, scale)
		const cells = contenders.map((contender) => {
			const values = of(contender, name, scale)
			return `${figure(median(values))} (${range(values)}); ${figure(pairedRatio(values, base))}`
		})
		console.log(`| ${label} | ${cells.join(' | ')} |`)
	}
	if (json) await writeFile(json, JSON.stringify({ browser, samples }, null, '\t'))
}
