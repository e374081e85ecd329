// Where things are under a models address: the same on a static host, in a bucket and behind an edge.

/** The signed channel of a model: a compact JSON Web Signature. Mutable, small. */
export const channelPath = (model: string): string => `${model}/channel.jws`

/** A manifest by its digest: immutable JSON. */
export const manifestPath = (digest: string): string => `manifests/${digest}.json`

/** A chunk by its SHA-256: immutable bytes. */
export const chunkPath = (digest: string): string => `chunks/${digest}`
