// Errors in OpenAI's form, with OpenAI's words where its clients look for them.
// https://platform.openai.com/docs/guides/error-codes

import type { ErrorCode } from '../../../runtime/core/error.ts'
import type { EdgeContext } from '../../env.ts'
import { respondJson } from '../respond.ts'

export interface OpenAIError {
	readonly error: { readonly message: string; readonly type: string; readonly param: string | null; readonly code: string | null }
}

/** One of Spillway's errors as OpenAI would say it. */
export function openaiErrorOf(code: ErrorCode, status: number, message: string): OpenAIError {
	const type = code === 'rate-limited' ? 'requests' : status >= 500 ? 'server_error' : 'invalid_request_error'
	return { error: { message, type, param: null, code: openaiCode[code] ?? code.replaceAll('-', '_') } }
}

const openaiCode: Partial<Record<ErrorCode, string>> = {
	unauthenticated: 'invalid_api_key',
	'rate-limited': 'rate_limit_exceeded',
}

/** Refuses a request in OpenAI's own words. */
export function refuse(c: EdgeContext, options: { status?: 400 | 404; message: string; param?: string; code?: string }): Response {
	const { status = 400, message, param = null, code = null } = options
	c.set('error', status === 404 ? 'not-found' : 'invalid-input')
	const body: OpenAIError = { error: { message, type: 'invalid_request_error', param, code } }
	return respondJson(c, body, { status, headers: { 'cache-control': 'no-store' } })
}
