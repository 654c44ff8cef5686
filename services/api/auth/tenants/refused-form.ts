import type { Request, Response } from 'express'
import type { OpenCall } from '../../operation.ts'
import { ApiError, problems } from '../../problem.ts'
import { type Page, sendPage } from '../pages/page.ts'

/** What a person puts right in the form itself. */
const mendable: ReadonlySet<ApiError['code']> = new Set([
  'request_invalid',
  'sign_in_refused',
  'conflict',
  'rate_limited',
])

const labels: Readonly<Record<string, string>> = {
  email: 'The address',
  password: 'The password',
  slug: 'The slug',
  displayName: 'The name',
  currentPassword: 'The password until now',
  newPassword: 'The new password',
}

/** Shows a form again with what was wrong. Throws what the form can't put right. */
export function showAgain(response: Response, error: unknown, pageOf: (said: string) => Page): void {
  if (!(error instanceof ApiError) || !mendable.has(error.code)) throw error
  response.locals.code = error.code
  if (error.retryAfterSeconds) response.set('retry-after', String(error.retryAfterSeconds))
  sendPage(response, problems[error.code][0], pageOf(sentenceOf(error)))
}

function sentenceOf({ message, faults, retryAfterSeconds }: ApiError): string {
  if (faults.length > 0) {
    return faults.map(({ name, message }) => `${labels[name] ?? name} ${message}.`).join(' ')
  }
  if (retryAfterSeconds) return `${message} Try again in ${waitText(retryAfterSeconds)}.`
  return message
}

const waitText = (seconds: number): string =>
  seconds < 90 ? `${seconds} seconds` : `${Math.ceil(seconds / 60)} minutes`

/** From where a form came. */
export function fromOf(request: Request, response: Response): OpenCall['from'] {
  const { peer, requestId } = response.locals
  return { peer, requestId, agent: (request.get('user-agent') ?? '').slice(0, 300) }
}
