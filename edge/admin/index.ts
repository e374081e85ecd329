// The admin API: which versions of a model answer which calls, changed while the edge runs. For keys of the scope `admin`.

import { Hono } from 'hono'
import { SpillwayError } from '../../runtime/core/error.ts'
import { authorize } from '../auth/authorize.ts'
import type { EdgeContext, EdgeEnv } from '../env.ts'
import { readBody } from '../guard/body.ts'
import { checkJson, parseJson } from '../guard/json.ts'
import type { EdgeParts } from '../parts.ts'
import { respondJson } from '../protocols/respond.ts'
import type { ModelVersions } from '../versions/model.ts'
import { resolve } from '../versions/plan.ts'
import { type Routing, routingSchema } from '../versions/routing.ts'
import type { Change } from '../versions/state.ts'
import type { AdminParts } from './parts.ts'
import { type ModelList, routes } from './routes.ts'
import { viewOf } from './view.ts'

/** Most bytes of a body, and most milliseconds until it is there. */
const body = { limit: 64 * 1024, remaining: 10_000 }

export function admin(parts: EdgeParts): Hono<EdgeEnv> {
	const app = new Hono<EdgeEnv>()
	const { admin: given, config } = parts
	app.use('/admin/*', authorize(parts, 'admin'))

	app.get(routes.models.getRoutingPath(), async (c) => {
		const { revision, models } = await given.routes.read()
		const { memory } = given
		const list: ModelList = {
			revision,
			memory: memory && { limit: memory.limit, used: memory.used },
			models: given.models.names.map((name) => ({
				name,
				load: config.models[name]?.load ?? 'start',
				source: models[name]?.routing ? 'admin' : 'configuration',
			})),
		}
		return respondJson(c, list, fresh)
	})

	app.get(routes.model.getRoutingPath(), async (c) => {
		versionsOf(c, given)
		return shown(c, given)
	})

	app.put(routes.route.getRoutingPath(), async (c) => {
		const versions = versionsOf(c, given)
		const routing = checkJson(routingSchema, parseJson(await readBody(c.req.raw, body)))
		await checkPublished(versions, routing)
		await change(c, given, { action: 'route', routing, manifest: await manifestOf(versions) })
		return settled(c, parts, given, versions)
	})

	app.delete(routes.clear.getRoutingPath(), async (c) => {
		const versions = versionsOf(c, given)
		await change(c, given, { action: 'clear', manifest: await manifestOf(versions) })
		return settled(c, parts, given, versions)
	})

	app.post(routes.rollBack.getRoutingPath(), async (c) => {
		const versions = versionsOf(c, given)
		const pinned = await pinnedBefore(versions, given, nameOf(c))
		await change(c, given, { action: 'roll-back', ...(pinned && { routing: pinned }), manifest: await manifestOf(versions) })
		return settled(c, parts, given, versions)
	})

	app.post(routes.load.getRoutingPath(), async (c) => {
		const serving = await versionsOf(c, given).named(c.req.param('version'))
		await serving.loaded()
		await change(c, given, { action: 'load', version: serving.version })
		return shown(c, given)
	})

	app.post(routes.unload.getRoutingPath(), async (c) => {
		const serving = await versionsOf(c, given).named(c.req.param('version'))
		await serving.unload()
		await change(c, given, { action: 'unload', version: serving.version })
		return shown(c, given)
	})

	app.get(routes.changes.getRoutingPath(), async (c) => respondJson(c, { changes: (await given.routes.read()).audit }, fresh))
	return app
}

const fresh = { headers: { 'cache-control': 'no-store' } }

const nameOf = (c: EdgeContext): string => c.req.param('model') as string

/** @throws SpillwayError `not-found`. */
function versionsOf(c: EdgeContext, { models }: AdminParts): ModelVersions {
	const versions = models.versions(nameOf(c))
	if (!versions) throw new SpillwayError('not-found', `no model ${nameOf(c).slice(0, 80)} with versions is configured here`)
	return versions
}

const manifestOf = async (versions: ModelVersions): Promise<string | undefined> => (await versions.plan())?.channel.manifest

/** @throws SpillwayError `invalid-input` for a version that nobody has published: a slip must not become a route. */
async function checkPublished(versions: ModelVersions, routing: Routing): Promise<void> {
	const { split = [], labels, shadow } = routing
	const named = [...split.map(({ version }) => version), ...Object.values(labels), ...(shadow ? [shadow.version] : [])]
	for (const text of named) {
		const plan = await versions.plan()
		const found = plan && resolve(plan.channel, routing, text)
		if (!found) throw new SpillwayError('invalid-input', `${text}: no such version is published`)
		// A digest can be any.
		if (found.version === '') await versions.named(text)
	}
}

/**
 * The revision that the change is to be made upon; undefined for any.
 * @throws SpillwayError `malformed` for a header that names none: passed over, it would overwrite what it was to keep.
 */
function uponOf(c: EdgeContext): number | undefined {
	const given = c.req.header('if-match')?.trim()
	if (given === undefined || given === '*') return undefined
	const match = given.match(/^(?:W\/)?"?(\d{1,15})"?$/)
	if (!match) throw new SpillwayError('malformed', `if-match must be one revision, such as "3", not ${given.slice(0, 40)}`)
	return Number(match[1])
}

/** @throws SpillwayError `invalid-input` (status 412) when the change was to be made upon another revision. */
async function change(
	c: EdgeContext,
	{ routes }: AdminParts,
	asked: Pick<Change, 'action' | 'routing' | 'version' | 'manifest'>,
): Promise<void> {
	const upon = uponOf(c)
	try {
		await routes.change({ ...asked, model: nameOf(c), by: c.get('key')?.id ?? '', upon })
	} catch (error) {
		if (upon !== undefined && (await routes.read()).revision !== upon) c.set('status', 412)
		throw error
	}
}

/**
 * The routing that goes back to the version before, where the channel has moved to another one since the last change of the routing; undefined
 * where that change is what is taken back.
 * @throws SpillwayError `invalid-input` when there is nothing to go back to.
 */
async function pinnedBefore(versions: ModelVersions, { models, routes }: AdminParts, name: string): Promise<Routing | undefined> {
	const [plan, { routing }, state] = await Promise.all([versions.plan(), models.routing(name), routes.read()])
	const own = Object.hasOwn(state.models, name) ? state.models[name] : undefined
	const moved = plan?.channel.manifest !== own?.manifest
	if (own?.pinned && !moved)
		throw new SpillwayError('invalid-input', `${name} has been rolled back already; to follow its channel again, delete its routing`)
	if (own && own.before.length > 0 && !moved) return undefined
	const before = await versions.previous()
	if (!before) throw new SpillwayError('invalid-input', `${name} has no version before this one: there is nothing to go back to`)
	return { ...routing, split: [{ version: before.manifest, weight: 1 }] }
}

/** Has the new routing taken up here, as far as that goes at once; other processes and isolates follow within a second. */
async function settled(c: EdgeContext, parts: EdgeParts, given: AdminParts, versions: ModelVersions): Promise<Response> {
	const work = versions.settled().catch((error) => console.error(`${nameOf(c)}:`, error))
	parts.keep?.(c, work)
	// What is loaded already takes over now; what is not is told as such.
	await Promise.race([work, new Promise((resolve) => setTimeout(resolve, settling))])
	return shown(c, given)
}

/** Milliseconds for which an answer waits for versions to be loaded. */
const settling = 2_000

async function shown(c: EdgeContext, given: AdminParts): Promise<Response> {
	const view = await viewOf(given, nameOf(c))
	return respondJson(c, view, { headers: { ...fresh.headers, etag: `"${view?.revision}"` } })
}
