import type { IncomingMessage } from 'node:http'
import type { Handshake } from '@fairlead/webhook/scheme'
import { type Receiver, sourceFields } from './context.ts'
import type { Source } from './directory.ts'
import type { Reply } from './problem.ts'

/** Answers a provider's handshake, which is no event. Its confirmation URL is fetched after the answer. */
export function answerHandshake(
  request: IncomingMessage,
  source: Source,
  body: Uint8Array,
  handshake: Handshake,
  receiver: Receiver,
): Reply {
  const { status, headers, confirmUrl, offeredSecret } = handshake
  const fields = sourceFields(source)
  receiver.metrics.handshakes.inc({ provider: source.config.provider })
  receiver.metrics.objectives.inc({ objective: 'accept', result: 'good' })
  if (source.lineBucket.take(receiver.now()) === 0)
    receiver.log.info({ ...fields, status }, 'handshake.answered')
  if (confirmUrl !== undefined) receiver.confirmations.confirm(confirmUrl, fields)
  if (offeredSecret !== undefined) {
    // Anyone who knows the URL can offer a secret. A member, who knows whether the webhook was just set up, decides.
    const isKept = receiver.rejections.add(source, request, body, offered, { offered: offeredSecret })
    if (isKept) receiver.log.warn(fields, 'secret.offered')
  }
  return { status, headers, body: handshake.body }
}

const offered = {
  kind: 'invalid',
  reason: 'key_unavailable',
  detail:
    'the provider handed over a secret in its handshake: give it to the source, if you have just set this up',
} as const
