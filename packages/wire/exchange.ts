import { z } from 'zod'

/**
 * What went over the wire in one attempt, for people who look for the reason of a failure. It is kept in ATTEMPTS with
 * the attempt's record, so for seven days. Whoever writes it leaves secrets out: see `egress/exchange-recorder.ts` of the worker.
 */
const schema = z.object({
  /** Address and port that were dialled; absent: none was. */
  address: z.string().optional(),
  /** The connection had carried a request before: it was not dialled for this one. */
  reused: z.boolean().optional(),
  /** Milliseconds of each phase that came to its end, to a tenth. */
  dnsMs: z.number().optional(),
  connectMs: z.number().optional(),
  tlsMs: z.number().optional(),
  /** From the end of the request to the first byte of the answer. */
  waitMs: z.number().optional(),
  /** From there to the last byte that was read. */
  downloadMs: z.number().optional(),
  /** Request line and header lines as sent, each with a line feed. */
  request: z.string(),
  /** Status line and header lines as they came, each with a line feed; absent: there was no answer. */
  response: z.string().optional(),
  /** The beginning of the answer's body; absent: it is no text. */
  body: z.string().optional(),
  /** There was more of the body, of the request's head or of the answer's than is kept. */
  cut: z.boolean().optional(),
})

export type Exchange = Readonly<z.infer<typeof schema>>

/** Undefined for what is none: it is told as not kept. */
export function readExchange(value: unknown): Exchange | undefined {
  return schema.safeParse(value).data
}
