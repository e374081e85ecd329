// What platforms say when memory does not suffice: there is no type for it.

import { messageOf, SpillwayError } from './error.ts'

/**
 * V8: `Array buffer allocation failed`, `WebAssembly.Memory(): could not allocate memory`; Firefox: `out of memory`;
 * C++ inside ONNX Runtime: `std::bad_alloc`, `bad allocation`; ONNX Runtime: `Failed to allocate memory`, `failed to allocate a buffer`.
 */
const said = /out of memory|bad_alloc|bad allocation|allocation failed|(could not|failed to) allocate|cannot enlarge memory|\bOOM\b/i

/** Whether it, or what caused it, comes of memory that does not suffice. */
export function isOutOfMemory(error: unknown): boolean {
	if (error instanceof SpillwayError) return error.code === 'out-of-memory' || isOutOfMemory(error.cause)
	return error instanceof Error && (said.test(messageOf(error)) || isOutOfMemory(error.cause))
}
