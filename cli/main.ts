#!/usr/bin/env node
import { HelpAsked } from './arguments.ts'
import { CommandError, exitCode } from './command-error.ts'

/** Runs with the arguments after the command's name; resolves to the exit code. Throws CommandErrors and HelpAsked. */
type Command = (args: readonly string[]) => Promise<number>

/** Every command: one line for people, and its module, loaded only when it is asked for. */
const commands: Readonly<Record<string, readonly [summary: string, load: () => Promise<Command>]>> = {
  send: [
    'sign a sample webhook as a provider would, and post it',
    async () => (await import('./send.ts')).send,
  ],
  events: ['list events, follow them, or show one', async () => (await import('./events.ts')).events],
  retry: ['deliver an event again', async () => (await import('./retry.ts')).retry],
  'dead-letters': [
    'list, retry or discard deliveries that used up their attempts',
    async () => (await import('./dead-letters.ts')).deadLetters,
  ],
  rejections: [
    'list requests that failed verification',
    async () => (await import('./rejections.ts')).rejections,
  ],
  seed: ['fill the event log with a believable fortnight', async () => (await import('./seed.ts')).seed],
}

async function main([name, ...args]: readonly string[]): Promise<number> {
  if (name === undefined || name === '--help' || name === '-h' || name === 'help') {
    console.log(overview())
    return name === undefined ? exitCode.usage : exitCode.ok
  }
  const command = Object.hasOwn(commands, name) ? commands[name] : undefined
  if (!command) {
    console.error(`There is no command ${name}.\n\n${overview()}`)
    return exitCode.usage
  }
  const run = await command[1]()
  return await run(args)
}

function overview(): string {
  const names = Object.keys(commands)
  const width = Math.max(...names.map(name => name.length))
  const lines = names.map(name => `  ${name.padEnd(width)}  ${commands[name]![0]}`)
  return ['fairlead COMMAND [OPTIONS]', '', ...lines, '', 'fairlead COMMAND --help says more.'].join('\n')
}

// A reader that has seen enough (head, less) is no fault.
process.stdout.on('error', error => {
  process.exit((error as NodeJS.ErrnoException).code === 'EPIPE' ? exitCode.ok : exitCode.failed)
})
try {
  process.exitCode = await main(process.argv.slice(2))
} catch (error) {
  if (error instanceof HelpAsked) console.log(error.usage)
  else if (error instanceof CommandError) {
    console.error(error.message)
    process.exitCode = error.exitCode
  } else throw error
}
