import express, { type Request, type RequestHandler, type Response } from 'express'
import { readJsonBody } from '../body.ts'
import { ApiError } from '../problem.ts'

/** Reads what a form or a program sends: names with texts. */
export const readForm: readonly RequestHandler[] = [
  (request, response, next) => {
    if (wantsJson(request)) next()
    else if (request.is('application/x-www-form-urlencoded') === false)
      next(new ApiError('media_type_unsupported'))
    else readUrlencoded(request, response, next)
  },
  ...readJsonBody().map<RequestHandler>(
    read => (request, response, next) => void (wantsJson(request) ? read(request, response, next) : next()),
  ),
]

const readUrlencoded = express.urlencoded({
  extended: false,
  limit: 8_192,
  inflate: false,
  parameterLimit: 10,
})

/** A text field of what was sent; undefined where it is missing, no text or longer than any of ours. */
export function fieldOf(request: Request, name: string): string | undefined {
  const value = (request.body as Record<string, unknown> | undefined)?.[name]
  return typeof value === 'string' && value.length <= 1_000 ? value : undefined
}

export const wantsJson = (request: Request): boolean => Boolean(request.is('application/json'))

/** Whether a person looks at the answer: a browser that follows a link or sends a form says so. */
export const isForPeople = (request: Request): boolean => (request.get('accept') ?? '').includes('text/html')

/** Names an answer for metrics and the log. */
export const named =
  (operation: string): RequestHandler =>
  (_request, response: Response, next) => {
    response.locals.operation = operation
    next()
  }
