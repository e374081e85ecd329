// The engine worker: loads models, tokenizes, queues and bounds calls. A page hides, its timers sleep; a worker's do not.

import { expose } from 'comlink'
import { SpillwayError } from '../core/error.ts'
import { Leave } from '../store/leave.ts'
import { Mirrors } from '../store/mirrors.ts'
import { browserStorage } from '../store/storage/browser.ts'
import { type StorageControl, storageControl } from '../store/storage/manage.ts'
import { resilientStorage } from '../store/storage/resilient.ts'
import { createStore } from '../store/store.ts'
import { type OwnControl, shareable } from '../tabs/hub.ts'
import { Budget, defaultBudget } from './budget.ts'
import { type EngineHello, type EngineSettings, outcomeOf } from './control.ts'
import { holdLifeline } from './lifeline.ts'
import { Models } from './models.ts'
import { answerOver, type Port } from './port.ts'
import { protocolVersion } from './protocol.ts'
import { buildsOf } from './serving/builds.ts'
import { Stillness } from './serving/stillness.ts'
import { Teller } from './teller.ts'
import { checkTuning } from './tuning.ts'

/** What is true of all models: storage that is full, … */
const notes: string[] = []
const teller = new Teller((name) => (models as Models).message(name))
const life = new AbortController()
/** Milliseconds. Chromium 156 keeps the threads and the memory of a worker that is terminated while one of its own is starting or ending. */
const lastBreath = 300
/** Told before anything is asked: whoever started the engine learns at once when it dies. */
const lifeline = holdLifeline('engine')
lifeline.then(
	(lock) => self.postMessage({ lock } satisfies EngineHello),
	() => {},
)
let models: Models | undefined
let stored: StorageControl | undefined

const control: OwnControl = {
	configure: (settings) => outcomeOf(() => configure(settings)),
	load: (name, version, there, leave) =>
		outcomeOf(async () => {
			if (leave) configured().leave.give(name)
			await configured().load(name, version, there)
			return configured().report(name, notes)
		}),
	stopLoading: (name) => models?.stopLoading(name),
	update: (name, version, there, leave) =>
		outcomeOf(async () => {
			if (leave) configured().leave.give(name)
			const changed = await configured().update(name, version, there)
			return { ...configured().report(name, notes), changed }
		}),
	stopUpdating: (name) => models?.stopUpdating(name),
	explain: (name) => configured().report(name, notes),
	storage: (method, ...parameters) =>
		outcomeOf<unknown>(() => {
			configured()
			return (stored as StorageControl)[method](...(parameters as [string]))
		}),
	sleep: (milliseconds) => new Promise((wake) => setTimeout(wake, milliseconds)),
	unload: (name) => configured().unload(name),
	async dispose() {
		life.abort(new SpillwayError('disposed', 'the engine was disposed'))
		await models?.dispose()
		teller.close()
		// Here, because a hidden page's timers sleep.
		await new Promise((wake) => setTimeout(wake, lastBreath))
	},
}

/** Answers calls on the port and tells it of models, until the returned function is called. */
function connect(port: Port): () => void {
	const abort = answerOver(port, (call, context) => configured().infer(call, context))
	teller.add(port, configured().names)
	return () => {
		teller.remove(port)
		abort()
	}
}

async function configure({ protocol, models: addresses, trust, quiet, tuning, assets }: EngineSettings): Promise<EngineHello> {
	if (protocol !== protocolVersion)
		throw new SpillwayError(
			'environment',
			`the engine is of another build than the page (protocol ${protocolVersion}, not ${protocol}): serve both from one folder`,
		)
	const checked = checkTuning(tuning)
	const storage = await resilientStorage(browserStorage, (note) => notes.push(note), checked.storage)
	if (models) throw new SpillwayError('internal', 'the engine was configured before')
	const { deviceMemory } = navigator as { deviceMemory?: number }
	const leave = new Leave(checked.download)
	const store = createStore({ mirrors: new Mirrors(addresses.map((one) => new URL(one))), trust, storage })
	stored = storageControl({ versions: storage.versions, kept: store.kept, forget: store.forget })
	models = new Models({
		storage,
		store,
		quiet,
		leave,
		builds: buildsOf({ assets, quiet, storage, signal: life.signal }),
		stillness: new Stillness(),
		tuning: checked,
		budget: new Budget(checked.memory ?? defaultBudget(deviceMemory)),
		onProgress: (progress) => teller.progress(progress),
		onChange: (name) => teller.changed(name),
		onLine: (model, space, port) => teller.line({ type: 'line', model, space, port }),
	})
	return { lock: await lifeline }
}

function configured(): Models {
	if (!models) throw new SpillwayError('internal', 'the engine was not configured')
	return models
}

// What is thrown here belongs to no call; calls and loads settle by themselves.
self.addEventListener('unhandledrejection', (event) => {
	event.preventDefault()
	console.error('spillway engine:', event.reason)
})
expose(shareable(control, connect))
