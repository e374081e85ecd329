// What was found out about a kind of session worker, who won by it, and how it is told.

import type { Provider } from '../../../models/format/manifest.ts'
import type { TrialReport } from '../control.ts'
import type { Build } from '../wasm.ts'
import { nameOf } from './kind.ts'

/** Kept in the browser's storage. */
export interface Trial {
	provider: Provider
	threads: number
	workers: number
	build: Build
	/** The golden samples: answered within the tolerance, or not, or never asked. */
	golden: 'passed' | 'failed' | null
	/** Rows a second of the golden samples, over all workers. */
	rate: number | null
	/** Times the rate of one worker of one thread on WebAssembly, measured in turn with it. */
	gain: number | null
	/** Milliseconds of a lone run. */
	latency: number | null
	/** Bytes of WebAssembly memory that the workers took; 0 when they did not tell. */
	memory: number
	/** Why it cannot serve, with figures. */
	refused: string | null
	/** The device had something else to do: the figures say little. */
	busy: boolean
	/** The GPU that it was measured on; `null` for WebAssembly. */
	device: string | null
}

/** A rate that is lower by less than this is as good: then the smaller one is better. */
const close = 0.1
/** So is one lower by less than this where a lone call is answered sooner: pages mostly ask one thing at a time. */
const closeAlone = 0.2
/** Times the fastest's latency: below it a lone call is answered sooner. */
const sooner = 0.95

/** The best of those that can serve; `undefined` when nothing was measured. */
export function winnerOf(trials: readonly Trial[]): Trial | undefined {
	const able = ranking(trials)
	const [fastest] = able
	if (!fastest) return undefined
	const allowed = (trial: Trial) => (latencyOf(trial) < latencyOf(fastest) * sooner ? closeAlone : close)
	return able
		.filter((trial) => gainOf(trial) >= gainOf(fastest) * (1 - allowed(trial)))
		.sort((a, b) => sizeOf(a) - sizeOf(b) || gainOf(b) - gainOf(a))[0]
}

/** Those that can serve, the fastest first. */
export const ranking = (trials: readonly Trial[]): Trial[] =>
	trials.filter(({ gain, refused }) => gain !== null && refused === null).sort((a, b) => gainOf(b) - gainOf(a))

/** Why it won, for people. */
export function whyOf(winner: Trial, trials: readonly Trial[]): string {
	const others = ranking(trials).filter((trial) => trial !== winner)
	const told = others.map((trial) => `${nameOf(trial)} ${times(trial)}`).join('; ')
	const smaller = others.some((trial) => gainOf(trial) > gainOf(winner)) ? ', close to the fastest and with less memory' : ''
	return `measured: ${times(winner)} the rate of one wasm worker of one thread${smaller}${told && ` (${told})`}`
}

/** @param serves whether it is the kind that takes the calls. */
export function tellTrial(trial: Trial, winner: Trial | undefined, serves: boolean): TrialReport {
	const { gain: _gain, memory: _memory, refused: _refused, device: _device, busy: _busy, ...told } = trial
	const rounded = (figure: number | null) => figure && Number(figure.toPrecision(3))
	return { ...told, rate: rounded(told.rate), latency: rounded(told.latency), verdict: verdictOf(trial, winner, serves) }
}

function verdictOf(trial: Trial, winner: Trial | undefined, serves: boolean): string {
	if (trial.refused !== null) return trial.refused
	if (trial.gain === null) return 'not measured yet'
	const figure = `${times(trial)} the rate of one wasm worker of one thread${trial.busy ? ', measured while the device was busy' : ''}`
	if (serves) return `serves: ${figure}`
	if (!winner || trial === winner) return figure
	return gainOf(trial) > gainOf(winner) ? `hardly faster, but larger: ${figure}` : `not faster: ${figure}`
}

const gainOf = ({ gain }: Trial): number => gain ?? 0

const latencyOf = ({ latency }: Trial): number => latency ?? Number.POSITIVE_INFINITY

/** By bytes where all told them, else by workers, threads and builds. */
const sizeOf = ({ memory, workers, threads, provider }: Trial): number =>
	memory || workers * 100e6 + (threads - 1) * 2e6 + (provider === 'wasm' ? 0 : 50e6)

const times = (trial: Trial): string => `${gainOf(trial).toFixed(2)} times`
