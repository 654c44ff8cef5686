import { isMode, type Mode, modes } from '@fairlead/wire/mode'
import { z } from 'zod'
import type { Caller } from './caller.ts'
import { isWrite, type Operation, type Tag } from './operation.ts'
import { ApiError } from './problem.ts'

/**
 * What an operation is about, for keys of one mode:
 *
 * - `moded`: data of a mode. A key sees and touches that of its own mode, and the other is as if there were none. Who sees both
 *   (a person, a key of the platform) takes one by `mode` in the query.
 * - `shared`: settings of both modes. A test key reads them, and changes none. What an answer tells of data beside them (a
 *   destination's waiting deliveries) is of the key's mode.
 * - `live`: what tells of live data by its nature. A test key doesn't read it either.
 */
type About = 'moded' | 'shared' | 'live'

/** By tag. */
const table: Readonly<Record<Tag, About>> = {
  Organizations: 'shared',
  Events: 'moded',
  Deliveries: 'moded',
  'Dead letters': 'moded',
  Replays: 'moded',
  Retries: 'moded',
  Issues: 'moded',
  Analytics: 'moded',
  Billing: 'moded',
  Rejections: 'moded',
  Settings: 'shared',
  'API keys': 'shared',
  Members: 'shared',
  People: 'shared',
  'Tenant accounts': 'shared',
  'Audit log': 'live',
  Platform: 'live',
}

/**
 * Operations that differ from their tag. The usage of a month counts both modes, as the quota does. The preview of a route shows events.
 * Rates and keys are those of both modes, and a connected account has data of both.
 */
const byName: Readonly<Record<string, About>> = {
  getUsage: 'shared',
  previewRoute: 'moded',
  getBillingRates: 'shared',
  putBillingRates: 'shared',
  getHydrationKeys: 'shared',
  putHydrationKeys: 'shared',
  beginStripeConnect: 'shared',
  listConnectedAccounts: 'shared',
  disconnectStripeAccount: 'shared',
}
const ofSources = /\/\{slug\}\/(sources|simulator)(\/|$)/

type Asked = Pick<Operation, 'tag' | 'name' | 'path'>

export const aboutOf = ({ tag, name, path }: Asked): About =>
  byName[name] ?? (ofSources.test(path) ? 'moded' : table[tag])

/** A mode, as answers have it. */
export const modeSchema = z.enum(modes).meta({
  description: 'Live or test data: the mode of its source when it came in.',
  example: 'live',
})

/** Of an answer of the store. A store of before there were modes says none. */
export const presentMode = (mode: string): Mode => (isMode(mode) ? mode : 'live')

const choice = {
  mode: z
    .enum(modes)
    .optional()
    .meta({ description: 'Data of this mode alone. Default: that of the key; for whoever sees both, both.' }),
}

/** What is named by an id of ours is of one mode anyway. An `{id}` in the ledger is the provider's, who may use one in both modes. */
const isAboutMany = ({ path, tag }: Pick<Operation, 'path' | 'tag'>): boolean =>
  (tag === 'Billing' && path.includes('{id}')) || (path.match(/\{\w+\}/g) ?? []).length === 1

const choosesByQuery = ({ method }: Pick<Operation, 'method'>): boolean =>
  method === 'get' || method === 'delete'

/** Adds `mode` to what filters, or chooses among, data of a mode: to the query of a GET or DELETE, to the body of others. */
export function withModeChoice(operation: Operation): Operation {
  const { query, body } = operation
  if (aboutOf(operation) !== 'moded' || ofSources.test(operation.path) || !isAboutMany(operation))
    return operation
  const problems = [...operation.problems, 'wrong_mode'] as const
  if (!choosesByQuery(operation)) {
    return body instanceof z.ZodObject ? { ...operation, body: body.extend(choice), problems } : operation
  }
  return { ...operation, query: query.extend(choice), problems }
}

/** The mode that a caller is bound to; undefined: none. */
export const ownMode = (caller: Caller): Mode | undefined =>
  caller.kind === 'api-key' ? caller.mode : undefined

/** Throws an ApiError `wrong_mode` for what a test key doesn't read, or doesn't change. */
export function requireMode(
  caller: Caller,
  operation: Asked & Pick<Operation, 'method' | 'changesNothing'>,
): void {
  if (ownMode(caller) !== 'test') return
  const about = aboutOf(operation)
  if (about === 'moded' || (about === 'shared' && !isWrite(operation))) return
  throw new ApiError(
    'wrong_mode',
    about === 'live'
      ? 'This is a test key (sk_test_fl_…): what tells of live data is not for it. Take a live key.'
      : 'This is a test key (sk_test_fl_…): it changes nothing that live data shares. Take a live key.',
  )
}

/**
 * The mode of the data that a call is about; undefined: both. Changes of what is shared know both: a route may name a source of
 * either. Throws an ApiError `wrong_mode`.
 */
export function modeOfCall(
  caller: Caller,
  operation: Asked & Pick<Operation, 'method' | 'changesNothing'>,
  { query, body }: { readonly query: unknown; readonly body: unknown },
): Mode | undefined {
  const own = ownMode(caller)
  if (aboutOf(operation) !== 'moded') return isWrite(operation) ? undefined : own
  if (ofSources.test(operation.path)) return own
  const { mode: asked } = ((choosesByQuery(operation) ? query : body) ?? {}) as { readonly mode?: Mode }
  if (own && asked && own !== asked) {
    throw new ApiError('wrong_mode', `This is a ${own} key: ${asked} data is not for it.`)
  }
  return asked ?? own
}
