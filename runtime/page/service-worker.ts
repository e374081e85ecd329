// Spillway in a service worker: it starts no worker and loads no file later, but may use the engine that a page shares, and the edge.

import * as edge from '../remote/page.ts'
import * as tabs from '../tabs/tabs.ts'
import { builtIn } from './lazy.ts'
import { assetsIn, type RuntimeOptions } from './options.ts'
import { makeRuntime, type Runtime } from './runtime.ts'

export * from '../index.ts'

/**
 * The runtime of a service worker. Under `shared: true` calls go to the engine of an open page with the same options; while there is none they go
 * to the edge, if the policy allows it, else they fail at once with `unavailable`.
 *
 * @param options as in the page. Addresses must be absolute. `assets` is where the **pages** have their files, so that both mean the same
 *   engine; default: the folder of the service worker's script. There is no telemetry here.
 * @throws SpillwayError `malformed`, as in the page.
 * @example
 * import { createRuntime } from "spillway/service-worker"
 * const spillway = createRuntime({ edge: "https://edge.example.com", key: "pk_…", shared: true, assets: "https://shop.example.com/spillway/" })
 */
export function createRuntime({ assets = new URL('./', self.location.href).href, ...options }: Omit<RuntimeOptions, 'telemetry'>): Runtime {
	const beside = assetsIn(`${assets}/`.replace(/\/+$/, '/'))
	Object.assign(builtIn, { [beside.edge]: edge, [beside.tabs]: tabs })
	return makeRuntime({ ...options, assets, telemetry: false }, () => beside)
}
