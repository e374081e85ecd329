// An upstream that takes its time for each row, one call at a time, and gives back what it gets. usage: rows.ts <milliseconds a row>

import { createServer } from 'node:http'
import type { AddressInfo } from 'node:net'
import { buffer } from 'node:stream/consumers'
import type { Tensor } from '../../../runtime/core/tensor.ts'
import { decodeRequest, encodeResponse, headerLengthName } from '../../../runtime/remote/oip.ts'

const perRow = Number(process.argv[2])
let last = Promise.resolve()

const server = createServer(async (request, response) => {
	if (request.method !== 'POST') return response.end()
	const { inputs } = decodeRequest(await buffer(request), String(request.headers[headerLengthName]))
	const x = inputs.x as Tensor
	last = last.then(() => new Promise((resolve) => setTimeout(resolve, perRow * (x.shape[0] as number))))
	await last
	const { headers, body } = encodeResponse({ model: 'rows', version: '1', outputs: { y: x } }, { binaryOutput: true })
	response.writeHead(200, { ...headers, 'content-length': body.byteLength })
	return response.end(body)
})
server.listen(0, '127.0.0.1', () => process.stdout.write(`listening http://127.0.0.1:${(server.address() as AddressInfo).port}\n`))
