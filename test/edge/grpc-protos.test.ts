// The text of proto files that is served is that of the files.

import { readdirSync, readFileSync } from 'node:fs'
import { fileURLToPath } from 'node:url'
import { expect, test } from 'vitest'
import { protos } from '../../edge/protocols/grpc/proto/sources.ts'
import { protos as tensorflow } from '../../edge/protocols/tfserving/proto/sources.ts'

test.each(Object.entries({ grpc: protos, tfserving: tensorflow }))('%s: npm run proto was run after the last change', (name, sources) => {
	const folder = fileURLToPath(new URL(`../../edge/protocols/${name}/proto/`, import.meta.url))
	const files = readdirSync(folder, { recursive: true, encoding: 'utf8' }).filter((file) => file.endsWith('.proto'))
	expect(Object.fromEntries(files.map((file) => [file, readFileSync(folder + file, 'utf8')]))).toEqual(sources)
})
