// What `createRuntime` takes, checked when it is made: wrong configuration must not wait for the first call.

import { SpillwayError } from '../core/error.ts'
import type { Trust } from '../device/control.ts'
import type { Policy } from '../overflow/plan.ts'

export interface RuntimeOptions {
	/** Address of a Spillway edge. Without it, only the device answers. */
	edge?: string | undefined
	/** Publishable key for the edge. It stands in the page: a quota, not a secret. */
	key?: string | undefined
	/**
	 * Where calls may go. Default `"prefer-device"`: **inputs may be sent to the edge** when the device cannot answer, or not yet, or not in time.
	 * `"device-only"`: inputs never leave the device. `"edge-only"`: no model is downloaded.
	 */
	policy?: Policy | undefined
	/** Ed25519 public keys (base64url, 43 characters) that models must be signed by. Default: the edge's, asked of the edge. */
	trust?: readonly string[] | undefined
	/** Address of packed models: any static host. Default: the edge's. */
	models?: string | undefined
	/** Address of the folder with `engine.js`, `session.js` and `ort-wasm-simd-threaded.wasm`. Default: next to this script. */
	assets?: string | undefined
}

/** Addresses of the files that are loaded when a model is. */
export interface Assets {
	engine: string
	session: string
	wasm: string
}

export interface Settings {
	edge: string | null
	key: string | undefined
	policy: Policy
	/** Null when nothing may be loaded: `edge-only`. */
	device: { models: string; trust: Trust; assets: Assets } | null
}

const policies: readonly Policy[] = ['prefer-device', 'device-only', 'edge-only']
const known = ['edge', 'key', 'policy', 'trust', 'models', 'assets']

const wrong = (message: string): never => {
	throw new SpillwayError('malformed', `createRuntime: ${message}`)
}

/**
 * Checks the options and fills in defaults.
 *
 * @param beside addresses of the files next to this script.
 * @throws SpillwayError `malformed`, saying what to give.
 */
export function settingsOf(options: RuntimeOptions, beside: () => Assets): Settings {
	for (const name of Object.keys(options)) if (!known.includes(name)) wrong(`there is no option "${name}"; there are ${known.join(', ')}`)
	const { key, policy = 'prefer-device', trust } = options
	if (!policies.includes(policy)) wrong(`no policy "${policy}"; choose one of ${policies.join(', ')}`)
	if (key !== undefined && (typeof key !== 'string' || !/^[\x21-\x7e]+$/.test(key))) wrong('key must be a string without white space')
	if (trust !== undefined) {
		if (!Array.isArray(trust) || trust.length === 0) wrong('trust must be an array of public keys, one at least')
		for (const one of trust)
			if (!/^[\w-]{43}$/.test(one))
				wrong(`trust: "${one}" is no Ed25519 public key in base64url (43 characters, as "spillway keygen" prints it)`)
	}
	const edge = options.edge === undefined ? null : folder('edge', options.edge)
	if (policy === 'edge-only') return { edge: edge ?? wrong('policy "edge-only" needs edge'), key, policy, device: null }

	const models = options.models === undefined ? null : folder('models', options.models)
	const assets = options.assets === undefined ? null : folder('assets', options.assets)
	return {
		edge,
		key,
		policy,
		device: {
			models: models ?? `${edge ?? wrong('give edge (address of a Spillway edge), models (address of packed models), or both')}models/`,
			trust: trust
				? { keys: trust }
				: {
						jwks: `${edge ?? wrong('models without edge needs trust: the public keys that the models are signed by')}.well-known/jwks.json`,
					},
			assets: assets
				? { engine: `${assets}engine.js`, session: `${assets}session.js`, wasm: `${assets}ort-wasm-simd-threaded.wasm` }
				: beside(),
		},
	}
}

/** An absolute http address that ends in a slash. */
function folder(option: string, address: string): string {
	const base = globalThis.document?.baseURI
	if (typeof address !== 'string' || !URL.canParse(address, base))
		return wrong(`${option} must be an address, such as "https://edge.example.com"`)
	const url = new URL(address, base)
	if (!/^https?:$/.test(url.protocol) || url.username || url.search || url.hash)
		wrong(`${option} must be an http or https address without user, query and fragment, not ${url}`)
	return url.href.replace(/\/*$/, '/')
}
