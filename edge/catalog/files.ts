// Read-only files by path: a folder on Node, the ASSETS binding on workerd.

/** Where a platform keeps what is served: packed models, the demo, the script. Paths are relative, with `/` between names. */
export interface Files {
	/**
	 * The file at `path`, or `null` when there is none.
	 *
	 * @param ifNoneMatch value of a request's `If-None-Match`: where it names the file as it is, the response may be a 304 without bytes.
	 * @returns status 200 with the bytes, or 304. The headers say at most `etag` and `content-length`; whoever serves it adds the others.
	 */
	get(path: string, ifNoneMatch?: string): Promise<Response | null>
}

/** All bytes of a small file, or `null` when there is none. */
export async function readFile(files: Files, path: string): Promise<Uint8Array<ArrayBuffer> | null> {
	const response = await files.get(path)
	return response && new Uint8Array(await response.arrayBuffer())
}

/** Names that may stand in a path: nothing hidden, nothing that leads out of the folder, nothing that a URL parser would change. */
const safeName = /^[A-Za-z0-9_@][A-Za-z0-9._@-]*$/

/** Whether each name in `path` is safe to look up. */
export const isSafePath = (path: string): boolean => path.split('/').every((name) => safeName.test(name))
