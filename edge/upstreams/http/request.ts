// A call as the HTTP request of a declared mapping.

import type { Call } from '../../../runtime/core/call.ts'
import { SpillwayError } from '../../../runtime/core/error.ts'
import { toUtf8 } from '../../../runtime/core/utf8.ts'
import { encodeRequest, type Message } from '../../../runtime/remote/oip.ts'
import type { Environment } from '../../config/environment.ts'
import { secretOf } from '../../config/secrets.ts'
import type { UpstreamModel } from '../upstream.ts'
import type { Mapping } from './mapping.ts'
import { fill, type Template } from './template.ts'

type Remote = UpstreamModel['remote']

/** The address of a request. */
export function addressOf(url: string, path: string, { name, version = '' }: Remote): string {
	const filled = path.replaceAll('{model}', encodeURIComponent(name)).replaceAll('{version}', encodeURIComponent(version))
	return url.replace(/\/+$/, '') + filled
}

/** The mapping's own headers, and the key where it goes. */
export function headersOf(
	{ headers, keyHeader }: Pick<Mapping, 'headers' | 'keyHeader'>,
	key: string | undefined,
	environment: Environment,
): Record<string, string> {
	const own = Object.entries(headers).map(([name, value]) => [
		name.toLowerCase(),
		typeof value === 'string' ? value : secretOf(value, environment),
	])
	const bearer = keyHeader.toLowerCase() === 'authorization'
	return { ...(key !== undefined && { [keyHeader.toLowerCase()]: bearer ? `Bearer ${key}` : key }), ...Object.fromEntries(own) }
}

/**
 * The body.
 * @throws SpillwayError `unsupported` when JSON cannot carry a tensor, or the mapping has no form for the call.
 */
export function messageOf(call: Call, { tensors: form, body, embed }: Mapping, remote: Remote): Message {
	if (call.kind === 'tensors') {
		const { tensors } = call
		if (form === 'json') return json(fill(body, { model: remote, tensors }))
		const binary = form === 'oip-binary'
		return encodeRequest({ inputs: tensors, binaryOutput: binary }, { binary })
	}
	if (call.task === 'embed' && embed) return json(fill(embed.body as Template, { model: remote, texts: call.input }))
	throw new SpillwayError('unsupported', `no form is declared for ${call.task}`)
}

const json = (text: string): Message => ({
	body: toUtf8(text),
	headers: { 'content-type': 'application/json', accept: 'application/json' },
})
