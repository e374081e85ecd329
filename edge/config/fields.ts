// Fields that several sections of the configuration have.

import { z } from 'zod'

/** A secret is never written down here: only the name of the environment variable or binding that holds it. */
export const secret = z.strictObject({
	env: z.string().regex(/^[A-Za-z_][A-Za-z0-9_]*$/, 'must be the name of an environment variable or binding'),
})

export const milliseconds = z.int().min(1)

export const httpAddress = z
	.string()
	.refine((value) => /^https?:\/\//.test(value) && URL.canParse(value), 'must be an address such as http://gpu-a:8000')
	// Paths are added to it; and whoever may read the configuration must not read a password there.
	.refine((value) => !URL.canParse(value) || !/[?#]/.test(value), 'must be an address without "?" and "#"')
	.refine(
		(value) => !URL.canParse(value) || new URL(value).username + new URL(value).password === '',
		'must be an address without a user or password',
	)

/** A certificate or private key in PEM, from a file or from a variable. Node only. */
export const pem = z.union([secret, z.strictObject({ file: z.string().min(1) })], 'must be { "file": "…" } or { "env": "…" }')

/** How a TLS connection to a server is made. Node only. */
export const tls = z
	.strictObject({
		/** The authorities that may have signed the server's certificate, in place of those that Node trusts. */
		ca: pem.optional(),
		/** The edge's own certificate, for servers that ask for one. */
		cert: pem.optional(),
		/** Its private key. */
		key: pem.optional(),
	})
	.refine(({ cert, key }) => (cert === undefined) === (key === undefined), 'must have "cert" and "key" together')

export type Pem = z.output<typeof pem>
export type TlsConfig = z.output<typeof tls>
export type Secret = z.output<typeof secret>
