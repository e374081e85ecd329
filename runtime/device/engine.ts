// The engine worker: loads models, tokenizes, queues and bounds calls. A page hides, its timers sleep; a worker's do not.

import { expose } from 'comlink'
import type { Answer, Call } from '../core/call.ts'
import { SpillwayError } from '../core/error.ts'
import type { Context } from '../core/executor.ts'
import { browserStorage } from '../store/browser.ts'
import { resilientStorage } from '../store/resilient.ts'
import { createStore } from '../store/store.ts'
import { type OwnControl, shareable } from '../tabs/hub.ts'
import { type EngineHello, type EngineSettings, type ModelReport, outcomeOf } from './control.ts'
import { holdLifeline } from './lifeline.ts'
import { Model, type Surroundings } from './model.ts'
import { answerOver, type Port } from './port.ts'
import { protocolVersion } from './protocol.ts'
import { messageOn, reportOn, type Standing } from './report.ts'
import { Teller } from './teller.ts'
import { checkTuning } from './tuning.ts'
import { type Compiled, compileWasm } from './wasm.ts'

const models = new Map<string, Model>()
/** What is true of all models: storage that is full, … */
const notes: string[] = []
const teller = new Teller((name) => models.get(name)?.message ?? messageOn(absent(name)))
const life = new AbortController()
let around: Surroundings | undefined

const control: OwnControl = {
	configure: (settings) => outcomeOf(() => configure(settings)),
	load: (name, version) => outcomeOf(() => load(name, version)),
	stopLoading: (name) => models.get(name)?.stopLoading(),
	explain: (name) => models.get(name)?.report(notes) ?? reportOn(absent(name), notes),
	async unload(name) {
		const model = models.get(name)
		models.delete(name)
		teller.changed(name)
		await model?.dispose()
	},
	async dispose() {
		life.abort(gone())
		await Promise.all(Array.from(models.values(), (model) => model.dispose()))
	},
}

/** Answers calls on the port and tells it of models, until the returned function is called. */
function connect(port: Port): () => void {
	const abort = answerOver(port, infer)
	teller.add(port, [...models.keys()])
	return () => {
		teller.remove(port)
		abort()
	}
}

async function configure({ protocol, models: base, trust, quiet, tuning, assets }: EngineSettings): Promise<EngineHello> {
	if (protocol !== protocolVersion)
		throw new SpillwayError(
			'environment',
			`the engine is of another build than the page (protocol ${protocolVersion}, not ${protocol}): serve both from one folder`,
		)
	if (around) throw new SpillwayError('internal', 'the engine was configured before')
	const checked = checkTuning(tuning)
	const storage = await resilientStorage(browserStorage, (note) => notes.push(note))
	let compiled: Promise<Compiled> | undefined
	around = {
		storage,
		store: createStore({ base: new URL(base), trust, storage }),
		quiet,
		script: assets.session,
		tuning: checked,
		wasm() {
			compiled ??= compileWasm(assets.wasm, storage, life.signal).catch((error) => {
				// The next load tries anew.
				compiled = undefined
				throw error
			})
			return compiled
		},
		onProgress: (progress) => teller.progress(progress),
		onChange: (name) => teller.changed(name),
	}
	return { lock: await holdLifeline('engine') }
}

async function load(name: string, version: string | undefined): Promise<ModelReport> {
	if (!around) throw new SpillwayError('internal', 'the engine was not configured')
	if (life.signal.aborted) throw gone()
	let model = models.get(name)
	if (!model || model.state === 'failed') {
		await model?.dispose()
		model = new Model(name, version, around)
		models.set(name, model)
		teller.changed(name)
	}
	try {
		await model.ready
	} catch (error) {
		// A load that was stopped leaves nothing, one that failed its reason.
		if (model.stopped && models.get(name) === model) models.delete(name)
		teller.changed(name)
		throw error
	}
	if (version !== undefined && model.version !== version)
		throw new SpillwayError('not-found', `${name} is here as version ${model.version}, not ${version}; unload it first`)
	return model.report(notes)
}

function infer(call: Call, context: Context): Promise<Answer> {
	if (life.signal.aborted) throw gone()
	const model = models.get(call.model.name)
	if (!model) throw new SpillwayError('unavailable', `${call.model.name} was not loaded`)
	const { served } = model
	if (served instanceof SpillwayError) throw served
	return served.executor.infer(call, context)
}

const gone = (): SpillwayError => new SpillwayError('disposed', 'the engine was disposed')

const absent = (name: string): Standing => ({ name, state: 'absent' })

// What is thrown here belongs to no call; calls and loads settle by themselves.
self.addEventListener('unhandledrejection', (event) => {
	event.preventDefault()
	console.error('spillway engine:', event.reason)
})
expose(shareable(control, connect))
