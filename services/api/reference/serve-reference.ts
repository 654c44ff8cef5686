import type { Express, Response } from 'express'
import { type OpenApiDocument, openApiDocument } from '../openapi.ts'
import type { Operation } from '../operation.ts'
import { problemCodes, typeOfProblem } from '../problem.ts'
import type { ReferencePage } from './frame.ts'
import { listOperations } from './listed-operation.ts'
import { type EndingOperation, problemPage, problemsPage } from './problem-page.ts'
import { referencePage } from './reference-page.ts'

/**
 * The documentation, which everyone may read: `/openapi.json`, `/docs`, and a page for the `type` of each problem. Made when
 * somebody asks first, and kept: most processes are never asked.
 *
 * @param served what it describes: the operations that are there
 */
export function serveReference(app: Express, served: readonly Operation[]): void {
  const document = once(() => openApiDocument(served))
  const pages = once(() => pagesOf(document()))
  app.get('/openapi.json', (_request, response) => {
    response.json(document())
  })
  for (const path of pagePaths) {
    app.get(path, (_request, response) => send(response, pages().get(path)!))
  }
}

/** Of all that `pagesOf` makes. */
export const pagePaths: readonly string[] = ['/docs', '/problems', ...problemCodes.map(typeOfProblem)]

function once<T>(make: () => T): () => T {
  let made: { readonly value: T } | undefined
  return () => {
    made ??= { value: make() }
    return made.value
  }
}

/** Every page by its path. */
export function pagesOf(document: OpenApiDocument): ReadonlyMap<string, ReferencePage> {
  const endings = operationsByProblem(document)
  return new Map([
    ['/docs', referencePage(document)],
    ['/problems', problemsPage()],
    ...problemCodes.map(code => [typeOfProblem(code), problemPage(code, endings.get(code) ?? [])] as const),
  ])
}

function send(response: Response, { html, contentSecurityPolicy }: ReferencePage): void {
  response.set('content-security-policy', contentSecurityPolicy).type('html').send(html)
}

/** By a problem's code, the operations whose description names it. */
function operationsByProblem(document: OpenApiDocument): Map<string, EndingOperation[]> {
  const endings = new Map<string, EndingOperation[]>()
  for (const { operation } of listOperations(document)) {
    const ending = { name: operation.operationId ?? '', summary: operation.summary ?? '' }
    for (const answer of Object.values(operation.responses ?? {})) {
      const { description = '' } = answer as { description?: string }
      for (const [, code] of description.matchAll(/^`([a-z_]+)`:/gm)) {
        endings.set(code!, [...(endings.get(code!) ?? []), ending])
      }
    }
  }
  return endings
}
