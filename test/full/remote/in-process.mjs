// Asks an edge from this process (Node, Bun, Deno), prints what came of it, and ends by itself.

import { argv } from 'node:process'
import { askEdge } from './ask.mjs'

const [module, address, key] = argv.slice(2)
console.log(JSON.stringify(await askEdge(await import(module), { address, key })))
