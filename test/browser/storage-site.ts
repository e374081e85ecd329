// Browsers' storage for tests: a page that holds it in workers, and the storage as if it were here.

import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { build } from 'vite'
import type { Backing, Kind } from '../../runtime/store/storage/storage.ts'
import { atEnd } from '../fixtures/at-end.ts'
import type { Action } from './pages/storage/worker.ts'
import { type Site, serveSite } from './site.ts'

/** Builds and serves the page; it is at `/index.html`, and ready when `window.act` is there. */
export async function storageSite(): Promise<Site> {
	const folder = await mkdtemp(join(tmpdir(), 'spillway-storage-'))
	atEnd(() => rm(folder, { recursive: true }))
	await build({
		configFile: false,
		logLevel: 'error',
		root: join(import.meta.dirname, 'pages/storage'),
		build: { outDir: folder, emptyOutDir: true, target: 'es2022' },
		worker: { format: 'es' },
	})
	return serveSite({ mounts: { '/': `${folder}/` } })
}

/** Has something done in a worker of the page. */
export type Act = (worker: string, action: Action) => Promise<unknown>

/**
 * A storage of the page as if it were here.
 *
 * @param kind `first`: the first that works.
 */
export async function storageIn(act: Act, name: string, kind: 'first' | 'opfs' | 'cache', worker = 'worker'): Promise<Backing> {
	const ask = (action: Action) => act(worker, action)
	const opened = (await ask({ do: 'open', name, kind })) as Kind
	return {
		records: {
			get: (key) => ask({ do: 'records', method: 'get', parameters: [key] }) as never,
			set: (key, value) => ask({ do: 'records', method: 'set', parameters: [key, value] }) as never,
			// The suite counts.
			update: (key) => ask({ do: 'count', key }) as never,
			delete: (key) => ask({ do: 'records', method: 'delete', parameters: [key] }) as never,
		},
		bytes: {
			kind: opened,
			async get(digest) {
				const bytes = (await ask({ do: 'get', digest })) as string | undefined | null
				return typeof bytes === 'string' ? Uint8Array.from(Buffer.from(bytes, 'latin1')) : undefined
			},
			set: (digest, bytes) => ask({ do: 'set', digest, bytes: Buffer.from(bytes).toString('latin1') }) as never,
			delete: (digest) => ask({ do: 'delete', digest }) as never,
			keys: () => ask({ do: 'keys' }) as never,
		},
	}
}

/** Opens a storage in five workers at once. @returns the kinds that they took, each once. */
export async function openedAtOnce(act: Act, name: string): Promise<Kind[]> {
	const workers = Array.from({ length: 5 }, (_, index) => `${name}-${index}`)
	const opened = await Promise.all(workers.map((worker) => storageIn(act, name, 'first', worker)))
	return [...new Set(opened.map(({ bytes }) => bytes.kind))]
}
