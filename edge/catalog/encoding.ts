// Which content codings a request accepts (RFC 9110, 12.5.3).

/**
 * Whether a response may be sent in brotli. A range is always one of the plain bytes: so it means the same to whoever goes on with a download
 * through another cache.
 *
 * On Cloudflare every request accepts brotli: the platform unpacks it for who does not.
 *
 * @see https://www.rfc-editor.org/rfc/rfc9110#section-12.5.3
 */
export const takesBrotli = ({ headers }: Request): boolean => !headers.has('range') && accepts(headers.get('accept-encoding'), 'br')

/** @example accepts('gzip, br;q=0.5', 'br') // true */
export function accepts(header: string | null, coding: string): boolean {
	const weights = new Map(
		(header ?? '').split(',').map((part) => {
			const [name = '', ...parameters] = part.split(';').map((text) => text.trim().toLowerCase())
			const weight = parameters.find((parameter) => parameter.startsWith('q='))
			return [name, weight === undefined ? 1 : Number(weight.slice(2))]
		}),
	)
	return (weights.get(coding) ?? weights.get('*') ?? 0) > 0
}
