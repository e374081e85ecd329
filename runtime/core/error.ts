// The one error class: a stable code for programs, a message that says what to do, and the cause.

/** Every way in which a call, a load or a request can end badly. The codes are part of the public interface. */
export type ErrorCode =
	/** The caller's input does not fit the model or the interface. */
	| 'invalid-input'
	/** A body, a text or a tensor over a limit. */
	| 'too-large'
	/** No such model, version, file or chunk. */
	| 'not-found'
	/** The model or this executor does not do that. */
	| 'unsupported'
	/** The time given to the call ran out. */
	| 'deadline-exceeded'
	/** The caller's signal aborted; `cause` is its reason. */
	| 'aborted'
	/** The runtime, model or executor was disposed. */
	| 'disposed'
	/** No API key, or one that is not known. */
	| 'unauthenticated'
	/** A known key that may not do this. */
	| 'forbidden'
	/** Over the key's quota; `retryAfter` says when to come back. */
	| 'rate-limited'
	/** The other side cannot be reached, or stopped in mid-answer. */
	| 'network'
	/** The other side answered, but wrongly or with a server error. */
	| 'upstream'
	/** No executor can answer now. */
	| 'unavailable'
	/** The worker with the session in it ended or did not come back. */
	| 'worker-lost'
	/** A session's answers to the golden samples are outside the manifest's tolerance. */
	| 'golden-mismatch'
	/** Bytes that do not have the digest they are named by. */
	| 'integrity'
	/** A channel without a valid signature by a trusted key. */
	| 'untrusted'
	/** A channel past its expiry, with no last good version to go on with. */
	| 'channel-expired'
	/** A channel older than one seen before. */
	| 'channel-rollback'
	/** A manifest, channel or configuration that breaks its schema. */
	| 'malformed'
	/** The browser refuses to store more. */
	| 'storage-full'
	/** The memory that models may take, or that there is, does not suffice. */
	| 'out-of-memory'
	/** The page lacks something that is needed (secure context, WebAssembly, …). */
	| 'environment'
	/** A fault of Spillway's own. */
	| 'internal'

export interface ErrorOptions {
	cause?: unknown
	/** Milliseconds after which another try makes sense. */
	retryAfter?: number | undefined
}

/** An error as plain data, for crossing a thread or a network. */
export interface WireError {
	code: ErrorCode
	message: string
	retryAfter?: number | undefined
	cause?: WireError | { message: string } | undefined
}

/** Marks the errors of every copy of the class: files that a page loads later have their own. */
const brand: unique symbol = Symbol.for('spillway.error')

/**
 * What every promise of Spillway rejects with.
 * @example try { await minilm.embed(texts) } catch (error) { if (error.code === "deadline-exceeded") … }
 */
export class SpillwayError extends Error {
	override readonly name = 'SpillwayError'
	readonly code: ErrorCode
	/** Milliseconds after which another try makes sense, where known. */
	readonly retryAfter: number | undefined

	constructor(code: ErrorCode, message: string, options: ErrorOptions = {}) {
		super(message, options.cause === undefined ? undefined : { cause: options.cause })
		this.code = code
		this.retryAfter = options.retryAfter
	}

	/** Whether `error` is ours, whichever file it was made in. */
	static override [Symbol.hasInstance](error: unknown): error is SpillwayError {
		return !!(error as SpillwayError | undefined)?.[brand]
	}

	protected get [brand](): true {
		return true
	}

	/** Plain data with the chain of causes, but without stacks. */
	toWire(): WireError {
		const { code, message, retryAfter, cause } = this
		const told = cause instanceof SpillwayError ? cause.toWire() : { message: messageOf(cause) }
		return { code, message, retryAfter, cause: cause === undefined ? undefined : told }
	}

	static fromWire({ code, message, retryAfter, cause }: WireError): SpillwayError {
		const told = cause && 'code' in cause ? SpillwayError.fromWire(cause) : cause && new Error(cause.message)
		return new SpillwayError(code, message, { retryAfter, cause: told })
	}

	/** `error` itself when it is one of ours, else wrapped under `code`. */
	static from(error: unknown, code: ErrorCode = 'internal', prefix = ''): SpillwayError {
		if (error instanceof SpillwayError) return error
		return new SpillwayError(code, prefix + messageOf(error), { cause: error })
	}
}

export const messageOf = (error: unknown): string => (error instanceof Error ? error.message : String(error))
