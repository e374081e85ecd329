// One tab of those that share an engine: it finds the engine, hosts it when the seat comes to it, and takes the seat from a leader that is silent.

import { SpillwayError } from '../core/error.ts'
import { holdLifeline } from '../device/lifeline.ts'
import type { Engine, Told } from '../page/engine.ts'
import { Host } from './host.ts'
import { type Link, openLink } from './link.ts'
import type { HallMessage, HereMessage } from './protocol.ts'
import { holderOf, type Seat, seatOf } from './seat.ts'
import { watchSilence } from './silence.ts'

export interface TabOptions {
	/** What all tabs have in common whose engines would be the same. */
	name: string
	/** Whether an engine can be started here; else this is only ever a guest of other tabs. */
	mayLead: boolean
	/** Starts an engine, whatever other tabs do. */
	startEngine(signal: AbortSignal, onTold: (message: Told) => void): Promise<Engine>
	/** Ends it all, with the error as its reason. */
	disposal: AbortSignal
	onTold(message: Told): void
	locks: LockManager
}

/** What a look around may find. */
type Found = 'seat' | 'nothing' | HereMessage

const lost = (why: string): SpillwayError => new SpillwayError('worker-lost', `the shared engine is lost: ${why}`)

const nobody = (): SpillwayError =>
	new SpillwayError('unavailable', 'no open tab hosts an engine, and none can be started here: open a page that shares one')

export class Tab {
	/** Why this tab cannot share, if so; it then needs an engine of its own. */
	alone: string | undefined
	readonly #options: TabOptions
	/** Where all tabs and engines hear one another. */
	readonly #hall: BroadcastChannel
	readonly #seat: Seat
	readonly #host: Host
	readonly #life = new AbortController()
	readonly #lifeline: Promise<string>
	/** This tab leads until it aborts. */
	#lead: AbortController | undefined
	#link: (Link & { engine: string }) | undefined
	#links = 0
	/** A look around that is under way. */
	#look: { found(found: Found): void; heard(): void } | undefined
	/** Whether this tab has taken the seat from another one, and whether it has ever heard one. */
	#seized = false
	#company = false
	#closed: Promise<void> | undefined

	constructor(options: TabOptions) {
		const { name, disposal, onTold, locks } = options
		this.#options = options
		this.#hall = new BroadcastChannel(name)
		this.#hall.onmessage = ({ data }: MessageEvent<HallMessage>) => this.#hear(data)
		this.#lifeline = holdLifeline('tab', this.#life.signal, locks)
		this.#lifeline.catch(() => {}) // Told to who starts.
		this.#host = new Host((onTold) => this.#open(onTold), onTold)
		this.#seat = seatOf({
			name,
			locks,
			onTaken: () => this.#onTaken(),
			onLost: () => this.#onLost(),
			onRefused: (cause) => this.#giveUp(`Web Locks are refused here: ${cause}`),
		})
		disposal.addEventListener('abort', () => this.#close(disposal.reason))
	}

	/**
	 * An engine, hosted here or by another tab, until it is lost; then the next one. Not to be called again before that.
	 *
	 * @returns undefined when this tab cannot share: see `alone`.
	 * @throws SpillwayError why it cannot be started; `unavailable` when none can be started here and no other tab hosts one.
	 */
	async start(): Promise<Engine | undefined> {
		const { disposal, mayLead } = this.#options
		await this.#lifeline
		for (;;) {
			disposal.throwIfAborted()
			if (mayLead && !this.alone) this.#seat.stand()
			const found = await this.#lookAround()
			if (found === 'nothing') return
			const lead = this.#lead
			try {
				return await (found === 'seat' ? this.#own() : this.#join(found))
			} catch (error) {
				// What was lost on the way is looked for again; what cannot be started here is not.
				if (disposal.aborted || (found === 'seat' && !lead?.signal.aborted)) throw error
			}
		}
	}

	async #lookAround(): Promise<Found> {
		const { mayLead, disposal } = this.#options
		let leader = await this.#seat.holder()
		if (this.alone) return 'nothing'
		if (this.#lead) return 'seat'
		if (!leader && !mayLead) throw nobody()
		let fail = (_: SpillwayError) => {}
		const fallen = async () => {
			if (!mayLead) return fail(nobody())
			await this.#seize(leader)
			// Another one than before has its time, too.
			leader = await this.#seat.holder()
		}
		const silence = watchSilence(() => this.#say({ type: 'who' }), fallen)
		const look = new Promise<Found>((found, failed) => {
			fail = failed
			this.#look = { found, heard: silence.broken }
		})
		const stop = () => fail(disposal.reason)
		disposal.addEventListener('abort', stop)
		this.#say({ type: 'who' })
		try {
			return await silence.during(look)
		} finally {
			disposal.removeEventListener('abort', stop)
			this.#look = undefined
		}
	}

	/** The engine that this tab hosts. */
	async #own(): Promise<Engine> {
		const engine = await this.#host.use()
		return { ...engine, stop: (error) => this.#close(error) }
	}

	/** Starts an engine and opens it to all tabs. */
	async #open(onTold: (message: Told) => void): Promise<Engine> {
		const { name, startEngine, disposal, locks } = this.#options
		const lead = this.#lead as AbortController
		this.#say({ type: 'starting' })
		try {
			const engine = await startEngine(AbortSignal.any([disposal, lead.signal]), onTold)
			// Not who holds the seat: it may have been lost by now.
			const leader = await holderOf(await this.#lifeline, locks)
			await engine.ask('share', [name, leader ?? ''])
			return engine
		} catch (error) {
			// Perhaps the next tab can.
			if (this.#lead === lead) {
				this.#lead = undefined
				this.#seat.leave()
			}
			throw error
		}
	}

	/** The engine of another tab. */
	async #join({ engine, leader }: HereMessage): Promise<Engine> {
		const { onTold, locks } = this.#options
		const tab = await this.#lifeline
		const link = ++this.#links
		const opened = await openLink({
			engine,
			tab,
			link,
			attach: () => this.#say({ type: 'attach', engine, tab, link }),
			onTold,
			onSilence: () => void this.#seize(leader),
			lost,
			locks,
		})
		this.#link = { ...opened, engine }
		return { ...opened, stop: (error) => this.#close(error) }
	}

	#hear(data: HallMessage): void {
		if (this.#closed) return
		if (data.type === 'here') return void this.#believe(data)
		this.#company = true
		if (data.type === 'starting') this.#look?.heard()
		else if (data.type === 'who' && this.#lead) {
			if (this.#host.starting) this.#say({ type: 'starting' })
			// One that is there says so itself.
			else this.#host.engine().catch(() => {}) // Told to who wants it: it gets the seat.
		}
	}

	/** An engine says that it is there: true if its tab has the seat. */
	async #believe(here: HereMessage): Promise<void> {
		if (this.#lead || (await this.#seat.holder()) !== here.leader || this.#lead) return
		this.#company = true
		if (this.#link?.engine !== here.engine) this.#link?.end(lost('another tab leads now'))
		this.#look?.found(here)
	}

	async #seize(leader: string | undefined): Promise<void> {
		if (this.#closed || this.alone || !this.#options.mayLead) return
		await this.#seat.seize(leader).catch((cause) => this.#giveUp(`Web Locks are refused here: ${cause}`))
		this.#seized ||= this.#lead !== undefined
	}

	#onTaken(): void {
		// It may come when it is wanted no more.
		if (this.#closed || this.alone) {
			this.#seat.leave()
			return
		}
		this.#lead = new AbortController()
		this.#link?.end(lost('this tab leads now'))
		this.#look?.found('seat')
	}

	#onLost(): void {
		const error = lost('another tab has taken it over')
		this.#lead?.abort(error)
		this.#lead = undefined
		void this.#host.stop(error)
		// Two who take the seat from each other for ever would both have no engine.
		if (this.#seized && !this.#company) this.#giveUp('tabs hold one lock here, but do not hear one another')
	}

	#giveUp(why: string): void {
		this.alone = why
		this.#seat.leave()
		this.#look?.found('nothing')
	}

	#say(message: HallMessage): void {
		if (!this.#closed) this.#hall.postMessage(message)
	}

	#close(error: SpillwayError): Promise<void> {
		this.#closed ??= (async () => {
			this.#link?.end(error)
			await this.#host.stop(error)
			this.#seat.leave()
			this.#life.abort()
			this.#hall.close()
		})()
		return this.#closed
	}
}
