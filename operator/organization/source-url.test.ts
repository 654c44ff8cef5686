import { expect, test } from 'vitest'
import { anOrganization } from './an-organization.ts'
import { organizationSchema } from './schema.ts'
import { urlOfSource } from './source-url.ts'

test.each([
  { name: 'by the name', spec: {}, url: 'https://hooks.example.com/webhooks/acme/square' },
  {
    name: 'by the slug',
    spec: { slug: 'acme-inc' },
    url: 'https://hooks.example.com/webhooks/acme-inc/square',
  },
  {
    name: 'its own',
    spec: {},
    options: { publicUrl: 'https://in.acme.example/square' },
    url: 'https://in.acme.example/square',
  },
])('a provider posts to the URL $name', ({ spec, options, url }) => {
  const sources = [{ name: 'square', provider: 'square', ...(options && { options }) }]
  const organization = organizationSchema.parse(anOrganization({ ...spec, sources }))
  expect(urlOfSource(organization, organization.spec.sources[0]!, 'https://hooks.example.com')).toBe(url)
})
