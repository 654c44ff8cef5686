import { expect, test } from 'vitest'
import { type HoldingView, nextStep, type Step } from './holding.ts'

const unwanted = { kind: 'unwanted' } as const
const wanted = (replacing: number) => ({ kind: 'wanted', replacing }) as const
const nobody = (revision: number) => ({ owner: undefined, revision })
const mine = (revision: number) => ({ owner: 'me', revision })
const other = (revision: number) => ({ owner: 'other', revision })

type Row = [string, Pick<HoldingView, 'state' | 'wish' | 'claim'> & Partial<HoldingView>, Step]

test.each<Row>([
  ['nobody wants it', { state: 'idle', wish: unwanted, claim: nobody(3) }, 'rest'],
  ['free and wanted', { state: 'idle', wish: wanted(3), claim: nobody(3) }, 'claim'],
  ['of a dead worker and wanted', { state: 'idle', wish: wanted(3), claim: other(3) }, 'claim'],
  ['taken by a live worker since the plan', { state: 'idle', wish: wanted(3), claim: other(4) }, 'rest'],
  ['ours of an earlier life', { state: 'idle', wish: wanted(3), claim: mine(3) }, 'claim'],
  ['ours by name and not wanted', { state: 'idle', wish: unwanted, claim: mine(3) }, 'release'],
  [
    'drained, and the deletion failed',
    { state: 'idle', wish: unwanted, claim: mine(3), inDoubt: true },
    'read',
  ],
  ['claimed', { state: 'claimed', revision: 4, wish: wanted(3), claim: mine(4) }, 'open'],
  [
    'claimed, and lost before it opened',
    { state: 'claimed', revision: 4, wish: wanted(3), claim: other(5) },
    'abandon',
  ],
  [
    'claimed and no longer wanted',
    { state: 'claimed', revision: 4, wish: unwanted, claim: mine(4) },
    'release',
  ],
  ['runs', { state: 'running', revision: 4, wish: wanted(4), claim: mine(4) }, 'rest'],
  [
    'runs and is wanted elsewhere',
    { state: 'running', revision: 4, wish: unwanted, claim: mine(4) },
    'drain',
  ],
  ['runs and was taken', { state: 'running', revision: 4, wish: wanted(4), claim: other(5) }, 'abandon'],
  [
    'runs and its claim was deleted',
    { state: 'running', revision: 4, wish: wanted(4), claim: nobody(5) },
    'abandon',
  ],
  [
    'runs and another process with our name took it',
    { state: 'running', revision: 4, wish: wanted(4), claim: mine(5) },
    'abandon',
  ],
  ['is being opened', { state: 'opening', revision: 4, wish: wanted(3), claim: mine(4) }, 'rest'],
])('%s', (_name, view, step) => {
  expect(nextStep({ me: 'me', inDoubt: false, revision: undefined, ...view })).toBe(step)
})
