/** Exit codes of every command. */
export const exitCode = {
  ok: 0,
  /** The answer is no: a signature that doesn't match, a request that was refused. */
  failed: 1,
  /** The command line can't be read (as sysexits' EX_USAGE is 64, but shells and most tools use 2). */
  usage: 2,
} as const

/** Thrown to end a command: one sentence for a person that says what to do, and the exit code. */
export class CommandError extends Error {
  readonly exitCode: number

  constructor(message: string, code: number = exitCode.failed, options?: ErrorOptions) {
    super(message, options)
    this.name = 'CommandError'
    this.exitCode = code
  }
}
