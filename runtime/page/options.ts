// What `createRuntime` takes, checked when it is made: wrong configuration must not wait for the first call.

import { SpillwayError } from '../core/error.ts'
import type { Trust, Tuning } from '../device/control.ts'
import { gpuBuild } from '../device/gpu-build.ts'
import { checkTuning } from '../device/tuning.ts'
import { type Policy, policies } from '../overflow/policy.ts'
import type { TelemetryOptions } from '../telemetry/options.ts'

export interface RuntimeOptions extends Tuning {
	/** Address of a Spillway edge. Without it, only the device answers. */
	edge?: string | undefined
	/** Publishable key for the edge. It stands in the page: a quota, not a secret. */
	key?: string | undefined
	/**
	 * Where calls may go. Default `"prefer-device"`: **inputs may be sent to the edge** when the device cannot answer, or not yet, or not in time.
	 * `"device-only"`: inputs never leave the device. `"edge-only"`: no model is downloaded. `"prefer-edge"`: the device answers what the edge
	 * cannot. `"fastest"`: whoever is expected to answer first.
	 */
	policy?: Policy | undefined
	/** Ed25519 public keys (base64url, 43 characters) that models must be signed by. Default: the edge's, asked of the edge. */
	trust?: readonly string[] | undefined
	/** Address of packed models: any static host, or several that have the same, in the order in which they are to be asked. Default: the edge's. */
	models?: string | readonly string[] | undefined
	/**
	 * What is measured of calls and loads, without inputs and outputs: see `docs/telemetry.md`. `false`: nothing is. Default: reported to the edge, if
	 * there is one, but not under `device-only`.
	 */
	telemetry?: TelemetryOptions | false | undefined
	/** Address of the folder with the files beside the published entry (`engine.js`, …, and the wasm), unchanged. Default: next to this script. */
	assets?: string | undefined
	/**
	 * One engine for all tabs of this origin with the same options, so that they hold a model once. Inputs then go to the tab that hosts it, on
	 * the same device. Default false.
	 */
	shared?: boolean | undefined
}

/** Addresses of the files that are loaded when they are needed. */
export interface Assets {
	edge: string
	engine: string
	session: string
	start: string
	tabs: string
	telemetry: string
	wasm: string
	/** The same for GPUs; without them `webgpu` and `webnn` are not tried. */
	gpu?: { session: string; wasm: string } | undefined
}

/** The files of one folder, whose address ends in a slash. */
export const assetsIn = (folder: string): Assets => ({
	edge: `${folder}edge.js`,
	engine: `${folder}engine.js`,
	session: `${folder}session.js`,
	start: `${folder}start.js`,
	tabs: `${folder}tabs.js`,
	telemetry: `${folder}telemetry.js`,
	wasm: `${folder}ort-wasm-simd-threaded.wasm`,
	gpu: { session: `${folder}gpu-${gpuBuild}.js`, wasm: `${folder}ort-wasm-simd-threaded.${gpuBuild}.wasm` },
})

export interface Settings {
	edge: string | undefined
	key: string | undefined
	policy: Policy
	/** Addresses of the models, each with a slash at its end. */
	models: readonly string[]
	trust: Trust
	assets: Assets
	tuning: Tuning
	shared: boolean
	telemetry: TelemetryOptions | false
}

const wrong = (message: string): never => {
	throw new SpillwayError('malformed', `createRuntime: ${message}`)
}

/**
 * Checks the options and fills in defaults.
 *
 * @param beside addresses of the files next to this script, asked for when the options name no others.
 * @throws SpillwayError `malformed`, saying what to give.
 */
export function settingsOf(options: RuntimeOptions, beside: () => Assets): Settings {
	const {
		edge: _edge,
		key,
		policy = 'prefer-device',
		trust = [],
		models: _models,
		assets: _assets,
		shared = false,
		telemetry: _telemetry,
		...rest
	} = options
	const tuning = checkTuning(rest, 'createRuntime')
	if (!policies.includes(policy)) wrong(`policy: "${policy}" is none of ${policies}`)
	if (key !== undefined && !/^[!-~]+$/.test(key)) wrong('key must be text without spaces')
	if (!Array.isArray(trust)) wrong('trust must be a list of keys')
	for (const one of trust) if (!/^[\w-]{43}$/.test(one)) wrong(`trust: "${one}" is no trust key`)
	if (shared !== !!shared) wrong('shared must be true or false')
	const edge = folder('edge', options.edge)
	const models = [options.models ?? []].flat().map((one) => folder('models', one) as string)
	const assets = folder('assets', options.assets)
	if (!edge && (policy === 'edge-only' || !models[0])) wrong(`give edge${policy === 'edge-only' ? '' : ' or models'}`)
	if (!edge && !trust.length) wrong('models without edge needs trust')
	const { telemetry = edge && policy !== 'device-only' ? {} : false } = options
	const { sample = 1, consent, tracer, ...unknown } = telemetry || {}
	if (!(sample >= 0 && sample <= 1) || (consent && !consent.call) || (tracer && !tracer.startSpan) || Object.keys(unknown)[0])
		wrong('telemetry must be false or { consent, sample, tracer }')
	return {
		edge,
		key,
		policy,
		models: models[0] ? models : [`${edge}models/`],
		trust: trust.length ? { keys: trust } : { jwks: `${edge}.well-known/jwks.json` },
		assets: assets ? assetsIn(assets) : beside(),
		tuning,
		shared,
		telemetry,
	}
}

/** An absolute http address that ends in a slash. */
function folder(option: string, address: string | undefined): string | undefined {
	if (address == null) return
	const base = globalThis.document?.baseURI
	const url = URL.canParse(address, base) ? new URL(address, base).href : ''
	if (!/^https?:[^@?#]+$/.test(url)) wrong(`${option}: "${address}" is no plain http(s) address`)
	return url.replace(/\/*$/, '/')
}
