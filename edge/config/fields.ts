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

export type Secret = z.output<typeof secret>
