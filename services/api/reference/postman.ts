import type { oas31 } from 'zod-openapi'
import { type OpenApiDocument, openApiDocument } from '../openapi.ts'
import { type ListedOperation, listOperations } from './listed-operation.ts'
import { requestSample } from './request-sample.ts'
import { sampleOf } from './sample.ts'

/** Where the collection is kept, for people to import. */
export const postmanFile = new URL('../../../docs/postman.json', import.meta.url)

export const postmanText = (): string => `${JSON.stringify(postmanCollection(openApiDocument()), null, 2)}\n`

/**
 * The API as a collection of Postman, format 2.1 (https://schema.postman.com/collection/json/v2.1.0/draft-07/docs/index.html): a folder
 * for each tag, an example for each operation, address and key as variables. Nothing in it is random, so that it can be compared.
 */
export function postmanCollection(document: OpenApiDocument) {
  const operations = listOperations(document)
  return {
    info: {
      name: document.info.title,
      description: document.info.description ?? '',
      schema: 'https://schema.getpostman.com/json/collection/v2.1.0/collection.json',
    },
    auth: { type: 'bearer', bearer: [{ key: 'token', value: '{{apiKey}}', type: 'string' }] },
    variable: [
      { key: 'baseUrl', value: 'http://localhost:8081', description: 'Scheme, host and port of the API.' },
      { key: 'apiKey', value: '', description: 'An API key. Set it as a secret, and don’t share it.' },
    ],
    item: (document.tags ?? []).map(({ name, description = '' }) => ({
      name,
      description,
      item: operations
        .filter(({ operation }) => operation.tags?.includes(name))
        .map(listed => itemOf(document, listed)),
    })),
  }
}

function itemOf(document: OpenApiDocument, listed: ListedOperation) {
  const sample = requestSample(document, listed)
  const { operation, path } = listed
  const parameters = (operation.parameters ?? []) as oas31.ParameterObject[]
  const exampleFor = ({ schema }: oas31.ParameterObject) =>
    String(sampleOf(document, schema ?? {}, 'required'))
  const segments = path.slice(1).replaceAll(/\{(\w+)\}/g, ':$1')
  const query = parameters
    .filter(parameter => parameter.in === 'query')
    .map(parameter => ({
      key: parameter.name,
      value: exampleFor(parameter),
      description: parameter.description ?? '',
      disabled: !parameter.required,
    }))
  return {
    name: operation.summary ?? '',
    request: {
      ...(sample.isOpen && { auth: { type: 'noauth' } }),
      method: listed.method.toUpperCase(),
      description: operation.description ?? '',
      header: Object.entries(sample.headers).map(([key, value]) => ({ key, value })),
      url: {
        raw: `{{baseUrl}}/${segments}`,
        host: ['{{baseUrl}}'],
        path: segments.split('/'),
        ...(query.length > 0 && { query }),
        variable: parameters
          .filter(parameter => parameter.in === 'path')
          .map(parameter => ({
            key: parameter.name,
            value: exampleFor(parameter),
            description: parameter.description ?? '',
          })),
      },
      ...(sample.body !== undefined && {
        body: {
          mode: 'raw',
          raw: JSON.stringify(sample.body, null, 2),
          options: { raw: { language: 'json' } },
        },
      }),
    },
    response: [],
  }
}
