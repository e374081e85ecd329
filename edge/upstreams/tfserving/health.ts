// Whether a server says that it is up. TensorFlow Serving has no word for itself, only for its models.

import { z } from 'zod'
import { bearer, inTime, type PlainProbe, probe } from '../probe.ts'
import { modelPath } from './path.ts'

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
export async function isUp({ upstream: { url, models }, key, ...asking }: PlainProbe<Config>): Promise<boolean> {
	// For all of them together.
	const signal = inTime()
	try {
		for (const [here, { name = here, version }] of Object.entries(models)) {
			const response = await probe(url.replace(/\/+$/, '') + modelPath({ name, version }), asking, bearer(key), signal)
			const said = response.ok ? statusSchema.safeParse(await response.json()) : undefined
			if (!said) await response.body?.cancel()
			if (said?.data?.ready || said?.data?.model_version_status?.some(({ state }) => state === 'AVAILABLE')) return true
		}
		return false
	} catch {
		return false
	}
}
