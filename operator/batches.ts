interface Waiting<Item, Answer> {
  readonly item: Item
  readonly told: PromiseWithResolvers<Answer>
}

interface Weights<Item> {
  readonly heaviest?: number
  readonly weigh?: (item: Item) => number
}

/**
 * Calls for single things as calls for many: what is asked while a call is under way, or in the same turn of the event
 * loop, goes together. Nothing waits for a timer.
 *
 * @param send answers for each item, in their order; what it rejects with is everyone's
 * @param most items in one call
 * @param heaviest the most that items of one call weigh together; one that weighs more goes alone
 */
export function openBatches<Item, Answer>(
  send: (items: Item[]) => Promise<readonly Answer[]>,
  most: number,
  { heaviest = Number.POSITIVE_INFINITY, weigh = () => 1 }: Weights<Item> = {},
): (item: Item) => Promise<Answer> {
  let waiting: Waiting<Item, Answer>[] = []
  let isSending = false

  function takeBatch(): Waiting<Item, Answer>[] {
    let count = 0
    let weight = 0
    while (count < Math.min(most, waiting.length)) {
      weight += weigh(waiting[count]!.item)
      if (count > 0 && weight > heaviest) break
      count++
    }
    const batch = waiting.slice(0, count)
    waiting = waiting.slice(count)
    return batch
  }

  async function run(): Promise<void> {
    while (waiting.length > 0) {
      // The rest of this turn's items come along.
      await new Promise(resolve => setImmediate(resolve))
      const batch = takeBatch()
      try {
        const answers = await send(batch.map(({ item }) => item))
        for (const [place, { told }] of batch.entries()) told.resolve(answers[place]!)
      } catch (error) {
        for (const { told } of batch) told.reject(error)
      }
    }
    isSending = false
  }

  return item => {
    const told = Promise.withResolvers<Answer>()
    waiting.push({ item, told })
    if (!isSending) {
      isSending = true
      void run()
    }
    return told.promise
  }
}
