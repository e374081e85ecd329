// Several versions of a model at once, and the admin API, over HTTP: the same before Node and before workerd.

import { versionsChangesSuite } from './versions-changes.ts'
import { versionsDemandSuite } from './versions-demand.ts'
import { versionsNamedSuite } from './versions-named.ts'
import { versionsShadowSuite } from './versions-shadow.ts'
import { versionsWeightsSuite } from './versions-weights.ts'

/** One after another: each begins with the routes that the one before leaves. */
export function versionsSuite(edge: () => { url: string }): void {
	versionsNamedSuite(edge)
	versionsWeightsSuite(edge)
	versionsChangesSuite(edge)
	versionsShadowSuite(edge)
	versionsDemandSuite(edge)
}
