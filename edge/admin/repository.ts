// The model repository as clients of Triton know it: what is here, loading and unloading.
// https://github.com/triton-inference-server/server/blob/main/docs/protocol/extension_model_repository.md

import { Hono } from 'hono'
import { SpillwayError } from '../../runtime/core/error.ts'
import { authorize } from '../auth/authorize.ts'
import type { EdgeContext, EdgeEnv } from '../env.ts'
import { readBody } from '../guard/body.ts'
import { checkJson, parseJson } from '../guard/json.ts'
import type { EdgeParts } from '../parts.ts'
import { respondJson } from '../protocols/respond.ts'
import type { ModelVersions } from '../versions/model.ts'
import type { AdminParts } from './parts.ts'
import { type IndexEntry, loadRequest, repositoryRoutes as routes } from './repository-routes.ts'
import { viewOf } from './view.ts'

/** Most bytes of a body, and most milliseconds until it is there. */
const body = { limit: 64 * 1024, remaining: 10_000 }

/** For keys of the scope `admin`. */
export function repository(parts: EdgeParts): Hono<EdgeEnv> {
	const app = new Hono<EdgeEnv>()
	const { admin } = parts

	app.post(routes.index.getRoutingPath(), authorize(parts, 'admin'), async (c) => {
		const entries = await Promise.all(admin.models.names.map((name) => entriesOf(admin, name)))
		return respondJson(c, entries.flat())
	})

	app.post(routes.load.getRoutingPath(), authorize(parts, 'admin'), async (c) => {
		const bytes = await readBody(c.req.raw, body)
		const { parameters = {} } = bytes.length > 0 ? checkJson(loadRequest, parseJson(bytes)) : {}
		const [given] = Object.keys(parameters)
		if (given !== undefined)
			throw new SpillwayError('unsupported', `${given.slice(0, 80)}: a model is loaded as it was published and configured, not otherwise`)
		const serving = await versionsOf(c, admin).main()
		if (!serving) throw new SpillwayError('not-found', `${nameOf(c)} is not in the catalogue`)
		await serving.loaded()
		return changed(c, admin, 'load', serving.version)
	})

	app.post(routes.unload.getRoutingPath(), authorize(parts, 'admin'), async (c) => {
		await readBody(c.req.raw, body)
		const standing = await versionsOf(c, admin).standing()
		await Promise.all(standing.map(({ serving }) => serving.unload()))
		return changed(c, admin, 'unload')
	})

	return app
}

const nameOf = (c: EdgeContext): string => c.req.param('name') as string

/** @throws SpillwayError `not-found`. */
function versionsOf(c: EdgeContext, { models }: AdminParts): ModelVersions {
	const versions = models.versions(nameOf(c))
	if (!versions) throw new SpillwayError('not-found', `no model ${nameOf(c).slice(0, 80)} with versions is configured here`)
	return versions
}

async function changed(c: EdgeContext, { routes }: AdminParts, action: 'load' | 'unload', version?: string): Promise<Response> {
	await routes.change({ action, model: nameOf(c), by: c.get('key')?.id ?? '', ...(version !== undefined && { version }) })
	return respondJson(c, {})
}

const states = { ready: 'READY', loading: 'LOADING', unloaded: 'UNAVAILABLE', failed: 'UNAVAILABLE' } as const

async function entriesOf(admin: AdminParts, name: string): Promise<IndexEntry[]> {
	// Of one that cannot be read the others are told all the same.
	const view = await viewOf(admin, name).catch(() => undefined)
	return (view?.versions ?? []).map(({ version, state, detail = '' }) => ({
		name,
		version,
		state: states[state ?? 'ready'],
		reason: detail || (state === 'unloaded' ? 'unloaded' : ''),
	}))
}
