// Starts a module worker from any address, also of another origin (a script tag's files come from the edge).

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
