import { execFile, spawn } from 'node:child_process'
import { createHash } from 'node:crypto'
import { readFileSync } from 'node:fs'
import { join } from 'node:path'
import { promisify } from 'node:util'
import { cached, makeCached } from '@fairlead/servers/cache'
import { onPath, type Progress, search } from '@fairlead/servers/search'

const requirements = join(import.meta.dirname, 'requirements.txt')

/** Runs schemathesis; resolves with its exit code and all that it printed. */
export type Schemathesis = (
  args: readonly string[],
  folder: string,
) => Promise<{ readonly code: number; readonly output: string }>

/**
 * Schemathesis (https://schemathesis.io), which makes requests from an OpenAPI document and compares the answers with it: from PyPI into
 * the cache, each package with the hash that stands in requirements.txt. Needs Python 3.11 or newer, with pip.
 */
export async function findSchemathesis(progress: Progress = console.error): Promise<Schemathesis> {
  const python = await search('Python', [onPath(['python3'], [3, 11])], 'install Python 3.11 or newer')
  const digest = createHash('sha256').update(readFileSync(requirements)).digest('hex').slice(0, 12)
  const entry = `schemathesis-${digest}-${await versionOf(python.path)}`
  const folder =
    (await cached(entry)) ?? (await makeCached(entry, into => install(python.path, into, progress), progress))
  return async (args, cwd) => await run(python.path, folder, args, cwd)
}

/** Compiled packages fit one minor version of Python. */
async function versionOf(python: string): Promise<string> {
  const program = 'import sys; print("python%d.%d" % sys.version_info[:2])'
  return (await promisify(execFile)(python, ['-c', program])).stdout.trim()
}

async function install(python: string, folder: string, progress: Progress): Promise<void> {
  progress('Getting schemathesis from PyPI (15 MB)')
  const how = ['--quiet', '--disable-pip-version-check', '--root-user-action', 'ignore', '--no-deps']
  const only = ['--only-binary', ':all:', '--require-hashes', '-r', requirements]
  await promisify(execFile)(python, ['-m', 'pip', 'install', ...how, ...only, '--target', folder])
}

async function run(python: string, folder: string, args: readonly string[], cwd: string) {
  const child = spawn(python, ['-m', 'schemathesis.cli', ...args], {
    cwd,
    stdio: ['ignore', 'pipe', 'pipe'],
    env: {
      PATH: process.env.PATH,
      PYTHONPATH: folder,
      PYTHONDONTWRITEBYTECODE: '1',
      NO_COLOR: '1',
      COLUMNS: '120',
    },
  })
  let output = ''
  for (const stream of [child.stdout, child.stderr]) {
    stream.setEncoding('utf8').on('data', (chunk: string) => (output += chunk))
  }
  const code = await new Promise<number>((resolve, reject) => {
    child.once('error', reject)
    child.once('close', code => resolve(code ?? 128))
  })
  return { code, output }
}
