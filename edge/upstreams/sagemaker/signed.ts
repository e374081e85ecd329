// Requests signed with AWS Signature Version 4: https://docs.aws.amazon.com/IAM/latest/UserGuide/reference_sigv.html

import type { Fetch } from '../../../runtime/remote/exchange.ts'

export interface Account {
	readonly region: string
	readonly accessKeyId: string
	readonly secretAccessKey: string
	/** Of temporary credentials. */
	readonly sessionToken?: string | undefined
}

/** Signs what `fetch` sends, its body included. */
export function signed({ sessionToken, ...account }: Account, fetch: Fetch = (url, init) => globalThis.fetch(url, init)): Fetch {
	return async (url, init) => {
		// Loaded by those who need it: an edge without such an upstream runs without the package.
		const { AwsV4Signer } = await import('aws4fetch')
		const {
			url: address,
			method,
			headers,
		} = await new AwsV4Signer({
			...account,
			...(sessionToken !== undefined && { sessionToken }),
			service: 'sagemaker',
			url,
			method: init.method ?? 'POST',
			headers: new Headers(init.headers),
			...(init.body !== undefined && init.body !== null && { body: init.body }),
		}).sign()
		// A redirect is that of an endpoint in another region, for which the signature is not good.
		return fetch(String(address), { ...init, method, headers: Object.fromEntries(headers), redirect: 'manual' })
	}
}
