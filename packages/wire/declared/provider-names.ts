import { allProviders } from '@fairlead/webhook/providers/table'

/** Names of the providers that a source may have: the rows of the table, and `custom`. */
export const providerNames: readonly string[] = [...allProviders().map(({ name }) => name), 'custom']
