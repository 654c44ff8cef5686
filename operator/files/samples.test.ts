import { resolve } from 'node:path'
import { expect, test } from 'vitest'
import { keyOf } from '../organization/declared.ts'
import { diff } from '../organization/diff.ts'
import { observe } from '../organization/observe.ts'
import { openDeclaredFiles } from './declared-files.ts'
import { emptyFolder, mergeFolder } from './merge.ts'
import { readFolder } from './read-folder.ts'
import { openTenantSecrets } from './tenant-secrets.ts'

const samples = resolve(import.meta.dirname, '../../k8s/samples')

test('the samples apply without a fault', async () => {
  const folder = mergeFolder(emptyFolder, await readFolder(samples), new Map(), 0)
  expect(folder.faults).toEqual([])
  const files = openDeclaredFiles(openTenantSecrets('/nowhere'), { onReport() {}, onRelease() {} })
  files.update(folder)
  for (const organization of folder.organizations.values()) {
    const snapshot = await observe(keyOf(organization), {
      declarations: files,
      findSlug: async () => undefined,
      rows: { health: async () => ({ kind: 'known', version: '', sources: [], destinations: [] }) },
      makeKeys: () => ({ apiKey: 'key_live_test', signingKey: 'whsec_test' }),
      publicUrl: 'http://localhost:8080',
    })
    const plan = diff(snapshot!)
    expect(plan.obstacle).toBeUndefined()
    expect(plan.actions.map(({ kind }) => kind)).toEqual(['claim', 'write-tenant-secret', 'apply'])
  }
})
