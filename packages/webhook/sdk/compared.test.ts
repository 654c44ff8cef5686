import { expect, test } from 'vitest'
import { allProviders } from '../providers/table.ts'
import { compared } from './compared.ts'

const packageOf = new Map<string, string>(Object.values(compared).flatMap(file => Object.entries(file)))

test('a row says that it was run exactly if it is compared with the package that it names', () => {
  const run = allProviders().filter(({ provenance }) => provenance.scheme === 'run')
  expect(run.filter(({ name }) => !packageOf.has(name)).map(({ name }) => name)).toEqual([])
  for (const { name, provenance } of run) {
    expect(provenance.by.split(/[,; ]/)[0], name).toBe(packageOf.get(name))
  }
})

test('what is compared with a package of its own provider says that it was run', () => {
  const names = new Set(allProviders().map(({ name }) => name))
  expect([...packageOf.keys()].filter(name => !names.has(name))).toEqual([])
  const others = allProviders().filter(
    ({ name, provenance }) => packageOf.has(name) && provenance.scheme !== 'run',
  )
  expect(others.map(({ name }) => name)).toEqual(['netlify'])
})
