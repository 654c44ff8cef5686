import type { JsonObject, MessageInitShape } from '@bufbuild/protobuf'
import type { CallOptions } from '@connectrpc/connect'
import type { ChangeSchema, FieldChange, PreconditionSchema } from '@fairlead/wire/store/change'
import type { Organization } from '@fairlead/wire/store/organization'
import type { StoreClient } from '@fairlead/wire/store-client'
import { z } from 'zod'
import { DryRun, dryRunQuery } from './dry-run.ts'
import { findAndWrite } from './find-and-write.ts'
import { mergePatch } from './merge-patch.ts'
import { type Call, operation } from './operation.ts'
import { seen } from './precondition.ts'
import { ApiError } from './problem.ts'
import { noQuery, organizationParams } from './query.ts'
import { requireBody } from './request.ts'
import { orExplained, orNameTaken, patchBody, requireDeclared, settingProblems } from './setting.ts'

/** A setting as the store answers it. */
interface StoredSetting {
  readonly id: string
  readonly name?: string
  readonly etag: string
  readonly declared?: JsonObject | undefined
}

/** What a write of the store is told of one setting. */
interface Asked {
  readonly organizationId: string
  /** Name or id; '': a new setting of a kind that has no names. */
  readonly name: string
  readonly precondition: MessageInitShape<typeof PreconditionSchema>
  readonly dryRun: boolean
  readonly change: MessageInitShape<typeof ChangeSchema>
}

/** A kind of settings of an organization, said once: its list and the five operations on one of them follow from it. */
export interface SettingsResource<Stored extends StoredSetting, Wanted> {
  /** The parameter in its paths, and the word in summaries. */
  readonly noun: 'source' | 'destination' | 'route'
  /** With the parameter that names one of them. */
  readonly params: z.ZodObject
  /** As POST and PUT take it, and as PATCH leaves it. */
  readonly body: z.ZodType<Wanted>
  readonly answer: z.ZodObject
  /** Of a body, in bytes. Default: that of every operation. */
  readonly maxBodyBytes?: number
  readonly words: {
    readonly list: { readonly summary: string; readonly answerDescription: string }
    readonly get: { readonly summary: string }
    readonly create: { readonly description: string }
    readonly put: { readonly summary: string; readonly description: string }
    readonly patch?: { readonly description: string }
    readonly remove: { readonly description: string }
  }
  /** The name that a new one is stored under; '' where there are none. */
  readonly nameOf: (wanted: Wanted) => string
  readonly present: (stored: Stored, organization: Organization) => Record<string, unknown>
  readonly list: (store: StoreClient, organizationId: string, options: CallOptions) => Promise<Stored[]>
  readonly put: (
    store: StoreClient,
    asked: Asked,
    /** Undefined: only the kept answer of a repeat is asked for. */
    wanted: Wanted | undefined,
    options: CallOptions,
  ) => Promise<{ readonly stored: Stored | undefined; readonly changes: readonly FieldChange[] }>
  readonly remove: (
    store: StoreClient,
    asked: Asked,
    options: CallOptions,
  ) => Promise<{ readonly changes: readonly FieldChange[] }>
  /**
   * What its owner's declaration would have to say, where only the owner may do such a write.
   * @param present all of the kind, as they stand
   * @param wanted undefined: it would be deleted
   */
  readonly spec: (
    present: readonly Stored[],
    name: string,
    wanted: Wanted | undefined,
  ) => Readonly<Record<string, unknown>>
}

type WriteCall<Body = unknown> = Call<Record<string, unknown>, z.output<typeof dryRunQuery>, Body>

export function settingsOperations<Stored extends StoredSetting, Wanted>(
  resource: SettingsResource<Stored, Wanted>,
) {
  const handlers = handlersOf(resource)
  return { ...readsOf(resource, handlers), ...writesOf(resource, handlers) }
}

type Handlers<Stored extends StoredSetting, Wanted> = ReturnType<typeof handlersOf<Stored, Wanted>>

const pathOf = (noun: string): string => `/api/v1/organizations/{slug}/${noun}s`

/** `putSource` */
const nameOf = (verb: string, noun: string): string => `${verb}${noun[0]!.toUpperCase()}${noun.slice(1)}`

function readsOf<Stored extends StoredSetting, Wanted>(
  { noun, params, answer, words, present }: SettingsResource<Stored, Wanted>,
  { listOf, find }: Handlers<Stored, Wanted>,
) {
  const read = { method: 'get', tag: 'Settings', access: 'read', query: noQuery, problems: [] } as const
  return {
    list: operation({
      ...read,
      ...words.list,
      path: pathOf(noun),
      name: nameOf('list', `${noun}s`),
      params: organizationParams,
      status: 200,
      answer: z.object({ items: z.array(answer) }),
      handle: async call => ({
        items: (await listOf(call)).map(stored => present(stored, call.organization)),
      }),
    }),
    get: operation({
      ...read,
      ...words.get,
      path: `${pathOf(noun)}/{${noun}}`,
      name: nameOf('get', noun),
      versioned: true,
      params,
      status: 200,
      answerDescription: `The ${noun}.`,
      answer,
      handle: async call => present(await find(call), call.organization),
    }),
  }
}

function writesOf<Stored extends StoredSetting, Wanted>(
  { noun, params, body, answer, words, maxBodyBytes }: SettingsResource<Stored, Wanted>,
  { create, put, patch, remove }: Handlers<Stored, Wanted>,
) {
  const one = { path: `${pathOf(noun)}/{${noun}}`, params }
  const write = {
    tag: 'Settings',
    access: 'administer',
    versioned: true,
    query: dryRunQuery,
    problems: settingProblems,
  } as const
  const given = {
    ...write,
    ...(maxBodyBytes !== undefined && { maxBodyBytes }),
    status: 200,
    answerDescription: `The ${noun}.`,
    answer,
  } as const
  return {
    create: operation({
      ...given,
      ...words.create,
      method: 'post',
      path: pathOf(noun),
      name: nameOf('create', noun),
      summary: `Make a ${noun}`,
      params: organizationParams,
      body,
      status: 201,
      handle: create,
    }),
    put: operation({
      ...given,
      ...words.put,
      ...one,
      method: 'put',
      name: nameOf('put', noun),
      body,
      handle: put,
    }),
    patch: operation({
      ...given,
      ...words.patch,
      ...one,
      method: 'patch',
      name: nameOf('update', noun),
      summary: `Change some fields of a ${noun}`,
      body: patchBody,
      handle: patch,
    }),
    remove: operation({
      ...write,
      ...words.remove,
      ...one,
      method: 'delete',
      name: nameOf('delete', noun),
      summary: `Delete a ${noun}`,
      status: 204,
      answerDescription: 'It is gone.',
      handle: remove,
    }),
  }
}

function handlersOf<Stored extends StoredSetting, Wanted>(resource: SettingsResource<Stored, Wanted>) {
  const { noun, body } = resource
  const nameIn = ({ params }: Pick<WriteCall, 'params'>): string => String(params[noun])
  const listOf = ({ store, organization, signal }: Pick<Call, 'store' | 'organization' | 'signal'>) =>
    resource.list(store, organization.id, { signal })

  const lookUp = async (call: Pick<WriteCall, 'store' | 'organization' | 'signal' | 'params'>) => {
    const asked = nameIn(call)
    return (await listOf(call)).find(({ id, name }) => id === asked || name === asked)
  }

  /** Throws an ApiError `not_found`. */
  const find = async (call: Parameters<typeof lookUp>[0]) => {
    const found = await lookUp(call)
    if (!found) throw new ApiError('not_found')
    return found
  }

  const askedOf = (
    { organization, query, change }: Pick<WriteCall, 'organization' | 'query' | 'change'>,
    name: string,
    precondition: Asked['precondition'],
  ): Asked => ({ organizationId: organization.id, name, precondition, dryRun: query.dryRun ?? false, change })

  /** Tells what the caller can do about a write that the store refuses. */
  const explained = <T>(write: Promise<T>, call: WriteCall, wanted: Wanted | undefined): Promise<T> =>
    orExplained(write, {
      organization: call.organization,
      spec: async () => resource.spec(await listOf(call), nameIn(call), wanted),
      current: async () => {
        const found = await lookUp(call)
        return found && resource.present(found, call.organization)
      },
    })

  const told = (
    { organization }: Pick<Call, 'organization'>,
    { dryRun }: Asked,
    { stored, changes }: Awaited<ReturnType<typeof resource.put>>,
  ) => {
    if (!stored) throw new TypeError(`the store answered without the ${noun}`)
    const present = resource.present(stored, organization)
    return dryRun ? new DryRun(present, changes) : present
  }

  const replace = async (call: WriteCall, wanted: Wanted, precondition: Asked['precondition']) => {
    const asked = askedOf(call, nameIn(call), precondition)
    return told(
      call,
      asked,
      await explained(resource.put(call.store, asked, wanted, call.write), call, wanted),
    )
  }

  return {
    listOf,
    find,
    async create(call: WriteCall<Wanted>) {
      const asked = askedOf(call, resource.nameOf(call.body), { absent: true })
      return told(call, asked, await orNameTaken(resource.put(call.store, asked, call.body, call.write)))
    },
    put: (call: WriteCall<Wanted>) => replace(call, call.body, call.precondition),
    patch: (call: WriteCall) =>
      findAndWrite(
        call,
        async () => {
          const present = await find(call)
          const wanted = requireBody(body, mergePatch(requireDeclared(present.declared), call.body))
          return { wanted, precondition: seen(call.precondition, present.etag) }
        },
        async (found, change) => {
          if (found) return await replace(call, found.wanted, found.precondition)
          const asked = { ...askedOf(call, nameIn(call), {}), change }
          return told(call, asked, await resource.put(call.store, asked, undefined, call.write))
        },
      ),
    async remove(call: WriteCall) {
      const asked = askedOf(call, nameIn(call), call.precondition)
      const { changes } = await explained(resource.remove(call.store, asked, call.write), call, undefined)
      return asked.dryRun ? new DryRun(null, changes) : undefined
    },
  }
}
