import { createInterface } from 'node:readline/promises'
import { CommandError } from './command-error.ts'

/**
 * Asks a person whether to go on; `yes` answers beforehand. Throws a CommandError where standard input is no terminal, and if
 * the answer is anything but yes.
 */
export async function confirm(question: string, yes: boolean): Promise<void> {
  if (yes) return
  if (!process.stdin.isTTY) throw new CommandError(`${question} Say so with --yes`)
  const lines = createInterface({ input: process.stdin, output: process.stderr })
  try {
    const answer = await lines.question(`${question} [y/N] `)
    if (!/^y(es)?$/i.test(answer.trim())) throw new CommandError('Nothing was changed.')
  } finally {
    lines.close()
  }
}
