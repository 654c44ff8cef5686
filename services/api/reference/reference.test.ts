import { readFileSync } from 'node:fs'
import { expect, test } from 'vitest'
import { openApiDocument } from '../openapi.ts'
import type { Operation } from '../operation.ts'
import { operations } from '../operations.ts'
import { problemCodes, typeOfProblem } from '../problem.ts'
import { listOperations } from './listed-operation.ts'
import { problemsFile, problemsMarkdown } from './problem-page.ts'
import { addressOf, curlOf, requestSample } from './request-sample.ts'
import { pagePaths, pagesOf } from './serve-reference.ts'

const document = openApiDocument()
const pages = pagesOf(document)
const reference = pages.get('/docs')!.html

test('a page is made and not served, or served and not made', () => {
  expect([...pages.keys()]).toEqual(pagePaths)
})

test('docs/problems.md is what the guides say (npm run generate -w @fairlead/api)', () => {
  expect(readFileSync(problemsFile, 'utf8')).toBe(problemsMarkdown())
})

test.each(problemCodes)('the type of %s leads to a page that says what it means and what to do', code => {
  const page = pages.get(typeOfProblem(code))
  expect(page?.html).toContain(`<h1><code>${code}</code></h1>`)
  expect(page?.html).toMatch(/What it means<\/h2>\n<p>.{20,}[\s\S]*What to do<\/h2>\n<p>.{20,}/)
  expect(pages.get('/problems')?.html).toContain(`<a href="${typeOfProblem(code)}">`)
})

/** Answered outside of any operation: by an address that takes another method, to a page of another site, and before a request is understood. */
const outside = ['cross_site', 'malformed', 'method_not_allowed']

test('every problem is one that some operation says it can end in, or one that is answered outside of them', () => {
  const described = new Set(JSON.stringify(document.paths).match(/(?<=`)[a-z_]+(?=`: )/g))
  expect(problemCodes.filter(code => !described.has(code)).toSorted()).toEqual(outside)
})

test('the pages load nothing, and every link inside of them leads somewhere', () => {
  for (const [path, { html, contentSecurityPolicy }] of pages) {
    expect(html, path).not.toMatch(/<script|<link|src=|@import|url\(|undefined|\[object/)
    expect(contentSecurityPolicy).toContain("default-src 'none'")
    for (const [, to = ''] of html.matchAll(/href="([^"]+)"/g)) {
      const [page, anchor] = to.split('#')
      const target = page === '' ? html : pages.get(page!)?.html
      if (to !== '/openapi.json') expect(target, `${path} → ${to}`).toBeDefined()
      if (anchor) expect(target, `${path} → ${to}`).toContain(`id="${anchor}"`)
    }
  }
})

test.each(listOperations(document))(
  'the example of $operation.operationId is a request that it takes',
  listed => {
    const operation = operations.find(({ name }) => name === listed.operation.operationId)!
    const sample = requestSample(document, listed)
    // A slash at the end is of the path itself, or of a parameter that is empty.
    const address = listed.path.endsWith('/') ? addressOf(sample).slice(0, -1) : addressOf(sample)
    expect(address).not.toMatch(/\{|\/\/|\/$/)
    expect(operation.params.safeParse(sample.params).error).toBeUndefined()
    expect(operation.query.safeParse(sample.query).error).toBeUndefined()
    expect(operation.body?.safeParse(sample.body).error).toBeUndefined()
    expect(sample.body === undefined).toBe(operation.body === undefined)
    expect(reference).toContain(`<details id="${operation.name}">`)
  },
)

test('an example in curl stays one command whatever its body holds', () => {
  const sample = {
    method: 'post',
    path: '/a',
    params: {},
    query: {},
    headers: {},
    lasts: false,
    isOpen: false,
  } as const
  expect(curlOf({ ...sample, body: { a: "it's $HOME" } })).toContain(`-d '{"a":"it'\\''s $HOME"}'`)
})

test('an operation that will go says so in document and page', () => {
  const [first] = operations
  const deprecated = { since: '2026-03-01', sunset: '2026-10-01', instead: 'Use `listEvents`.' }
  const ending: Operation = { ...first!, deprecated }
  const described = openApiDocument([ending])
  const [{ operation }] = listOperations(described) as [ReturnType<typeof listOperations>[number]]
  expect(operation).toMatchObject({
    deprecated: true,
    description: expect.stringContaining('It will be gone on 2026-10-01. Use `listEvents`.'),
  })
  expect(pagesOf(described).get('/docs')?.html).toContain(`<s><code>${first!.path}</code></s>`)
})
