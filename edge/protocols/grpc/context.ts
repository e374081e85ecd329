// The HTTP request behind a call: over native gRPC, gRPC-Web and Connect, metadata are its headers.

import { type ContextValues, createContextKey, createContextValues, type HandlerContext } from '@connectrpc/connect'
import type { EdgeContext } from '../../env.ts'

const key = createContextKey<EdgeContext | undefined>(undefined, { description: 'the HTTP request' })

/** Values for a call that comes by `c`. */
export const valuesOf = (c: EdgeContext): ContextValues => createContextValues().set(key, c)

/** The request that a call came by. */
export function contextOf({ values }: Pick<HandlerContext, 'values'>): EdgeContext {
	const c = values.get(key)
	if (!c) throw new TypeError('calls come by HTTP')
	return c
}
