import type { Provider } from './provider.ts'

/** Rows whose code reads the URL: no descriptor says so. */
const byCode = ['contentful', 'plivo', 'twilio']

/** Whether a provider signs the URL that it posts to, so that the public one must be known. */
export function signsUrl({ name, scheme }: Pick<Provider, 'name' | 'scheme'>): boolean {
  if (scheme.kind === 'signature') return scheme.content.includes('{url}')
  if (scheme.kind === 'jwt') return scheme.url !== undefined
  return byCode.includes(name)
}
