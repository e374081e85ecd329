// The versions of one model that have been asked for here, by the digest of their manifests.

import type { Provider } from '../../models/format/manifest.ts'
import { SpillwayError } from '../../runtime/core/error.ts'
import type { Catalog } from '../catalog/catalog.ts'
import type { ModelConfig } from '../config/schema.ts'
import { packedModel, type Serving, type ServingOptions, serve, variantOf } from './serving.ts'

export interface PreparedOptions extends ServingOptions {
	readonly name: string
	readonly config: ModelConfig
	readonly catalog: Pick<Catalog, 'manifest'>
	/** The execution provider that this platform runs models on. */
	readonly provider: Provider
}

export interface PreparedVersions {
	readonly made: Map<string, Serving>
	/**
	 * The version, whose session is loaded when it is wanted.
	 * @throws SpillwayError `not-found`, `malformed` when nothing of it can run here.
	 */
	prepare(digest: string): Promise<Serving>
}

/**
 * @param roles.isKept whether a version must stay loaded, where models of the configuration do.
 * @param roles.isCurrent whether it is the one that the channel names.
 */
export function preparedVersions(
	{ name, config, catalog, provider, ...options }: PreparedOptions,
	{ isKept, isCurrent }: { isKept(digest: string): boolean; isCurrent(digest: string): boolean },
): PreparedVersions {
	const made = new Map<string, Serving>()
	return {
		made,
		async prepare(digest) {
			const there = made.get(digest)
			if (there) return there
			const stored = await catalog.manifest(digest)
			if (!stored) throw new SpillwayError('not-found', `the channel of ${name} names manifest ${digest}, which is not in the catalogue`)
			const { manifest } = stored
			if (manifest.model !== name) throw new SpillwayError('not-found', `manifest ${digest} is of ${manifest.model}, not of ${name}`)
			const offered = packedModel({
				...{ name, digest, manifest, config, variant: variantOf(manifest, config, provider) },
				kept: () => config.load === 'start' && isKept(digest),
				current: () => isCurrent(digest),
				wanted: () => [...made.keys(), digest],
			})
			const serving = await serve(offered, options)
			// From here on nothing is awaited: of several requests that came this far, the first one's is taken.
			const first = made.get(digest)
			if (!first) made.set(digest, serving)
			else serving.executor.dispose().catch(() => {})
			return first ?? serving
		},
	}
}
