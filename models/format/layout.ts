// Where things are under a models address: the same on a static host, in a bucket and behind an edge.

/** The signed channel of a model: a compact JSON Web Signature. Mutable, small. */
export const channelPath = (model: string): string => `${model}/channel.jws`

/** A manifest by its digest: immutable JSON. */
export const manifestPath = (digest: string): string => `manifests/${digest}.json`

/** A chunk by its SHA-256: immutable bytes. */
export const chunkPath = (digest: string): string => `chunks/${digest}`

/** The same bytes in brotli's form, where that is smaller: what a host sends with `Content-Encoding: br`. Its digest is not that of its name. */
export const compressedPath = (path: string): string => `${path}.br`
