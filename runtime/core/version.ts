// Semantic versions: which of two is newer, and whether one lies in a range such as "^1".

interface Version {
	readonly numbers: readonly number[]
	/** What follows a hyphen, at its dots. */
	readonly pre: readonly string[]
}

/** One side of a range; all of a set must hold. */
interface Bound extends Version {
	readonly op: '<' | '<=' | '>' | '>='
}

const parse = (text: string): Version => {
	const [, numbers = '', pre] = /^([\d.]+)(?:-(.+))?$/.exec(text) ?? []
	return { numbers: numbers.split('.').map(Number), pre: pre?.split('.') ?? [] }
}

/**
 * Which comes first in the order of Semantic Versioning.
 *
 * @returns below 0 when `a` is older, above 0 when it is newer, 0 when neither is.
 * @see https://semver.org/#spec-item-11
 * @example versions.sort(compareVersions)
 */
export const compareVersions = (a: string, b: string): number => compare(parse(a), parse(b))

function compare(a: Version, b: Version): number {
	for (const [at, number] of a.numbers.entries()) if (number !== b.numbers[at]) return number - (b.numbers[at] as number)
	// A version is newer than those that prepare it.
	if (a.pre.length === 0 || b.pre.length === 0) return b.pre.length - a.pre.length
	for (const [at, part] of a.pre.entries()) {
		const other = b.pre[at]
		if (other === undefined) return 1
		const order = comparePart(part, other)
		if (order !== 0) return order
	}
	return a.pre.length - b.pre.length
}

function comparePart(a: string, b: string): number {
	const [isNumber, isOther] = [/^\d+$/.test(a), /^\d+$/.test(b)]
	if (isNumber && isOther) return Number(a) - Number(b)
	if (isNumber !== isOther) return isNumber ? -1 : 1
	return a < b ? -1 : a > b ? 1 : 0
}

/**
 * Whether a version lies in a range, by npm's rules: versions such as 1.3.0-beta only where the range itself names one of 1.3.0.
 *
 * @param range a version; `^1.2`, `~1.2`, `1`, `1.x`, `*`; `>=1.2 <3`; any of these with `||` between them.
 * @returns `false` also for what is no range.
 * @see https://github.com/npm/node-semver#ranges
 * @example satisfies('1.4.2', '^1') // true
 */
export function satisfies(version: string, range: string): boolean {
	if (version === range) return true
	const wanted = parse(version)
	return !!boundsOf(range)?.some(
		(set) =>
			set.every((bound) => holds(bound, compare(wanted, bound))) &&
			(wanted.pre.length === 0 ||
				set.some((bound) => bound.pre.length > 0 && compare({ ...bound, pre: [] }, { ...wanted, pre: [] }) === 0)),
	)
}

/** Whether `satisfies` understands a text. */
export const isRange = (text: string): boolean => boundsOf(text) !== null

const holds = ({ op }: Bound, order: number): boolean =>
	order === 0 ? op.length === 2 : order < 0 ? op.startsWith('<') : op.startsWith('>')

/** Sets of bounds, of which one must hold; `null` for what is no range. */
function boundsOf(range: string): Bound[][] | null {
	const sets = range.split('||').map((set) => set.trim().split(/\s+/).map(bounds))
	return sets.flat().includes(null) ? null : (sets.map((set) => set.flat()) as Bound[][])
}

const comparator = /^([<>]=?|[=^~]?)(\d+|[x*])(?:\.(\d+|[x*]))?(?:\.(\d+|[x*]))?(?:-([\w.-]+))?$/i

/** What one word of a range asks for. */
function bounds(word: string): Bound[] | null {
	const [found, op, ...parts] = comparator.exec(word) ?? []
	if (!found) return null
	const pre = parts.pop()?.split('.') ?? []
	const given = parts.findIndex((part) => part === undefined || !/\d/.test(part))
	/** How many of the three numbers count. */
	const count = given === -1 ? 3 : given
	if (pre.length > 0 && count < 3) return null
	const numbers = parts.map((part, at) => (at < count ? Number(part) : 0))
	const from = (op: Bound['op']): Bound => ({ op, numbers, pre })
	/** Below all whose first `length` numbers are these, but for the last of them, which is one more. */
	const next = (op: Bound['op'], length: number): Bound => ({
		op,
		numbers: numbers.map((number, at) => (at < length - 1 ? number : at === length - 1 ? number + 1 : 0)),
		pre: ['0'],
	})
	const nothing: Bound = { op: '<', numbers: [0, 0, 0], pre: ['0'] }

	if (count === 0) return op === '<' || op === '>' ? [nothing] : [{ op: '>=', numbers: [0, 0, 0], pre: [] }]
	if (op === '^') {
		const first = numbers.findIndex((number, at) => at < count && number > 0)
		return [from('>='), next('<', first === -1 ? count : first + 1)]
	}
	if (op === '~') return [from('>='), next('<', Math.min(count, 2))]
	if (op === '' || op === '=') return count === 3 ? [from('>='), from('<=')] : [from('>='), next('<', count)]
	if (count === 3) return [from(op as Bound['op'])]
	if (op === '>=') return [from('>=')]
	if (op === '<') return [{ ...from('<'), pre: ['0'] }]
	return op === '>' ? [{ ...next('>=', count), pre: [] }] : [next('<', count)]
}
