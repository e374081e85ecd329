// spillway check-config: what is wrong with an edge's configuration, for the person who wrote it.

import { mkdtemp, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { root, run } from '../package/repository.ts'

let folder: string
beforeAll(async () => {
	folder = await mkdtemp(join(tmpdir(), 'spillway-cli-'))
	await writeFile(join(folder, 'bad.json'), JSON.stringify({ server: { prot: 8787 }, limits: { bodyBytes: '16 MB' } }))
	await writeFile(join(folder, 'good.json'), JSON.stringify({ server: { port: 9000 } }))
	const tls = { cert: { file: 'none.pem' }, key: { file: 'good.json' } }
	await writeFile(join(folder, 'tls.json'), JSON.stringify({ server: { tls } }))
})
afterAll(() => rm(folder, { recursive: true }))

const check = (args: string[], env: Record<string, string> = {}) =>
	run(join(root, 'edge/cli/main.ts'), ['check-config', ...args], folder, env)

describe('spillway check-config', () => {
	it('explains each mistake with its place, and ends with 1', async () => {
		const { code, stdout } = await check(['bad.json'])
		expect(code).toBe(1)
		expect(stdout).toMatch(/^bad\.json: has mistakes\n/)
		expect(stdout).toContain('server.prot: is no setting; did you mean "port"?')
		expect(stdout).toContain('limits.bodyBytes: must be a number')
	})

	it('warns of what is allowed but probably not meant, and ends with 0', async () => {
		const { code, stdout } = await check(['good.json'])
		expect(code).toBe(0)
		expect(stdout).toMatch(/^good\.json: works, but look at the warnings\n/)
		expect(stdout).toContain('warning  keys: there are none')
	})

	it('warns of certificates that cannot be read here, or are none', async () => {
		const { code, stdout } = await check(['tls.json', '--json'])
		expect(code).toBe(0)
		const { warnings } = JSON.parse(stdout)
		expect(warnings).toContainEqual(expect.stringMatching(/^server\.tls\.cert: cannot be read: /))
		expect(warnings).toContainEqual(expect.stringMatching(/^server\.tls\.key: good\.json holds no PEM/))
	})

	it('takes the file that the environment names, and its overrides', async () => {
		const { code, stdout } = await check(['--json'], { SPILLWAY_CONFIG: 'good.json', SPILLWAY_SERVER_PORT: '70000' })
		expect(code).toBe(1)
		expect(JSON.parse(stdout)).toEqual({ errors: [expect.stringContaining('server.port')], warnings: [] })
	})

	it('needs no file where none is named, but the one that is', async () => {
		expect(await check([])).toMatchObject({
			code: 0,
			stdout: expect.stringMatching(/^no spillway\.config\.json here, the defaults: works, /),
		})
		const { code, stderr } = await check(['none.json'])
		expect(code).toBe(1)
		expect(stderr).toMatch(/^spillway: cannot read the configuration none\.json: .* \[not-found\]\n/)
	})
})
