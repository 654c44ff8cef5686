import { expect, test } from 'vitest'
import { leftToDo } from './ready.ts'

const failing = (name: string, reason: string) => ({ name, ok: false, reason })
const sound = { name: 'nats', ok: true }

test('a start that makes progress is not given up: each step of it leaves less to do', () => {
  const steps = [
    [failing('operator.organizations', 'the folder was not read yet'), failing('receiver', 'is starting')],
    [failing('operator.organizations', '9999 not reconciled yet'), failing('receiver', 'is starting')],
    [failing('operator.organizations', '9998 not reconciled yet'), failing('receiver', 'is starting')],
    [failing('operator.organizations', '9998 not reconciled yet'), sound],
    [failing('operator.organizations', '1 not reconciled yet'), sound],
    [sound],
  ]
  const left = steps.map(leftToDo)
  expect(left).toEqual([...left].sort((a, b) => b - a))
  expect(new Set(left).size).toBe(left.length)
})

test('a reason that only counts its seconds is no progress', () => {
  expect(leftToDo([failing('receiver', 'changes may be missing for 15 s')])).toBe(
    leftToDo([failing('receiver', 'changes may be missing for 16 s')]),
  )
})
