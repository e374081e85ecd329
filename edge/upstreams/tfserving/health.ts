// Whether a server says that it is up. TensorFlow Serving has no word for itself, only for its models.

import { z } from 'zod'
import type { ProbeOptions } from '../upstream.ts'
import { modelPath } from './path.ts'

/** Milliseconds that an upstream has to say so. */
const patience = 2_000

/** TensorFlow Serving's states of the versions, or KServe's word. */
const statusSchema = z.looseObject({
	ready: z.boolean().optional(),
	model_version_status: z.array(z.looseObject({ state: z.string() })).optional(),
})

interface Config {
	readonly url: string
	readonly models: Readonly<Record<string, { readonly name?: string | undefined; readonly version?: string | undefined }>>
}

/**
 * Asks for the models' states until one answers. Never rejects.
 */
export async function isUp({
	upstream: { url, models },
	key,
	hops,
	fetch = (address, init) => globalThis.fetch(address, init),
}: Omit<ProbeOptions<Config>, 'environment'>): Promise<boolean> {
	const signal = AbortSignal.timeout(patience)
	const headers = { 'spillway-hops': `${hops + 1}`, ...(key !== undefined && { authorization: `Bearer ${key}` }) }
	try {
		for (const [here, { name = here, version }] of Object.entries(models)) {
			const response = await fetch(url.replace(/\/+$/, '') + modelPath({ name, version }), {
				headers,
				signal,
				// As calls do.
				redirect: 'manual',
			})
			const said = response.ok ? statusSchema.safeParse(await response.json()) : undefined
			if (!said) await response.body?.cancel()
			if (said?.data?.ready || said?.data?.model_version_status?.some(({ state }) => state === 'AVAILABLE')) return true
		}
		return false
	} catch {
		return false
	}
}
