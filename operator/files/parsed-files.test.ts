import { readFile, stat, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { scratchFolder } from '@fairlead/testbed/scratch'
import { expect, test } from 'vitest'
import { emptyFolder, mergeFolder } from './merge.ts'
import { openParsedFiles } from './parsed-files.ts'
import type { FolderTexts } from './read-folder.ts'

const count = 60

function manyFiles(edit: (name: string) => string = () => 'Plain'): FolderTexts {
  const names = Array.from({ length: count }, (_, i) => `org-${i}`)
  const text = (name: string) =>
    `apiVersion: fairlead.dev/v1alpha1\nkind: Organization\nmetadata: { name: ${name} }\nspec: { displayName: "${edit(name)}" }\n`
  return new Map(names.map(name => [`${name}.yaml`, { text: text(name) }]))
}

const merged = async (path: string, texts: FolderTexts) => {
  const files = openParsedFiles(path)
  await files.prepare(texts)
  const state = mergeFolder(emptyFolder, texts, new Map(), 0, undefined, files.parse)
  await files.keep()
  return state
}

test('what was parsed before a restart says the same as what is parsed anew, and only its owner may read it', async () => {
  await using scratch = await scratchFolder()
  const path = join(scratch.path, 'home/declared.jsonl')
  const first = await merged(path, manyFiles())
  expect((await stat(path)).mode & 0o777).toBe(0o600)
  const kept = await readFile(path, 'utf8')
  // Shows that it is taken from there.
  await writeFile(path, kept.replace('"metadata":{"name":"org-7"', '"metadata":{"name":"from-the-disk"'))
  const second = await merged(path, manyFiles())
  expect(second.organizations.has('default/from-the-disk')).toBe(true)
  await writeFile(path, kept)
  expect(await merged(path, manyFiles())).toEqual(first)
})

test('a file that changed is parsed anew; what another version parsed, or a disk broke, counts for nothing', async () => {
  await using scratch = await scratchFolder()
  const path = join(scratch.path, 'declared.jsonl')
  await merged(path, manyFiles())
  const edited = await merged(
    path,
    manyFiles(name => (name === 'org-3' ? 'Edited' : 'Plain')),
  )
  expect(edited.organizations.get('default/org-3')?.spec.displayName).toBe('Edited')
  const text = await readFile(path, 'utf8')
  for (const broken of [
    text.slice(0, text.length / 2),
    text.replace('parsed ', 'parsed by another '),
    '\0',
  ]) {
    await writeFile(path, broken)
    expect((await merged(path, manyFiles())).organizations.size).toBe(count)
  }
})
