import type { Provider } from './provider.ts'

/** Providers whose code reads the URL, which no descriptor shows. */
const byCode = ['contentful', 'plivo', 'twilio']

/** Whether a provider signs the URL that it posts to: the receiver must then know its public URL. */
export function signsUrl({ name, scheme }: Pick<Provider, 'name' | 'scheme'>): boolean {
  if (scheme.kind === 'signature') return scheme.content.includes('{url}')
  if (scheme.kind === 'jwt') return scheme.url !== undefined
  return byCode.includes(name)
}
