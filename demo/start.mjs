// npm start: set-up, then the whole system on embedded defaults. Plain Node without dependencies, old enough to say so on any Node.

const [major] = process.versions.node.split('.').map(Number)
if (major < 20) {
	process.stderr.write(`Spillway needs Node 20 or later to start; this is ${process.version}.\n`)
	process.exit(1)
}

import('./setup/start.mjs').then(({ start }) => start())
