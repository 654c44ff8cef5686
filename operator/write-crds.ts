import { mkdir, writeFile } from 'node:fs/promises'
import { resolve } from 'node:path'
import { stringify } from 'yaml'
import type { Json } from './crd-schema.ts'
import { organizationCrd } from './organization/crd.ts'
import { replayCrd } from './replay/crd.ts'

/**
 * Writes the CRDs to the chart: `node operator/write-crds.ts`. Run it after a change of a schema or of the table of
 * providers; a test says so when it was forgotten.
 */
export const crdFolder = resolve(import.meta.dirname, '../charts/fairlead/crds')

export function crdFiles(): Readonly<Record<string, string>> {
  const text = (folder: string, crd: Json) =>
    `# Made by operator/write-crds.ts from the schema in operator/${folder}. Not to be edited.\n` +
    stringify(crd, { lineWidth: 110, aliasDuplicateObjects: false })
  return {
    'organizations.yaml': text('organization', organizationCrd()),
    'replays.yaml': text('replay', replayCrd()),
  }
}

if (import.meta.main) {
  await mkdir(crdFolder, { recursive: true })
  for (const [name, text] of Object.entries(crdFiles())) await writeFile(resolve(crdFolder, name), text)
}
