// A bag against a set, which it is used in place of.

import fc from 'fast-check'
import { expect, test } from 'vitest'
import { Bag, type Held } from '../../runtime/core/bag.ts'

test('holds what was put into it and not taken out', () => {
	fc.assert(
		fc.property(fc.array(fc.option(fc.nat(99))), (steps) => {
			const bag = new Bag<number>()
			const there: Held<number>[] = []
			steps.forEach((take, i) => {
				if (take === null || there.length === 0) there.push(bag.put(i))
				else bag.take(there.splice(take % there.length, 1)[0] as Held<number>)
				expect([...bag.things].sort()).toEqual(there.map(({ thing }) => thing).sort())
			})
		}),
	)
})
