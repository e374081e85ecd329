// What is packed: a folder with a model.json and the files it names.

import { readFile } from 'node:fs/promises'
import { join } from 'node:path'
import { messageOf, SpillwayError } from '../../../runtime/core/error.ts'
import { fileReferences } from '../../format/check.ts'
import { malformed, type Problem } from '../../format/json.ts'
import type { Description } from '../../format/manifest.ts'
import { parseDescription } from '../../format/parse.ts'
import { fromTensorData, within } from '../../format/tensor-data.ts'
import { checkGraphs } from './check-graphs.ts'

export interface Source {
	readonly description: Description
	/** Every file that the description names, and no other. */
	readonly files: ReadonlyMap<string, Uint8Array>
}

/**
 * Reads a model's folder and checks that it is whole: every file is there, the graphs' inputs, outputs and external data are
 * those of model.json, golden samples fit. Files that model.json does not name are left aside.
 *
 * @throws SpillwayError `not-found` without a model.json, `malformed` with the path of each problem.
 */
export async function readSource(folder: string): Promise<Source> {
	const description = parseDescription(await readDescription(folder))
	const files = new Map<string, Uint8Array>()
	const problems: Problem[] = []
	for (const { path, name } of fileReferences(description)) {
		if (files.has(name)) continue
		try {
			files.set(name, await readFile(join(folder, name)))
		} catch (error) {
			problems.push({ path, message: `${JSON.stringify(name)} cannot be read: ${messageOf(error)}` })
		}
	}
	if (!problems.length) problems.push(...checkGraphs(description, files), ...checkGoldenOutputs(description))
	if (problems.length) throw malformed('model.json', problems)
	return { description, files }
}

async function readDescription(folder: string): Promise<Uint8Array> {
	try {
		return await readFile(join(folder, 'model.json'))
	} catch (cause) {
		throw new SpillwayError('not-found', `${folder} has no readable model.json: ${messageOf(cause)}`, { cause })
	}
}

/** A golden output that is not within tolerance of itself (it holds NaN) could never be answered. */
function checkGoldenOutputs(description: Description): Problem[] {
	return Object.entries(description.variants).flatMap(([variant, { golden }]) =>
		golden.flatMap(({ outputs }, index) =>
			Object.entries(outputs).flatMap(([name, data]) => {
				const reason = within({ absolute: 0 }, data, fromTensorData(data))
				return reason ? [{ path: ['variants', variant, 'golden', index, 'outputs', name], message: reason }] : []
			}),
		),
	)
}
