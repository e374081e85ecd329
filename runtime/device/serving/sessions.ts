// Session workers of any kind for one version of a model: from its bytes to a worker that has answered the golden samples rightly.

import type { SpillwayError } from '../../core/error.ts'
import { type Verdict, verdictKey } from '../../session/checked.ts'
import type { Records } from '../../store/storage/storage.ts'
import type { Version } from '../../store/store.ts'
import { type Member, type Prepared, startMember } from '../member.ts'
import type { Kind } from './kind.ts'

export interface SessionsOptions {
	/** The files of the first worker are taken out of it. */
	version: Version
	/** Starts a worker with a kind's build of ONNX Runtime in it. */
	prepare(kind: Kind, signal: AbortSignal): Promise<Prepared>
	/** Reads files again, from storage alone: for a worker beside the first, or in place of one that died. */
	again(files: readonly string[]): Promise<Version['files']>
	records: Records
	/** The GPU that a kind computes on: golden verdicts hold for it alone. */
	deviceOf(kind: Kind): string | null
}

export interface Started {
	readonly member: Member
	/** Whether the golden samples had been answered before. */
	readonly remembered: boolean
	/** Threads that it has. */
	readonly threads: number
	/** Why these are fewer than the kind's. */
	readonly note: SpillwayError | undefined
}

/** @returns starts a worker. It throws what `prepare` and `startMember` throw. */
export function sessionsOf(options: SessionsOptions): (kind: Kind, signal: AbortSignal) => Promise<Started> {
	const { version, prepare, again, records, deviceOf } = options
	const { manifest, digest } = version
	/** Buffers are handed over to the worker: only one can have those that are here. */
	const take = ({ files }: Kind): Version['files'] | undefined => {
		if (!files.every((name) => version.files.has(name))) return
		const taken = new Map(files.map((name) => [name, fileOf(version.files, name)]))
		for (const name of files) version.files.delete(name)
		return taken
	}
	return async (kind, signal) => {
		const { variant, provider, graph } = kind
		const files = take(kind) ?? (await again(kind.files))
		const prepared = await prepare(kind, signal)
		const { threads, note } = prepared
		const device = deviceOf(kind)
		const keyOf = (build: string) => {
			const computes = [build, ...(threads > 1 ? [`${threads} threads`] : []), ...(device === null ? [] : [device])].join(' ')
			return `golden ${verdictKey({ digest, variant, provider, build: computes })}`
		}
		const started = await startMember(prepared, {
			signal,
			settings: {
				manifest,
				digest,
				variant,
				provider,
				graph: fileOf(files, graph.file),
				external: graph.external.map((path) => ({ path, data: fileOf(files, path) })),
			},
			recall: (build) => records.get<Verdict>(keyOf(build)),
			remember: (build, verdict) => records.set(keyOf(build), verdict),
		})
		return { ...started, threads, note }
	}
}

export const fileOf = (files: Version['files'], name: string): Uint8Array<ArrayBuffer> => files.get(name) as Uint8Array<ArrayBuffer>
