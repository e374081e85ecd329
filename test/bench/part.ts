// A part of the benchmark: what it gets, and what it gives back.

import type { Browser } from 'playwright-core'
import type { StaticServer } from './server.ts'

export interface Setting {
	browser: Browser
	server: StaticServer
	passes: number
	/** 200 different texts of the lengths that people write. */
	texts: string[]
	/** Vectors of sentence-transformers, by text. */
	reference: ReadonlyMap<string, number[]>
	/** Path of the stock int8 file. */
	stock: string
	/** Tells how far it is. */
	say(line: string): void
}

/** Markdown for people, and what was measured for programs. */
export interface Outcome {
	text: string
	samples: unknown
}

export type Part = (setting: Setting) => Promise<Outcome>

/** Contenders in another order each pass: whoever comes first meets the coldest caches. */
export const rotated = <T>(contenders: readonly T[], pass: number): T[] => {
	const first = pass % contenders.length
	return [...contenders.slice(first), ...contenders.slice(0, first)]
}
