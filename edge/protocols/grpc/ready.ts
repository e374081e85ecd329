// Whether every model of this edge answers now.

import type { EdgeParts } from '../../parts.ts'

/** @param hops behind the request that asks. */
export async function readyModels({ models }: Pick<EdgeParts, 'models'>, hops: number): Promise<boolean> {
	const served = await models.list()
	return served.length > 0 && (await Promise.all(served.map((model) => model.ready(hops)))).every(Boolean)
}
