import { HelpAsked } from './arguments.ts'
import { CommandError, exitCode } from './command-error.ts'
import { commandNames, commands } from './commands.ts'
import { openTerminal, printable } from './terminal.ts'
import { wrapHelp } from './wrap.ts'

/**
 * `fairlead COMMAND …`: finds the command and runs it. Errors for a person are written as a sentence. Returns
 * the exit code. Rejects for bugs.
 */
export async function runCommand(args: readonly string[]): Promise<number> {
  return await reported(async () => {
    const [name, ...rest] = args
    if (name === undefined || name === 'help' || name === '--help' || name === '-h') {
      console.log(wrapHelp(overview(), openTerminal().columns))
      return name === undefined ? exitCode.usage : exitCode.ok
    }
    const command = commands.get(name)
    if (!command) {
      console.error(`There is no command ${printable(name)}. fairlead help lists them.`)
      return exitCode.usage
    }
    const run = await command.load()
    return run(rest)
  })
}

/** Does work whose HelpAsked and CommandError are sentences for a person. */
export async function reported(work: () => Promise<number>): Promise<number> {
  try {
    return await work()
  } catch (error) {
    if (error instanceof HelpAsked) {
      console.log(wrapHelp(error.usage, openTerminal().columns))
      return exitCode.ok
    }
    if (error instanceof CommandError) {
      console.error(error.message)
      return error.exitCode
    }
    throw error
  }
}

/** A reader that goes away (`| head`) is no failure. */
export function endWithReader(stdout: NodeJS.WriteStream = process.stdout): void {
  stdout.on('error', error => {
    if ((error as NodeJS.ErrnoException).code === 'EPIPE') process.exit(exitCode.ok)
    throw error
  })
}

function overview(): string {
  const width = Math.max(...commandNames.map(name => name.length))
  const lines = commandNames.map(name => `  ${name.padEnd(width)}  ${commands.get(name)!.summary}`)
  return `fairlead COMMAND [--help]\n\n${lines.join('\n')}\n\nExit codes: 0 yes, 1 refused or failed, 2 a command line that can't be read.`
}
