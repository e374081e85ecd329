// Reads a manifest, or the description it is made from, and lets nothing through that cannot be served.

import { checkDescription, checkManifest } from './check.ts'
import { malformed, readJson } from './json.ts'
import { type Description, descriptionSchema, type Manifest, manifestSchema } from './manifest.ts'

/**
 * Reads a manifest: strict schema, then what a schema cannot say (every file that is named exists, chunk sizes add up,
 * golden samples fit inputs and outputs, axes are declared).
 *
 * @param bytes UTF-8 JSON. That they have the digest they are named by is for the caller to check, with `checkDigest`.
 * @throws SpillwayError `malformed`, e.g. `manifest: variants.int8.graphs.wasm.file: "int8.onnx" is no file of the manifest`.
 */
export function parseManifest(bytes: Uint8Array): Manifest {
	const manifest = readJson('manifest', manifestSchema, bytes)
	const problems = checkManifest(manifest)
	if (problems.length) throw malformed('manifest', problems)
	return manifest
}

/**
 * Reads a `model.json`, with all the checks of a manifest that need no files.
 *
 * @throws SpillwayError `malformed`, with the path of each problem.
 */
export function parseDescription(bytes: Uint8Array): Description {
	const description = readJson('model.json', descriptionSchema, bytes)
	const problems = checkDescription(description)
	if (problems.length) throw malformed('model.json', problems)
	return description
}
