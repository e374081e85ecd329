// What the admin API has changed, as a file of the state folder: processes that share the folder share it. Node only.

import { appendFile, mkdir, open, readFile, rm, stat } from 'node:fs/promises'
import { dirname } from 'node:path'
import { setTimeout as sleep } from 'node:timers/promises'
import { z } from 'zod'
import { messageOf, SpillwayError } from '../../runtime/core/error.ts'
import { writeWhole } from '../platform/node/write-whole.ts'
import { routingSchema } from '../versions/routing.ts'
import { type AuditEntry, applied, noRoutes, type RouteState, type RouteStore } from '../versions/state.ts'

/** Milliseconds for which what was read is believed. */
const freshness = 500

/** Milliseconds after which a lock is that of a process which has ended, and for which one is waited for. */
const lockLife = 5_000

/** What must hold of a file so that models can be routed by it: someone may have edited it. */
const stateSchema = z.object({
	revision: z.int().min(0),
	models: z.record(
		z.string(),
		z.object({
			routing: routingSchema.nullable(),
			before: z.array(routingSchema.nullable()),
			manifest: z.string().nullable(),
			pinned: z.boolean(),
		}),
	),
	audit: z.array(z.custom<AuditEntry>((entry) => typeof entry === 'object' && entry !== null)),
})

/**
 * @param file e.g. `.spillway/routes.json`; made at the first change. Beside it stands `<file>.log`, with one line of JSON for each change.
 */
export function routesFile(file: string): RouteStore {
	let state = noRoutes
	/** Size and time of the file that was read. */
	let mark = ''
	let looked = Number.NEGATIVE_INFINITY
	/** What was said of a file that cannot be read: once, not at each look. */
	let told: string | undefined

	async function look(): Promise<RouteState> {
		looked = performance.now()
		const found = await stat(file).catch(() => null)
		const now = found ? `${found.size} ${found.mtimeMs} ${found.ino}` : ''
		if (now === mark) return state
		try {
			state = found ? read(await readFile(file, 'utf8')) : noRoutes
			mark = now
			told = undefined
		} catch (error) {
			// What was read before is still good.
			const why = `${file} cannot be read, and is left out: ${messageOf(error)}`
			if (told !== why) console.error(why)
			told = why
		}
		return state
	}

	return {
		read: () => (performance.now() - looked < freshness ? state : look()),
		async change(change) {
			await mkdir(dirname(file), { recursive: true, mode: 0o700 })
			return locked(`${file}.lock`, async () => {
				const now = await look()
				// Nobody here knows what stands there: a change would throw it away.
				if (told !== undefined && mark === '') throw new SpillwayError('unavailable', `${told}; mend or remove it`)
				const next = applied(now, change, Date.now())
				await writeWhole(file, `${JSON.stringify(next)}\n`, { mode: 0o600 })
				await appendFile(`${file}.log`, `${JSON.stringify(next.audit.at(-1) as AuditEntry)}\n`, { mode: 0o600 })
				return look()
			})
		},
	}
}

/** @throws Error that says where it is wrong. */
function read(text: string): RouteState {
	const { data, error } = stateSchema.safeParse(JSON.parse(text))
	if (data) return data
	const [issue] = error.issues
	throw new Error(`${issue?.path.join('.') || 'the whole'}: ${issue?.message}`)
}

/** Does something while no other process does. */
async function locked<T>(lock: string, work: () => Promise<T>): Promise<T> {
	for (const until = performance.now() + lockLife; ; ) {
		try {
			await (await open(lock, 'wx', 0o600)).close()
			break
		} catch (error) {
			if ((error as NodeJS.ErrnoException).code !== 'EEXIST') throw error
		}
		const found = await stat(lock).catch(() => null)
		if (found && Date.now() - found.mtimeMs > lockLife) await rm(lock, { force: true })
		else if (performance.now() > until)
			throw new SpillwayError('unavailable', `${lock} is held by another process`, { retryAfter: lockLife })
		else await sleep(20)
	}
	try {
		return await work()
	} finally {
		await rm(lock, { force: true })
	}
}
