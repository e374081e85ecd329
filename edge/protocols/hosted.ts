// What hosting platforms ask of a container that runs one model: SageMaker's `/invocations`, Azure ML's `/score`.

import { createMiddleware } from 'hono/factory'
import { SpillwayError } from '../../runtime/core/error.ts'
import { authorize } from '../auth/authorize.ts'
import type { EdgeContext, EdgeEnv } from '../env.ts'
import { askerOf } from '../guard/asker.ts'
import type { EdgeParts, ServedModel } from '../parts.ts'
import { findModel } from './served.ts'

/** Lets the platform's calls through: with a key, or without one where the configuration leaves that to the platform. */
export const authorizePlatform = (parts: EdgeParts) =>
	parts.config.container.access === 'open' ? createMiddleware<EdgeEnv>((_, next) => next()) : authorize(parts, 'infer')

/**
 * Finds the model that is meant where a path names none: the one that the request names, else that of the configuration, else the only one.
 * What it returns throws SpillwayError `not-found` when there are several and none is named.
 */
export function containerModel({ config, models }: EdgeParts): (c: EdgeContext, named?: string) => Promise<ServedModel> {
	const [first, ...others] = Object.keys(config.models)
	const chosen = config.container.model ?? (others.length === 0 ? first : undefined)
	return (c, named = chosen) => {
		if (named === undefined)
			throw new SpillwayError('not-found', 'there are several models; the setting container.model says which one answers here')
		return findModel(models, named, undefined, askerOf(c))
	}
}
