// A model as the admin API shows it.

import { namedBy } from '../versions/plan.ts'
import type { AdminParts } from './parts.ts'
import type { ModelView } from './routes.ts'

/** Undefined for a model that has no versions here: it is not configured, or only declared. */
export async function viewOf({ models, comparisons }: AdminParts, name: string): Promise<ModelView | undefined> {
	const versions = models.versions(name)
	if (!versions) return undefined
	const [{ routing, source, revision }, plan, standing] = await Promise.all([models.routing(name), versions.plan(), versions.standing()])
	const shown = await Promise.all(
		standing.map(async ({ serving, roles }) => {
			const { state = null, ...more } = (await serving.standing()) ?? {}
			return { version: serving.version, manifest: serving.digest ?? '', roles: [...roles], state, ...more }
		}),
	)
	const here = new Set(shown.map(({ manifest }) => manifest))
	const others = (plan ? namedBy(plan.channel) : []).filter(({ manifest }) => !here.has(manifest))
	return {
		name,
		revision,
		source,
		routing,
		missing: [...(plan?.missing ?? [])],
		versions: [...shown, ...others.map((one) => ({ ...one, roles: [], state: 'unloaded' as const }))],
		shadow: (await comparisons.of(name)).map(({ model: _, ...compared }) => ({ ...compared, outcomes: { ...compared.outcomes } })),
	}
}
