// A slow network on loopback: all connections together share so many bits a second, and every byte is so many milliseconds on its way.

import { type AddressInfo, connect, createServer, type Socket } from 'node:net'

export interface LinkOptions {
	/** Port on 127.0.0.1 that connections go on to. */
	to: number
	/** Bits a second, each way. */
	rate: number
	/** Milliseconds, each way. */
	delay: number
}

export interface Link {
	origin: string
	/** Bytes that came to the clients since the last `take`, headers and all. */
	take(): number
	close(): Promise<void>
}

/** Bytes that leave at once after a pause, in TCP's segments of 1,460: what a timer that is 20 ms late may not lose. */
const burst = 48 * 1460
/** Bytes of a connection that wait before its sender is held back: more would be a queue that no real sender fills. */
const mostWaiting = 64 * 1024

export async function slowLink({ to, rate, delay }: LinkOptions): Promise<Link> {
	let came = 0
	const sockets = new Set<Socket>()
	const down = bucket(rate, delay, (bytes) => {
		came += bytes
	})
	const up = bucket(rate, delay)
	const server = createServer((client) => {
		const upstream = connect(to, '127.0.0.1')
		for (const [from, other, through] of [
			[client, upstream, up],
			[upstream, client, down],
		] as const) {
			sockets.add(from)
			from.setNoDelay(true)
			through(from, other)
			from.on('error', () => other.destroy())
			from.on('close', () => {
				sockets.delete(from)
				// What is under way still arrives.
				setTimeout(() => other.destroySoon(), 2 * delay + 1000)
			})
		}
	})
	await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve))
	return {
		origin: `http://localhost:${(server.address() as AddressInfo).port}`,
		take() {
			const taken = came
			came = 0
			return taken
		},
		close: () =>
			new Promise((resolve) => {
				for (const socket of sockets) socket.destroy()
				server.close(() => resolve())
			}),
	}
}

/** What one connection has to send. */
interface Queue {
	pieces: Buffer[]
	waiting: number
	from: Socket
	to: Socket
}

/** A token bucket over all connections, served in turn. */
function bucket(rate: number, delay: number, onSent: (bytes: number) => void = () => {}) {
	const perMillisecond = rate / 8000
	const queues: Queue[] = []
	let tokens = burst
	let filled = performance.now()
	let timer: ReturnType<typeof setTimeout> | undefined

	function serve(): void {
		timer = undefined
		const now = performance.now()
		tokens = Math.min(burst, tokens + (now - filled) * perMillisecond)
		filled = now
		while (tokens > 0) {
			const queue = queues.shift()
			if (!queue) return
			const piece = queue.pieces.shift() as Buffer
			tokens -= piece.length
			queue.waiting -= piece.length
			setTimeout(() => {
				onSent(piece.length)
				queue.to.write(piece)
			}, delay)
			if (queue.pieces.length > 0) queues.push(queue)
			if (queue.waiting < mostWaiting) queue.from.resume()
		}
		if (queues.length > 0) timer = setTimeout(serve, 1)
	}

	return (from: Socket, to: Socket): void => {
		const queue: Queue = { pieces: [], waiting: 0, from, to }
		from.on('data', (data) => {
			if (queue.pieces.length === 0) queues.push(queue)
			for (let start = 0; start < data.length; start += 1460) queue.pieces.push(data.subarray(start, start + 1460))
			queue.waiting += data.length
			if (queue.waiting >= mostWaiting) from.pause()
			if (timer === undefined) serve()
		})
		// In its turn, behind all that is on its way.
		from.on('end', () => {
			const end = () => (queue.pieces.length > 0 ? setTimeout(end, 1) : setTimeout(() => to.end(), delay))
			end()
		})
	}
}
