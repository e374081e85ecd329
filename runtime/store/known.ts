// What this origin remembers of its models: which versions have served, which come next, and what was last heard of them.

import type { Records } from './storage/storage.ts'

/** Points to a manifest. */
export interface Pointer {
	digest: string
	version: string
	/** Of the channel that named it. */
	serial: number
}

/** A version that serves from the next start. */
export interface NextPointer extends Pointer {
	/** All that a start needs is in storage. */
	stored?: boolean | undefined
}

/** What is remembered for those who ask for a model in one way: pages of one origin may want other versions. */
export interface Standing {
	/** The version that served last: complete, and its golden samples passed. */
	good?: Pointer | undefined
	/** Another one that the channel names. */
	next?: NextPointer | undefined
}

/** What is remembered of a model, as it is stored. */
interface ModelRecord {
	model: string
	/** By the version or range that was asked for; `''` stands for the channel's choice. */
	asked: Record<string, Standing>
	/** Highest serial number seen. */
	serial?: number
	/** When the channel last said something usable, in milliseconds since 1970. */
	heard?: number
}

/** A version that may still be wanted. */
export interface Kept extends Pointer {
	model: string
	/** It is what pages are served that ask for no version. */
	current: boolean
	/** It has served; else it is still to come. */
	good: boolean
}

export interface Known {
	/** What stands for one way to ask. */
	standing(model: string, asked: string): Promise<Standing>
	/** The versions that have served, whoever had asked for them. */
	goods(model: string): Promise<Pointer[]>
	change(model: string, asked: string, change: (standing: Standing) => Standing): Promise<void>
	/** Highest serial number seen, and when the channel last said something usable. */
	heard(model: string): Promise<{ serial: number | undefined; time: number }>
	/** The channel has said something usable now. */
	hear(model: string, serial: number): Promise<void>
	/** The versions that may still be wanted, of all models that this origin has stored, from whichever address; each once for each address. */
	kept(): Promise<Kept[]>
	/** Remembers a version no longer, from whichever address; serial numbers stay. */
	forget(model: string, digest: string): Promise<void>
}

/** Record with the keys of all models' records. */
const index = 'models'

/** @param address that models are known by: those of another one are other models. */
export function knownModels(records: Records, address: URL): Known {
	const keyOf = (model: string) => `model ${address} ${model}`
	const read = async (model: string): Promise<ModelRecord> => (await records.get<ModelRecord>(keyOf(model))) ?? { model, asked: {} }

	async function update(model: string, change: (record: ModelRecord) => ModelRecord): Promise<void> {
		const key = keyOf(model)
		await records.update<ModelRecord>(key, (record) => change(record?.asked ? record : { model, asked: {} }))
		const keys = (await records.get<string[]>(index)) ?? []
		if (!keys.includes(key)) await records.update<string[]>(index, (keys = []) => (keys.includes(key) ? keys : [...keys, key]))
	}

	const all = async (): Promise<{ key: string; record: ModelRecord }[]> => {
		const keys = (await records.get<string[]>(index)) ?? []
		const found = await Promise.all(keys.map(async (key) => ({ key, record: await records.get<ModelRecord>(key) })))
		return found.flatMap(({ key, record }) => (record?.asked ? [{ key, record }] : []))
	}

	return {
		standing: async (model, asked) => (await read(model)).asked?.[asked] ?? {},
		goods: async (model) => Object.values((await read(model)).asked ?? {}).flatMap(({ good }) => (good ? [good] : [])),
		change: (model, asked, change) =>
			update(model, (record) => ({ ...record, asked: { ...record.asked, [asked]: change(record.asked[asked] ?? {}) } })),
		async heard(model) {
			const { serial, heard = 0 } = await read(model)
			return { serial, time: heard }
		},
		hear: (model, serial) => update(model, (record) => ({ ...record, serial: Math.max(serial, record.serial ?? 0), heard: Date.now() })),
		async kept() {
			const kept: Kept[] = []
			for (const { record } of await all()) {
				const own = new Map<string, Kept>()
				for (const [asked, { good, next }] of Object.entries(record.asked))
					for (const pointer of [good, next]) {
						if (!pointer) continue
						const { digest, version, serial } = pointer
						const before = own.get(digest)
						own.set(digest, {
							digest,
							version,
							serial,
							model: record.model,
							current: before?.current || (asked === '' && pointer === good),
							good: before?.good || pointer === good,
						})
					}
				kept.push(...own.values())
			}
			return kept
		},
		async forget(model, digest) {
			const without = (standing: Standing): Standing => ({
				...(standing.good && standing.good.digest !== digest && { good: standing.good }),
				...(standing.next && standing.next.digest !== digest && { next: standing.next }),
			})
			for (const { key, record } of await all()) {
				if (record.model !== model) continue
				await records.update<ModelRecord>(key, (record) => ({
					...(record ?? { model }),
					asked: Object.fromEntries(Object.entries(record?.asked ?? {}).map(([asked, standing]) => [asked, without(standing)])),
				}))
			}
		},
	}
}
