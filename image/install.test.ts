import { execFile } from 'node:child_process'
import { createHash } from 'node:crypto'
import { cp, lstat, mkdir, readdir, readFile, readlink } from 'node:fs/promises'
import { delimiter, dirname, join } from 'node:path'
import { promisify } from 'node:util'
import { scratchFolder } from '@fairlead/testbed/scratch'
import { expect, test } from 'vitest'
import { nodePath, readContent, root } from './content.ts'
import { readDockerfile } from './dockerfile.ts'
import type { Entry } from './layer.ts'
import { moduleFolders, productionPaths } from './production.ts'

const run = promisify(execFile)
const lockPath = join(root, 'package-lock.json')

/** npm fetches what isn't in its own cache. */
const installMs = 300_000

test(
  "the Dockerfile's RUN lines leave the very files that are picked without them",
  async () => {
    await using scratch = await scratchFolder()
    const text = await readFile(join(root, 'Dockerfile'), 'utf8')
    await runModulesStage(text, join(scratch.path, 'app'))
    const folders = moduleFolders(productionPaths(JSON.parse(await readFile(lockPath, 'utf8'))))
    const { modules } = await readContent(readDockerfile(text))
    const installed = [
      ...(await Promise.all(folders.map(folder => describeTree(scratch.path, `app/${folder}`)))).flat(),
      await describeFile(scratch.path, 'app/sbom.cdx.json'),
    ]
    expect(installed.sort()).toEqual((await Promise.all(modules.map(describeEntry))).sort())
  },
  installMs,
)

/** Does in a folder what the stage `modules` does in /app. */
async function runModulesStage(text: string, app: string): Promise<void> {
  const stage = text.slice(text.indexOf('AS modules'), text.lastIndexOf('FROM '))
  // What an npm above us says about its own project must not reach the one below.
  const outer = Object.entries(process.env).filter(
    ([key]) => !/^npm_(?:package|lifecycle|config_(?:local_prefix|workspace))/.test(key),
  )
  const env = {
    ...Object.fromEntries(outer),
    PATH: `${dirname(nodePath)}${delimiter}${process.env.PATH}`,
    npm_config_prefer_offline: 'true',
  }
  for (const [, instruction, rest = ''] of stage.matchAll(/^(COPY|RUN) (.*)$/gm)) {
    if (instruction === 'RUN') {
      await run('sh', ['-c', rest], { cwd: app, env })
      continue
    }
    const words = rest.split(' ')
    const target = join(app, words.at(-1)!)
    for (const source of words.slice(0, -1)) {
      const from = join(root, source)
      const isFolder = (await lstat(from)).isDirectory()
      const into = isFolder ? target : join(target, source.slice(source.lastIndexOf('/') + 1))
      await mkdir(dirname(into), { recursive: true })
      await cp(from, into, { recursive: true })
    }
  }
}

/** A line for each file and link below a folder: its path, and its digest or where it leads. */
async function describeTree(root: string, folder: string): Promise<string[]> {
  const lines: string[] = []
  for (const entry of await readdir(join(root, folder), { withFileTypes: true })) {
    const path = `${folder}/${entry.name}`
    if (entry.isDirectory()) lines.push(...(await describeTree(root, path)))
    else if (entry.isSymbolicLink()) lines.push(`${path} → ${await readlink(join(root, path))}`)
    else lines.push(await describeFile(root, path))
  }
  return lines
}

async function describeFile(root: string, path: string): Promise<string> {
  return describeBytes(path, await readFile(join(root, path)))
}

async function describeEntry(entry: Entry): Promise<string> {
  switch (entry.kind) {
    case 'file':
      return describeBytes(entry.path, await readFile(entry.from))
    case 'text':
      return describeBytes(entry.path, entry.text)
    case 'link':
      return `${entry.path} → ${entry.target}`
    case 'directory':
      return entry.path
  }
}

function describeBytes(path: string, bytes: Uint8Array | string): string {
  return `${path} ${createHash('sha256').update(bytes).digest('hex')}`
}
