import type { oas31 } from 'zod-openapi'
import type { OpenApiDocument } from '../openapi.ts'

/** An operation of the document, with its address. */
export interface ListedOperation {
  readonly method: 'get' | 'post' | 'put' | 'patch' | 'delete'
  /** As OpenAPI writes it. */
  readonly path: string
  readonly operation: oas31.OperationObject
}

export function listOperations(document: OpenApiDocument): ListedOperation[] {
  const listed: ListedOperation[] = []
  for (const [path, item] of Object.entries(document.paths ?? {})) {
    for (const method of ['get', 'post', 'put', 'patch', 'delete'] as const) {
      const operation = item[method]
      if (operation) listed.push({ method, path, operation })
    }
  }
  return listed
}
