// SageMaker hands on no header that it does not know: for Triton's containers the length of the JSON stands in the content type.
// https://docs.aws.amazon.com/sagemaker/latest/dg/deploy-models-frameworks-triton.html

import type { Fetch } from '../../../runtime/remote/exchange.ts'
import { headerLengthName } from '../../../runtime/remote/oip.ts'

const form = /^application\/vnd\.sagemaker-triton\.binary\+json;\s*json-header-size=(\d{1,15})$/i

/** The content type of a message with binary tensors after so many bytes of JSON. */
export const tritonType = (length: string): string => `application/vnd.sagemaker-triton.binary+json;json-header-size=${length}`

/** The length that such a content type tells; null for any other. */
export const jsonLengthOf = (contentType: string | null | undefined): string | null => form.exec(contentType?.trim() ?? '')?.[1] ?? null

/** Moves the length of binary requests from their header into the content type. */
export function ofTriton(fetch: Fetch): Fetch {
	return (url, init) => {
		const headers = new Headers(init.headers)
		const length = headers.get(headerLengthName)
		if (length === null) return fetch(url, init)
		headers.delete(headerLengthName)
		headers.set('content-type', tritonType(length))
		return fetch(url, { ...init, headers: Object.fromEntries(headers) })
	}
}
