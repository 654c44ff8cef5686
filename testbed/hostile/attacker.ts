import { parentPort, workerData } from 'node:worker_threads'
import type { Answers, Target } from './attack.ts'
import { type AttackName, attacks } from './attacks.ts'

/*
 * One attack, in a thread of its own: what it costs to make it doesn't hold up who measures. It ends when it is told to,
 * and says how it was answered.
 */
const { name, target } = workerData as { name: AttackName; target: Target }
const over = new AbortController()
parentPort!.once('message', () => over.abort())

const answers: Answers = {}
let hasBegun = false
function began(): void {
  if (!hasBegun) parentPort!.postMessage('begins')
  hasBegun = true
}
function answered(status: number): void {
  answers[status] = (answers[status] ?? 0) + 1
  began()
}
await attacks[name](target, over.signal, answered, began)
parentPort!.postMessage(answers)
parentPort!.close()
