import { readFileSync } from 'node:fs'
import { Collection, type CollectionDefinition, type Item, type QueryParam } from 'postman-collection'
import { expect, test } from 'vitest'
import { openApiDocument } from '../openapi.ts'
import { listOperations } from './listed-operation.ts'
import { postmanCollection, postmanFile, postmanText } from './postman.ts'
import { addressOf, requestSample } from './request-sample.ts'

const document = openApiDocument()

test('docs/postman.json is what the document says (npm run generate -w @fairlead/api)', () => {
  expect(readFileSync(postmanFile, 'utf8')).toBe(postmanText())
})

test("Postman's own reader finds each operation's example in it, with its address and its key", () => {
  const collection = new Collection(postmanCollection(document) as CollectionDefinition)
  const items: Item[] = []
  collection.forEachItem(item => void items.push(item))
  const read = items.map(({ request }) => ({
    method: request.method.toLowerCase(),
    address: request.url.getPath(),
    query: request.url.query.filter((one: QueryParam) => !one.disabled, {}).map((one: QueryParam) => one.key),
    body: request.body?.raw && JSON.parse(request.body.raw),
  }))
  const samples = listOperations(document).map(listed => requestSample(document, listed))
  const meant = samples.map(sample => ({
    method: sample.method,
    address: decodeURIComponent(addressOf({ ...sample, query: {} })),
    query: Object.keys(sample.query),
    body: sample.body,
  }))
  const byAddress = (a: { method: string; address: string }, b: { method: string; address: string }) =>
    `${a.address} ${a.method}`.localeCompare(`${b.address} ${b.method}`)
  expect(read.toSorted(byAddress)).toEqual(meant.toSorted(byAddress))
  expect(collection.auth?.parameters().get('token')).toBe('{{apiKey}}')
})
