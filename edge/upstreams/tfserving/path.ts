// Where a model is on a server.

import type { UpstreamModel } from '../upstream.ts'

/** The model's path: TensorFlow's versions are whole numbers, what is none is a label. */
export function modelPath({ name, version }: UpstreamModel['remote']): string {
	const model = `/v1/models/${encodeURIComponent(name)}`
	if (version === undefined) return model
	return /^\d+$/.test(version) ? `${model}/versions/${version}` : `${model}/labels/${encodeURIComponent(version)}`
}
