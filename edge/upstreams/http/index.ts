// Upstreams with a protocol of their own over HTTP, by a mapping that the configuration declares.

import { upstreamKind } from '../upstream.ts'
import { isUp } from './health.ts'
import { mapping } from './mapping.ts'
import { httpUpstream } from './upstream.ts'

export const http = upstreamKind({ kind: 'http', settings: mapping, executor: httpUpstream, isUp })
