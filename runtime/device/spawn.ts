// Starts a module worker from any address, also of another origin (a script tag's files come from the edge).

import { messageOf, SpillwayError } from '../core/error.ts'

/**
 * @param url absolute address of a self-contained ES module.
 * @param name shown in the browser's developer tools.
 */
export function spawn(url: string, name: string): Worker {
	// In a worker started from a blob, `origin` is that of the page; `location.origin` too, but not in all browsers.
	if (new URL(url).origin === self.origin) return new Worker(url, { type: 'module', name })
	// A worker's script must be of the page's origin, what it imports need not be (CORS allowed).
	const blob = URL.createObjectURL(new Blob([`import ${JSON.stringify(url)}`], { type: 'text/javascript' }))
	const worker = new Worker(blob, { type: 'module', name })
	const revoke = () => URL.revokeObjectURL(blob)
	worker.addEventListener('message', revoke, { once: true })
	worker.addEventListener('error', revoke, { once: true })
	return worker
}

/**
 * As `spawn`, for a script that starts workers from its own address, `import.meta.url`, as ONNX Runtime does for its threads: one of another
 * origin is fetched, and runs from an address of this origin.
 *
 * @param over when it aborts, that address is given up.
 * @throws SpillwayError `environment` when the script cannot be fetched, `aborted`.
 */
export async function spawnWithThreads(url: string, name: string, over: AbortSignal): Promise<Worker> {
	if (new URL(url).origin === self.origin) return spawn(url, name)
	const script = await fetchScript(url, over)
	const blob = URL.createObjectURL(script)
	over.addEventListener('abort', () => URL.revokeObjectURL(blob), { once: true })
	return new Worker(blob, { type: 'module', name })
}

async function fetchScript(url: string, signal: AbortSignal): Promise<Blob> {
	try {
		const response = await fetch(url, { credentials: 'omit', signal })
		if (!response.ok) throw new Error(`status ${response.status}`)
		return new Blob([await response.text()], { type: 'text/javascript' })
	} catch (cause) {
		if (signal.aborted) throw SpillwayError.from(signal.reason)
		throw new SpillwayError('environment', `${url} cannot be fetched: ${messageOf(cause)}`, { cause })
	}
}
