// Asks an edge from a Worker, once for each request.

import * as remote from 'spillway/remote'
import { askEdge } from './ask.mjs'

export default {
	async fetch(request) {
		const { searchParams } = new URL(request.url)
		return Response.json(await askEdge(remote, { address: searchParams.get('address'), key: searchParams.get('key') }))
	},
}
