// Memory that does not suffice is known by what platforms say.

import { expect, test } from 'vitest'
import { SpillwayError } from '../../runtime/core/error.ts'
import { isOutOfMemory } from '../../runtime/core/memory.ts'

test.each([
	'Array buffer allocation failed',
	'WebAssembly.Memory(): could not allocate memory',
	'WebAssembly.Memory.grow(): Unable to grow instance memory: out of memory',
	'out of memory',
	'Non-zero status code returned while running MatMul node. Status Message: std::bad_alloc',
	"Can't create a session. failed to allocate a buffer of size 22713728.",
	'Aborted(OOM)',
])('%s', (message) => {
	expect(isOutOfMemory(new RangeError(message))).toBe(true)
	expect(isOutOfMemory(new SpillwayError('unsupported', 'the graph cannot be loaded', { cause: new Error(message) }))).toBe(true)
})

test.each([new Error('no such operator'), 'out', undefined, new SpillwayError('storage-full', 'no room'), new Error('the room is full')])(
	'not %s',
	(error) => expect(isOutOfMemory(error)).toBe(false),
)
