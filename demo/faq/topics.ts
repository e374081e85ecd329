// The help topics of the invented shop Weir & Wheel, in the order in which the page lists them.

import type { Entry, Topic } from './entry.ts'
import { care } from './topics/care.ts'
import { choosing } from './topics/choosing.ts'
import { delivery } from './topics/delivery.ts'
import { electric } from './topics/electric.ts'
import { orders } from './topics/orders.ts'
import { returns } from './topics/returns.ts'
import { shop } from './topics/shop.ts'
import { workshop } from './topics/workshop.ts'

export const topics: readonly Topic[] = [orders, delivery, returns, choosing, workshop, care, electric, shop]

export const entries: readonly Entry[] = topics.flatMap((topic) => topic.entries)
