import { readFile } from 'node:fs/promises'
import { resolve } from 'node:path'
import { startTestKube, type TestKube } from '@fairlead/testbed/kube/api-server'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import type { Json } from './crd-schema.ts'
import { acceptedRows } from './organization/accepted-rows.ts'
import { anOrganization } from './organization/an-organization.ts'
import { organizationCrd } from './organization/crd.ts'
import { refusedRows } from './organization/refused-rows.ts'
import { organizationSchema } from './organization/schema.ts'
import { replayCrd } from './replay/crd.ts'
import { replaySchema } from './replay/schema.ts'
import * as replays from './replay/schema-rows.ts'
import { crdFiles, crdFolder } from './write-crds.ts'

test.each(Object.entries(crdFiles()))(
  'charts/fairlead/crds/%s is what the schema says',
  async (name, text) => {
    const written = await readFile(resolve(crdFolder, name), 'utf8')
    expect(written, 'make it again: node operator/write-crds.ts').toBe(text)
  },
)

interface Field {
  readonly description?: string
  readonly properties?: Readonly<Record<string, Field>>
  readonly items?: Field
}

test.each<{ kind: string; made: Json }>([
  { kind: 'Organization', made: organizationCrd() },
  { kind: 'Replay', made: replayCrd() },
])('every field of the CRD of $kind says what it is', ({ made }) => {
  const undescribed = (field: Field, path: string): readonly string[] => [
    ...(field.description || path === '' ? [] : [path]),
    ...Object.entries(field.properties ?? {}).flatMap(([name, inner]) =>
      undescribed(inner, `${path}.${name}`),
    ),
    ...Object.entries(field.items?.properties ?? {}).flatMap(([name, inner]) =>
      undescribed(inner, `${path}[].${name}`),
    ),
  ]
  const crd = JSON.parse(JSON.stringify(made)) as CrdShape
  const { spec, status } = crd.spec.versions[0].schema.openAPIV3Schema.properties
  expect(undescribed({ properties: { spec, status } }, '')).toEqual([])
})

interface CrdShape {
  readonly spec: {
    readonly versions: readonly [
      {
        readonly schema: {
          readonly openAPIV3Schema: { readonly properties: { readonly spec: Field; readonly status: Field } }
        }
      },
    ]
  }
}

describe('a real API server', () => {
  let kube: TestKube
  beforeAll(async () => {
    kube = await startTestKube({ crds: crdFolder })
  })
  afterAll(async () => {
    await kube?.[Symbol.asyncDispose]()
  })

  const own = '/apis/fairlead.dev/v1alpha1/namespaces/default'
  const create = (document: { kind: string }): Promise<{ spec: unknown }> =>
    kube.dryRun(`${own}/${document.kind.toLowerCase()}s`, document)
  const apply = (document: ReturnType<typeof anOrganization>, manager?: string) =>
    kube.apply(
      `${own}/${document.kind.toLowerCase()}s/${document.metadata.name}`,
      document,
      manager === undefined ? {} : { manager },
    )

  test.each(acceptedRows)('accepts $name, with the same defaults as files have', async ({ spec }) => {
    const document = anOrganization(spec)
    const { spec: created } = await create(document)
    expect(created).toEqual(JSON.parse(JSON.stringify(organizationSchema.parse(document).spec)))
  })

  test.each(refusedRows)('refuses $name', async ({ spec, metadata, api }) => {
    await expect(create(anOrganization(spec, metadata))).rejects.toThrow(api)
  })

  test.each(replays.acceptedRows)('accepts a Replay of $name, with the same defaults', async ({ spec }) => {
    const document = replays.aReplay(spec)
    const { spec: created } = await create(document)
    expect(created).toEqual(JSON.parse(JSON.stringify(replaySchema.parse(document).spec)))
  })

  test.each(replays.refusedRows)('refuses a Replay with $name', async ({ spec, fault, api }) => {
    const document = replays.aReplay(spec)
    expect(replaySchema.safeParse(document).error?.issues[0]?.message).toContain(fault)
    await expect(create(document)).rejects.toThrow(api)
  })

  test.each(replays.changeRows)('a Replay that $name', async ({ from = {}, to, api }) => {
    await apply(replays.aReplay(from))
    const changing = apply(replays.aReplay(to))
    if (api === undefined) await changing
    else await expect(changing).rejects.toThrow(api)
    await kube.call('DELETE', `${own}/replays/after-the-outage`)
  })

  test('takes the samples', async () => {
    const samples = resolve(import.meta.dirname, '../k8s/samples')
    await kube.kubectl([
      'apply',
      '--dry-run=server',
      '--validate=strict',
      '--warnings-as-errors',
      '-f',
      samples,
    ])
  })

  test('refuses another slug, and takes the same slug when it is spelled out', async () => {
    await apply(anOrganization({}))
    await apply(anOrganization({ slug: 'acme' }))
    await expect(apply(anOrganization({ slug: 'acme-2' }))).rejects.toThrow(
      "spec.slug can't change, because it is part of the webhook URLs: make another Organization and delete this one",
    )
    await kube.kubectl(['delete', 'organization', 'acme'])
  })

  test('two writers can each own a source of one Organization', async () => {
    const declare = (manager: string, name: string, provider: string) =>
      apply({ ...anOrganization(), spec: { sources: [{ name, provider }] } }, manager)
    await declare('platform', 'stripe', 'stripe')
    await declare('team', 'github', 'github')
    const names = await kube.kubectl(['get', 'org', 'acme', '-o', 'jsonpath={.spec.sources[*].name}'])
    expect(names.split(' ').sort()).toEqual(['github', 'stripe'])
    await kube.kubectl(['delete', 'organization', 'acme'])
  })

  test('shows at a glance whether it is well', async () => {
    await kube.kubectl(['apply', '--server-side', '-f', '-'], JSON.stringify(anOrganization()))
    const [header] = (await kube.kubectl(['get', 'orgs'])).split('\n')
    expect(header?.split(/\s{2,}/).map(column => column.trim())).toEqual([
      'NAME',
      'READY',
      'SOURCES',
      'DESTINATIONS',
      'WAITING',
      'BUDGET',
      'LAST EVENT',
      'AGE',
    ])
    await kube.kubectl(['delete', 'organization', 'acme'])
  })
})
