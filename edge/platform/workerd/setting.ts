// What a Worker and its Durable Objects know alike: configuration, version, catalogue.

import { z } from 'zod'
import { SpillwayError } from '../../../runtime/core/error.ts'
import { bucketOf } from '../../catalog/bucket/configured.ts'
import { bucketFiles } from '../../catalog/bucket/files.ts'
import { type Catalog, createCatalog } from '../../catalog/catalog.ts'
import { readFile } from '../../catalog/files.ts'
import { loadConfig } from '../../config/load.ts'
import type { EdgeConfig } from '../../config/schema.ts'
import { assets } from './assets.ts'
import type { Bindings } from './bindings.ts'
import { r2 } from './r2.ts'

/** Written beside the assets when they are collected. */
const buildSchema = z.object({ version: z.string(), config: z.unknown() })

export interface Setting {
	readonly config: EdgeConfig
	/** Version of the package. */
	readonly version: string
	readonly catalog: Catalog
	/** Where the catalogue is, for who looks after it. */
	readonly where: string
}

/**
 * Reads the setting: the configuration's file as it was when the assets were collected, with variables and secrets laid over it.
 * @throws SpillwayError `malformed` for a wrong configuration, `not-found` without the collected assets.
 */
export async function readSetting(bindings: Bindings): Promise<Setting> {
	const bytes = await readFile(assets(bindings.ASSETS, 'build'), 'build.json')
	if (!bytes)
		throw new SpillwayError('not-found', 'build.json is not among the assets; they are collected by the [build] command of wrangler.toml')
	const { version, config: file } = buildSchema.parse(JSON.parse(new TextDecoder().decode(bytes)))
	const config = loadConfig({ file, environment: bindings })
	return { version, config, ...catalogOf(config, bindings) }
}

function catalogOf({ modelsBucket }: EdgeConfig, bindings: Bindings): Pick<Setting, 'catalog' | 'where'> {
	const { CATALOG } = bindings
	if (CATALOG && modelsBucket)
		throw new SpillwayError('malformed', 'models are in one place: take out the binding CATALOG, or modelsBucket of the configuration')
	if (CATALOG) return { catalog: createCatalog(r2(CATALOG)), where: 'the binding CATALOG' }
	if (modelsBucket) {
		const bucket = bucketOf(modelsBucket, bindings)
		return { catalog: createCatalog(bucketFiles(bucket)), where: bucket.where }
	}
	return { catalog: createCatalog(assets(bindings.ASSETS, 'models')), where: 'the binding ASSETS' }
}
