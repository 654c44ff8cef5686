import { z } from 'zod'
import { ApiError } from './problem.ts'
import { plainText, since } from './query.ts'

/** Which rejections a list, a summary or a promotion is about. */
export const filterFields = {
  source: plainText(63).optional().meta({ description: "A source's name." }),
  reason: plainText(63).optional().meta({ description: 'One word, such as `signature_mismatch`.' }),
  after: since.optional().meta({ description: 'Received at or after.' }),
  before: since.optional().meta({ description: 'Received before.' }),
}
export const filterSchema = z.strictObject(filterFields)

export const filterOf = ({ source = '', reason = '', after, before }: z.output<typeof filterSchema>) => ({
  source,
  reason,
  ...(after && { after }),
  ...(before && { before }),
})

/** Above what JetStream counts to, and so above what gRPC's uint64 holds, nothing is there. */
export function readSequence(id: string): bigint {
  const sequence = BigInt(id)
  if (sequence >= 2n ** 64n) throw new ApiError('not_found')
  return sequence
}
