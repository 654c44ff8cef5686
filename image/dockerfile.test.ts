import { readFileSync } from 'node:fs'
import { join } from 'node:path'
import { expect, test } from 'vitest'
import { readContent, root } from './content.ts'
import { readDockerfile } from './dockerfile.ts'
import { type Lock, moduleFolders, productionPaths } from './production.ts'

const text = readFileSync(join(root, 'Dockerfile'), 'utf8')
const lock: Lock = JSON.parse(readFileSync(join(root, 'package-lock.json'), 'utf8'))
/** Folders of the workspaces that the image needs. */
const workspaces = productionPaths(lock).filter(path => !path.includes('node_modules/'))

test('the Node of the Dockerfile is the one of the lockfile', () => {
  const { version } = lock.packages['node_modules/node']!
  expect(readDockerfile(text).from[0]).toBe(`docker.io/library/node:${version}-bookworm-slim`)
})

test('npm ci is given the manifest of every workspace that the image needs, and no other', () => {
  const [modules = ''] = text.split(/^FROM /m).filter(stage => stage.includes('AS modules'))
  const given = [...modules.matchAll(/^COPY (\S+)\/package\.json \S+$/gm)].map(([, folder]) => folder)
  expect(given.sort()).toEqual(workspaces.sort())
})

test('the sources of every workspace that the image needs are copied', () => {
  const copied = readDockerfile(text).copies.flatMap(({ sources }) => sources)
  for (const folder of workspaces.filter(name => name !== 'image')) {
    expect(copied).toSatisfy((paths: string[]) =>
      paths.some(path => folder === path || folder.startsWith(`${path}/`)),
    )
  }
})

test('a version that only one workspace needs is pruned and copied too', () => {
  const folders = moduleFolders(productionPaths(lock))
  const [, pruned = ''] = /^RUN node image\/prune\.ts (.*)$/m.exec(text) ?? []
  expect(pruned.split(' ').sort()).toEqual(folders)
  const copied = readDockerfile(text).copies.flatMap(({ stage, sources }) =>
    stage === 'modules' ? sources : [],
  )
  expect(copied.filter(path => path.endsWith('/node_modules')).sort()).toEqual(
    folders.map(path => `/app/${path}`),
  )
})

test('the image runs as a number, because runAsNonRoot needs one, and without a shell', () => {
  const { user, entrypoint } = readDockerfile(text)
  expect(user).toBe('65532:65532')
  expect(entrypoint).toEqual(['/usr/local/bin/node', '/app/image/main.ts'])
})

test('what runs is told by the image: arguments of the build stand in its environment', () => {
  // biome-ignore lint/suspicious/noTemplateCurlyInString: a Dockerfile's own
  const { env } = readDockerfile('ARG VERSION=1.2.3\nFROM a\nARG VERSION\nENV FAIRLEAD_VERSION=${VERSION}')
  expect(env).toEqual(['FAIRLEAD_VERSION=1.2.3'])
  expect(readDockerfile(text).env).toContain('FAIRLEAD_REVISION=unknown')
})

test.each<[string, string, string]>([
  ['an instruction that it does not know', 'FROM a\nVOLUME /data', 'VOLUME /data'],
  ['a flag of COPY that it does not know', 'FROM a\nCOPY --chown=1 a b', '--chown=1'],
  ['a RUN in the last stage', 'FROM a\nRUN make', 'it can have no shell'],
  ['two variables in one ENV', 'FROM a\nENV A=1 B=2', 'A=1 B=2'],
])('%s is refused', (_, dockerfile, message) => {
  expect(() => readDockerfile(dockerfile)).toThrow(message)
})

test.each<[string, string]>([
  ['a folder into a folder, of which Docker takes only what is in it', 'COPY cli ./'],
  ['what it does not know how to make', 'COPY --from=modules /app/dist dist'],
  [
    'packages of a folder in which nothing is needed',
    'COPY --from=modules /app/cli/node_modules cli/node_modules',
  ],
])('copying %s is refused', async (_, line) => {
  await expect(readContent(readDockerfile(`${text.trimEnd()}\n${line}`))).rejects.toThrow(TypeError)
})

test('packages that are needed and not copied are refused', async () => {
  const without = text.replace(/^COPY --from=modules \/app\/services\/api\/node_modules .*\n/m, '')
  await expect(readContent(readDockerfile(without))).rejects.toThrow("the Dockerfile doesn't copy it")
})

test('targets count from the working directory that holds at their line', () => {
  const { copies } = readDockerfile('FROM a\nCOPY a b\nWORKDIR /app\nCOPY a b/\nCOPY --from=x /c ./')
  expect(copies).toEqual([
    { sources: ['a'], target: '/b' },
    { sources: ['a'], target: '/app/b/' },
    { stage: 'x', sources: ['/c'], target: '/app/' },
  ])
})
