// A part of the edge's benchmark: what it gets, and what it gives back.

import { fileURLToPath } from 'node:url'
import type { Child } from '../../../edge/harness/child.ts'
import { type Contender, listening, type Setting } from '../contenders/contender.ts'

export interface PartSetting {
	/** Folder with what was installed for this benchmark. */
	work: string
	passes: number
	/** Of each measurement. */
	seconds: number
	/** Tells how far it is. */
	say(line: string): void
}

/** Markdown for people, and what was measured for programs. */
export type Part = (setting: PartSetting) => Promise<{ text: string; samples: unknown }>

/** Starts the upstream: it answers at once, or after so many milliseconds and so many calls at a time. */
export const startUpstream = (milliseconds = 0, atATime?: number): Promise<Child<string>> =>
	listening({
		args: [fileURLToPath(new URL('../upstream.ts', import.meta.url)), `${milliseconds}`, ...(atATime === undefined ? [] : [`${atATime}`])],
	})

/** Starts an upstream that takes so many milliseconds for each row. */
export const startRowsUpstream = (perRow: number): Promise<Child<string>> =>
	listening({ args: [fileURLToPath(new URL('../rows.ts', import.meta.url)), `${perRow}`] })

/** Starts all, uses them, and ends them whatever happens. */
export async function withContenders<T>(
	starts: readonly ((setting: Setting) => Promise<Contender>)[],
	setting: Setting,
	use: (contenders: readonly Contender[]) => Promise<T>,
): Promise<T> {
	const contenders: Contender[] = []
	try {
		for (const start of starts) contenders.push(await start(setting))
		return await use(contenders)
	} finally {
		await Promise.all(contenders.map((contender) => contender.close()))
	}
}
