// The worker of the bare contender.

import { answerInOrder } from './asking.ts'
import { stockModel } from './stock.ts'

answerInOrder(stockModel(1))
