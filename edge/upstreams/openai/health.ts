// Whether a server says that it is up: asked for the list of models, the one thing that all of them answer without work.

import { upAt } from '../probe.ts'

export const isUp = upAt('/models')
