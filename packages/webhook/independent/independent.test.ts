import { expect, test } from 'vitest'
import { checkVectors } from '../check-vectors.ts'
import { allProviders } from '../providers/table.ts'
import { bodySigned, bodySignedVectors } from './body-signed.ts'
import { vectorsOf } from './formula.ts'
import { ownCode, ownCodeVectors } from './own-code.ts'
import { standardWebhooks, standardWebhooksVectors } from './standard-webhooks.ts'
import { timeSigned, timeSignedVectors } from './time-signed.ts'
import { tokensOfClaims, tokensOfClaimsVectors } from './tokens-of-claims.ts'
import { urlAndKeys, urlAndKeysVectors } from './url-and-keys.ts'

const vectors = [
  ...[
    ...bodySigned,
    ...timeSigned,
    ...standardWebhooks,
    ...urlAndKeys,
    ...tokensOfClaims,
    ...ownCode,
  ].flatMap(vectorsOf),
  ...bodySignedVectors,
  ...timeSignedVectors,
  ...standardWebhooksVectors,
  ...urlAndKeysVectors,
  ...tokensOfClaimsVectors,
  ...ownCodeVectors,
]

test.each(allProviders().map(({ name }) => name))('%s does what its documentation says', async name => {
  const own = vectors.filter(({ provider }) => provider === name)
  expect(own.filter(({ expected }) => expected === 'valid').length).toBeGreaterThanOrEqual(2)
  // As read from a file: values that JSON can't hold are absent.
  const results = await checkVectors(JSON.parse(JSON.stringify(own)))
  // A note on a pass: the request was refused, for another reason than the vector names.
  expect(results.filter(({ passed, note }) => !passed || note !== undefined)).toEqual([])
})

test('all signed rows have requests that are refused', () => {
  const refused = new Set(
    vectors.flatMap(({ provider, expected }) => (expected === 'invalid' ? [provider] : [])),
  )
  const others = allProviders().filter(({ name, scheme }) => !refused.has(name) && scheme.kind !== 'unsigned')
  expect(others.map(({ name }) => name)).toEqual([])
})
