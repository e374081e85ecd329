// A static host whose models arrive slowly and in parts, so that a download can be looked at, cut off, or ended in its middle.

import { readFile } from 'node:fs/promises'
import type { ServerResponse } from 'node:http'
import { setTimeout as sleep } from 'node:timers/promises'
import { filesOf, textDescription } from '../runtime/tiny.ts'
import type { Models } from './models.ts'
import { staticHost } from './page.ts'
import type { Site } from './site.ts'

export interface Delivery {
	readonly site: Site
	/** Bytes of chunks that were handed to the network. */
	sent: number
	/** Told after each part of a chunk. */
	onSent: (() => void) | undefined
	/** Milliseconds between two parts of a chunk. */
	pause: number
	/** Paths of chunks that were asked for, in order. */
	readonly chunks: string[]
	/** Breaks off all chunks that are under way. */
	cut(): void
}

/** Bytes of a part. */
const part = 64 * 1024

/** Nothing may be kept by the browser's own cache: what is stored is what Spillway has stored. */
const headers = { 'Cache-Control': 'no-store' }

export async function deliverySite(models: Models): Promise<Delivery> {
	const underWay = new Set<ServerResponse>()
	const delivery: Delivery = {
		site: await staticHost(models, { headers }),
		sent: 0,
		onSent: undefined,
		pause: 0,
		chunks: [],
		cut() {
			for (const response of underWay) response.destroy()
		},
	}
	delivery.site.fault = (path, response) => {
		const [, digest] = path.match(/^\/models\/chunks\/(.*)/) ?? []
		if (!digest) return false
		delivery.chunks.push(digest)
		underWay.add(response)
		response.on('close', () => underWay.delete(response))
		send(digest).catch(() => response.destroy())
		return true

		async function send(digest: string): Promise<void> {
			const bytes = await readFile(`${models.folder}/chunks/${digest}`)
			response.setHeader('Content-Length', bytes.length)
			for (let start = 0; start < bytes.length && !response.destroyed; start += part) {
				const piece = bytes.subarray(start, start + part)
				await sleep(delivery.pause)
				response.write(piece)
				delivery.sent += piece.length
				delivery.onSent?.()
			}
			response.end()
		}
	}
	return delivery
}

/** Bytes of `big-text`'s files. */
export const bigSize = 16 * 2 ** 20

/** Packs a model `big-text`: the tiny one, with a tokenizer in chunks of 1 MiB of what nobody reads. */
export async function addBig(models: Models): Promise<void> {
	const description = { ...textDescription(), model: 'big-text' }
	const { 'tokenizer.json': json, ...files } = filesOf(description)
	const tokenizer = JSON.parse(new TextDecoder().decode(json))
	const room = bigSize - (json?.length ?? 0) - (files['graph.onnx']?.length ?? 0) - 20
	// What cannot be compressed is packed sooner.
	let seed = 1
	const noise = Uint8Array.from({ length: Math.floor((room * 3) / 4) }, () => {
		seed = (seed * 1664525 + 1013904223) >>> 0
		return seed >>> 24
	})
	const padded = { ...tokenizer, comment: Buffer.from(noise).toString('base64') }
	await models.add(description, { ...files, 'tokenizer.json': new TextEncoder().encode(JSON.stringify(padded)) })
}
