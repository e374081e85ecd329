// What Spillway's edge is measured beside on Node.

import { mkdir, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { startChild } from '../../../edge/harness/child.ts'
import { bearer, type Contender, contenderOf, freePort, listening, type Setting } from './contender.ts'

const bareFile = fileURLToPath(new URL('bare.ts', import.meta.url))

/** No server in between. */
export const direct = async ({ upstream }: Setting): Promise<Contender> => ({
	name: 'direct',
	address: (path) => ({ url: upstream + path, headers: bearer }),
	cpu: async () => 0,
	memory: async () => 0,
	close: async () => {},
})

/** 40 lines of Hono, on undici or on `fetch`. */
export const bare =
	(way: 'undici' | 'fetch') =>
	async ({ upstream }: Setting): Promise<Contender> => {
		const child = await listening({ args: [bareFile, way, upstream] })
		return contenderOf(`hono + ${way}`, child, child.ready)
	}

/** `@portkey-ai/gateway`, which speaks OpenAI's protocol only. */
export async function portkey({ upstream, work }: Setting): Promise<Contender> {
	const port = await freePort()
	const url = `http://127.0.0.1:${port}`
	const child = await startChild({
		command: process.execPath,
		args: [join(work, 'node_modules/@portkey-ai/gateway/build/start-server.js'), `--port=${port}`, '--headless'],
		env: { NODE_ENV: 'production', TRUSTED_CUSTOM_HOSTS: '127.0.0.1' },
		readyFd: 1,
		ready: (line) => (/ready|running|http:/i.test(line) ? true : undefined),
	})
	return contenderOf('portkey', child, url, '', { ...bearer, 'x-portkey-provider': 'openai', 'x-portkey-custom-host': `${upstream}/v1` })
}

/** The limit: nginx with connections kept alive on both sides. */
export async function nginx({ upstream, work }: Setting): Promise<Contender> {
	const port = await freePort()
	const folder = join(work, 'nginx')
	await mkdir(join(folder, 'logs'), { recursive: true })
	await writeFile(
		join(folder, 'nginx.conf'),
		`daemon off; pid nginx.pid; worker_processes auto; error_log logs/error.log;
events { worker_connections 1024; }
http {
	access_log off; client_body_temp_path body; proxy_temp_path proxy; fastcgi_temp_path fastcgi; uwsgi_temp_path uwsgi; scgi_temp_path scgi;
	keepalive_requests 1000000;
	upstream upstream { server ${upstream.replace('http://', '')}; keepalive 256; keepalive_requests 1000000; }
	server {
		listen 127.0.0.1:${port};
		location / { proxy_pass http://upstream; proxy_http_version 1.1; proxy_set_header Connection ""; }
		location = /up { return 200; }
	}
}
`,
	)
	const child = await startChild({
		command: 'sh',
		args: ['-c', `echo started; exec nginx -e stderr -p '${folder}' -c nginx.conf`],
		readyFd: 1,
		ready: (line) => (line === 'started' ? true : undefined),
	})
	const url = `http://127.0.0.1:${port}`
	for (;;) {
		const up = await fetch(`${url}/up`).catch(() => undefined)
		if (up?.ok) break
		await new Promise((resolve) => setTimeout(resolve, 50))
	}
	return contenderOf('nginx', child, url)
}
