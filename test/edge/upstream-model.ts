// A packed model as an upstream of the tests has it.

import type { UpstreamModel } from '../../edge/upstreams/upstream.ts'
import type { Manifest } from '../../models/format/manifest.ts'
import { spaceOf } from '../../runtime/core/call.ts'

/** @param as what the configuration says of it. Default: the same name, any version, of no known space. */
export function upstreamModel(
	{ manifest, digest }: { manifest: Manifest; digest: string },
	as: { name?: string; version?: string; variant?: string } = {},
): UpstreamModel {
	const { name = manifest.model, version, variant } = as
	const space = variant && spaceOf(manifest.model, digest, variant)
	return { name: manifest.model, version: manifest.version, interface: manifest, remote: { name, version }, variant, space }
}
