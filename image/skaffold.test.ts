import { readFileSync } from 'node:fs'
import { join } from 'node:path'
import { findHelm } from '@fairlead/testbed/kube/helm'
import { scratchFolder } from '@fairlead/testbed/scratch'
import { expect, test } from 'vitest'
import { parse, parseAllDocuments } from 'yaml'
import { z } from 'zod'
import { root } from './content.ts'

const skaffold = z
  .strictObject({
    apiVersion: z.literal('skaffold/v4beta13'),
    kind: z.literal('Config'),
    metadata: z.object({ name: z.string() }),
    build: z.object({
      artifacts: z
        .array(z.object({ image: z.string(), docker: z.object({ dockerfile: z.string() }) }))
        .length(1),
      local: z.object({ useBuildkit: z.boolean() }),
    }),
    deploy: z.object({
      helm: z.object({
        releases: z
          .array(
            z.strictObject({
              name: z.string(),
              chartPath: z.string(),
              namespace: z.string(),
              createNamespace: z.boolean(),
              wait: z.boolean(),
              setValueTemplates: z.record(z.string(), z.string()),
              setValues: z.record(z.string(), z.string()),
            }),
          )
          .length(1),
      }),
    }),
    portForward: z.array(
      z.strictObject({
        resourceType: z.literal('service'),
        resourceName: z.string(),
        namespace: z.string(),
        port: z.number(),
        localPort: z.number(),
      }),
    ),
  })
  .parse(parse(readFileSync(join(root, 'skaffold.yaml'), 'utf8')))

interface Rendered {
  kind: string
  metadata: { name: string; namespace?: string }
  spec: {
    ports?: { port: number }[]
    template?: { spec: { containers: { image: string; args?: string[] }[] } }
  }
}

test('the chart takes the image that skaffold built, and has the Services that it forwards', async () => {
  await using scratch = await scratchFolder()
  const helm = await findHelm(scratch.path)
  const [release] = skaffold.deploy.helm.releases
  const [artifact] = skaffold.build.artifacts
  const built = { IMAGE_REPO_fairlead: 'registry.test/fairlead', IMAGE_TAG_fairlead: 'test-only' }
  expect(artifact!.image).toBe('fairlead')
  const values = { ...release!.setValueTemplates, ...release!.setValues }
  const sets = Object.entries(values).flatMap(([key, value]) => [
    '--set',
    `${key}=${value.replace(/\{\{\.(\w+)\}\}/g, (_, name: keyof typeof built) => built[name])}`,
  ])
  const { name, chartPath, namespace } = release!
  const text = await helm(['template', name, join(root, chartPath), '--namespace', namespace, ...sets])
  const rendered = parseAllDocuments(text).map(document => document.toJS() as Rendered | null)

  const containers = rendered.flatMap(object => object?.spec?.template?.spec.containers ?? [])
  const ours = containers.filter(({ image }) => image === 'registry.test/fairlead:test-only')
  expect(ours.map(({ args }) => args?.[0]).sort()).toEqual([
    'api',
    'migrate',
    'operator',
    'receiver',
    'store',
    'worker',
  ])
  for (const { resourceName, port, namespace: within } of skaffold.portForward) {
    const service = rendered.find(
      object => object?.kind === 'Service' && object.metadata.name === resourceName,
    )
    expect(service?.spec.ports?.map(exposed => exposed.port)).toContain(port)
    expect(within).toBe(namespace)
  }
})
