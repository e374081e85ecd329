// The bucket that a configuration names.

import type { Environment } from '../../config/environment.ts'
import type { BucketConfig } from '../../config/schema.ts'
import { findSecret, secretOf } from '../../config/secrets.ts'
import { type Bucket, openBucket } from './bucket.ts'

/** An edge has callers that wait: it gives up sooner than who publishes. In milliseconds. */
const patience = 10_000
const attempts = 3

/** @throws SpillwayError `malformed` where the environment lacks a key that the configuration names. */
export const bucketOf = ({ accessKeyId, secretAccessKey, sessionToken, ...rest }: BucketConfig, environment: Environment): Bucket =>
	openBucket({
		...rest,
		accessKeyId: secretOf(accessKeyId, environment),
		secretAccessKey: secretOf(secretAccessKey, environment),
		sessionToken: findSecret(sessionToken, environment),
		patience,
		attempts,
	})
