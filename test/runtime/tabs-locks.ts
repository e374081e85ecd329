// Web Locks for several tabs in one thread, as the standard has them; Node's own know only one holder for each thread.
// https://w3c.github.io/web-locks/

interface Request {
	readonly name: string
	readonly client: string
	readonly mode: LockMode
	grant(lock: Lock | null): unknown
	/** Settles what `request` returned. */
	reject(error: unknown): void
	resolve(value: unknown): void
}

export interface Locks {
	/** The locks as one tab or worker sees them. */
	of(client: string): LockManager
	/** The tab or worker is gone, with all its locks. */
	kill(client: string): void
	/** Who holds a lock. */
	holders(name: string): string[]
}

export function makeLocks(): Locks {
	let held: Request[] = []
	let queue: Request[] = []
	const dead = new Set<string>()

	const grantable = ({ name, mode }: Request) => held.every((one) => one.name !== name || (mode === 'shared' && one.mode === 'shared'))

	function grant(request: Request) {
		held.push(request)
		queueMicrotask(async () => {
			try {
				request.resolve(await request.grant({ name: request.name, mode: request.mode }))
			} catch (error) {
				request.reject(error)
			}
			release(request)
		})
	}

	function release(request: Request) {
		held = held.filter((one) => one !== request)
		next()
	}

	function next() {
		const waiting = new Set<string>()
		for (const request of [...queue]) {
			if (!waiting.has(request.name) && grantable(request)) {
				queue = queue.filter((one) => one !== request)
				grant(request)
			} else waiting.add(request.name)
		}
	}

	const of = (client: string): LockManager => ({
		request: ((name: string, ...rest: [LockOptions, LockGrantedCallback<unknown>] | [LockGrantedCallback<unknown>]) =>
			new Promise((resolve, reject) => {
				const callback = rest.at(-1) as LockGrantedCallback<unknown>
				const { mode = 'exclusive', ifAvailable, steal, signal } = rest.length > 1 ? (rest[0] as LockOptions) : {}
				if (dead.has(client)) return
				if (signal?.aborted) return reject(signal.reason)
				const request: Request = { name, client, mode, grant: callback, resolve, reject }
				signal?.addEventListener('abort', () => {
					if (!queue.includes(request)) return
					queue = queue.filter((one) => one !== request)
					reject(signal.reason)
					next()
				})
				if (steal) {
					for (const one of held.filter((one) => one.name === name)) one.reject(new DOMException('stolen', 'AbortError'))
					held = held.filter((one) => one.name !== name)
					grant(request)
				} else if (grantable(request) && queue.every((one) => one.name !== name)) grant(request)
				else if (ifAvailable) resolve(callback(null) as never)
				else queue.push(request)
			})) as LockManager['request'],
		query: async () => ({
			held: held.map(({ name, mode, client }) => ({ name, mode, clientId: client })),
			pending: queue.map(({ name, mode, client }) => ({ name, mode, clientId: client })),
		}),
	})

	return {
		of,
		kill(client) {
			dead.add(client)
			held = held.filter((one) => one.client !== client)
			queue = queue.filter((one) => one.client !== client)
			next()
		},
		holders: (name) => held.filter((one) => one.name === name).map(({ client }) => client),
	}
}
