import { expect, test, vi } from 'vitest'
import { commandNames } from './commands.ts'
import { runCommand } from './run-command.ts'
import { wrapHelp } from './wrap.ts'

/** What a command prints to either stream, and its exit code. */
async function run(...args: string[]) {
  const lines: string[] = []
  const keep = (text: unknown) => void lines.push(String(text))
  const log = vi.spyOn(console, 'log').mockImplementation(keep)
  const error = vi.spyOn(console, 'error').mockImplementation(keep)
  try {
    return { code: await runCommand(args), text: lines.join('\n') }
  } finally {
    log.mockRestore()
    error.mockRestore()
  }
}

/** They answer a person at a terminal, who signs in, tries out a scheme or fills a log. */
const withoutJson = ['login', 'logout', 'scheme', 'seed']

test.each(commandNames)(
  '%s explains itself in 80 columns, has --json, and refuses what it does not know',
  async name => {
    const help = await run(name, '--help')
    expect(help.code).toBe(0)
    expect(help.text).toMatch(new RegExp(`^fairlead ${name}\\b`))
    for (const line of help.text.split('\n')) expect(line.length, line).toBeLessThanOrEqual(80)
    expect(help.text.includes('--json')).toBe(!withoutJson.includes(name))
    expect(help).toEqual(await run(name, '-h'))
    const unknown = await run(name, '--no-such-option')
    expect([unknown.code, unknown.text]).toEqual([2, expect.stringContaining('--no-such-option')])
    expect(unknown.text).toContain(`fairlead ${name}`)
  },
)

test('help fits a narrow terminal, an option’s text below where it began', () => {
  const text =
    '  --secret S            the same on the command line, where others can see it\nCheck one request of a file.'
  expect(wrapHelp(text, 50).split('\n')).toEqual([
    '  --secret S            the same on the command',
    '                        line, where others can see',
    '                        it',
    'Check one request of a file.',
  ])
  expect(wrapHelp('  --a-very-long-option-of-a-command  text', 30).split('\n')).toEqual([
    '  --a-very-long-option-of-a-command',
    '      text',
  ])
})

test('the overview has every command in a line of 80 columns', async () => {
  const { code, text } = await run('help')
  expect(code).toBe(0)
  for (const name of commandNames) expect(text).toMatch(new RegExp(`^  ${name} +\\S`, 'm'))
  for (const line of text.split('\n')) expect(line.length, line).toBeLessThanOrEqual(80)
})
