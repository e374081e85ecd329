// What hosting platforms ask of a container that runs one model: SageMaker's `/invocations`, Azure ML's `/score`.

import { createMiddleware } from 'hono/factory'
import { SpillwayError } from '../../runtime/core/error.ts'
import { authorize } from '../auth/authorize.ts'
import type { EdgeEnv } from '../env.ts'
import type { EdgeParts, ServedModel } from '../parts.ts'
import { findModel } from './served.ts'

/** Lets the platform's calls through: with a key, or without one where the configuration leaves that to the platform. */
export const authorizePlatform = (parts: EdgeParts) =>
	parts.config.container.access === 'open' ? createMiddleware<EdgeEnv>((_, next) => next()) : authorize(parts, 'infer')

/**
 * The model that is meant where a path names none: the one that the request names, else that of the configuration, else the only one.
 * @throws SpillwayError `not-found` when there are several and none is named.
 */
export async function modelOfContainer({ config, models }: EdgeParts, named?: string): Promise<ServedModel> {
	const name = named ?? config.container.model ?? only(Object.keys(config.models))
	if (name === undefined)
		throw new SpillwayError('not-found', 'there are several models; the setting container.model says which one answers here')
	return findModel(models, name)
}

const only = (names: readonly string[]): string | undefined => (names.length === 1 ? names[0] : undefined)
