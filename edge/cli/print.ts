// What a command prints: data as JSON where asked, else lines for people.

/** Writes one JSON document. */
export const printJson = (data: unknown): void => {
	process.stdout.write(`${JSON.stringify(data, null, 2)}\n`)
}

/** Writes a title and, below it, named values in columns. */
export function printTable(title: string, rows: readonly (readonly [name: string, value: string])[]): void {
	const width = Math.max(...rows.map(([name]) => name.length))
	process.stdout.write([title, ...rows.map(([name, value]) => `  ${name.padEnd(width)}  ${value}`), ''].join('\n'))
}

/** @example bytes(23_480_000) // '23,480,000 bytes' */
export const bytes = (size: number): string => `${size.toLocaleString('en')} bytes`

/** @param time milliseconds since 1970. */
export const date = (time: number): string => new Date(time).toISOString().replace('.000Z', 'Z')
