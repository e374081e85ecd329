// Makes TypeScript of the proto files of all protocols: `npm run proto`, after a change to one of them. What it makes is committed.

import { execFileSync } from 'node:child_process'
import { existsSync, readdirSync, readFileSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'

const protocols = fileURLToPath(new URL('..', import.meta.url))

/** Only this script needs them, so nobody else installs them. */
const tools = ['-p', '@bufbuild/buf@1.75.0', '-p', '@bufbuild/protoc-gen-es@2.17.0']
const template = JSON.stringify({
	version: 'v2',
	plugins: [{ local: 'protoc-gen-es', out: '.', opt: ['target=ts', 'erasable_syntax=true', 'import_extension=ts'] }],
})

const folders = readdirSync(protocols).map((name) => join(protocols, name, 'proto'))
for (const folder of folders.filter((folder) => existsSync(folder))) {
	// Messages and services: `<name>_pb.ts` beside each file.
	execFileSync('npx', ['--yes', ...tools, 'buf', 'generate', folder, '--template', template, '--output', folder], { stdio: 'inherit' })
	writeFileSync(join(folder, 'sources.ts'), sources(folder))
}

/** The files' text as a module: workerd has no files to read them from. */
function sources(folder) {
	const names = readdirSync(folder, { recursive: true }).filter((name) => name.endsWith('.proto'))
	const entries = names.sort().map((name) => `\t'${name}': ${literal(readFileSync(join(folder, name), 'utf8'))},\n`)
	return `// Made by \`npm run proto\` of the files beside it.\n\nexport const protos: Readonly<Record<string, string>> = {\n${entries.join('')}}\n`
}

/** A string that JavaScript reads as the text. */
function literal(text) {
	return `\`${text.replace(/[\\`]|\$\{/g, '\\$&')}\``
}
