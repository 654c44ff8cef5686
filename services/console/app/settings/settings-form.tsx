import type { DryRun, Problem } from '@fairlead/client/gen/client'
import { useMutation, useQueryClient } from '@tanstack/react-query'
import { useNavigate } from '@tanstack/react-router'
import { type FormEvent, useState } from 'react'
import { ProblemError } from '../call.ts'
import { Needs } from '../parts/needs.tsx'
import { ProblemNote } from '../parts/problem.tsx'
import { useRight } from '../session.ts'
import { type Draft, withValue } from './draft.ts'
import { DraftContext } from './field.tsx'
import { Changes, Overtaken, PatchNote } from './outcomes.tsx'
import { listPathOf, type Setting, type SettingsKind } from './settings-kind.ts'

interface FormProps<Item extends Setting> {
  readonly kind: SettingsKind<Item>
  readonly slug: string
  /** As it stands; undefined: it is to be made. */
  readonly item: Item | undefined
  readonly begin: Draft
}

interface Asked {
  readonly dryRun: boolean
  /** The state that is written over. */
  readonly etag: string
}

/**
 * A form for a setting. Whatever the API answers, what was typed stays: a fault stands at its field, somebody else's change
 * beside one's own, and what Kubernetes declares ends in a patch to paste.
 */
export function SettingsForm<Item extends Setting>({ kind, slug, item, begin }: FormProps<Item>) {
  const [draft, setDraft] = useState<Draft>(begin)
  const { may, who } = useRight(kind.right, slug)
  const write = useWrite({ kind, slug, item, draft, settle: setDraft })
  const set = (path: string, value: unknown) => {
    setDraft(before => withValue(before, path, value) ?? {})
    write.reset()
  }
  const isDeclared = item !== undefined && kind.isDeclared(item)
  const etag = item?.etag ?? ''
  const submit = (event: FormEvent) => {
    event.preventDefault()
    write.mutate({ dryRun: false, etag })
  }
  const problem = write.error instanceof ProblemError ? write.error.problem : undefined
  const form = { draft, set, faults: faultsOf(write.error), disabled: !may || write.isPending }
  return (
    <form className="form settings" onSubmit={submit} noValidate>
      {isDeclared && (
        <p className="note">
          The resource or file that declares the organization declares this too. Change it here as you want
          it, and you get the patch that makes the change there.
        </p>
      )}
      <DraftContext value={form}>
        <kind.Fields slug={slug} item={item} />
      </DraftContext>
      {problem?.patch ? (
        <PatchNote problem={problem} />
      ) : problem?.code === 'precondition_failed' ? (
        <Overtaken
          mine={draft}
          current={currentOf(kind, problem)}
          insist={now => write.mutate({ dryRun: false, etag: now })}
        />
      ) : (
        write.isError && <ProblemNote error={write.error} nameOf={kind.nameOfFault} />
      )}
      {write.data?.kind === 'would' && <Changes run={write.data.run} />}
      <div className="row form-end">
        <button type="submit" className="button primary" disabled={!may || write.isPending}>
          {isDeclared ? 'Make the patch' : item ? 'Save' : `Create the ${kind.noun}`}
        </button>
        {!isDeclared && (
          <button
            type="button"
            className="button"
            disabled={!may || write.isPending}
            onClick={() => write.mutate({ dryRun: true, etag })}
          >
            What would change?
          </button>
        )}
        <Needs who={who} />
        <span role="status" className="said">
          {write.data?.kind === 'done' && 'Saved; in force within a second.'}
        </span>
      </div>
    </form>
  )
}

type Written = { readonly kind: 'would'; readonly run: DryRun } | { readonly kind: 'done' }

/** Writes the draft, or asks what that would change. */
function useWrite<Item extends Setting>({
  kind,
  slug,
  item,
  draft,
  settle,
}: Omit<FormProps<Item>, 'begin'> & { readonly draft: Draft; readonly settle: (draft: Draft) => void }) {
  const queries = useQueryClient()
  const navigate = useNavigate()
  return useMutation({
    mutationFn: async ({ dryRun, etag }: Asked): Promise<Written> => {
      const answer = item
        ? await kind.put(slug, kind.keyOf(item), draft, { etag, dryRun })
        : await create(kind, slug, draft, dryRun)
      if ('dryRun' in answer) return { kind: 'would', run: answer }
      await queries.invalidateQueries({ queryKey: [kind.list] })
      const key = kind.keyOf(answer)
      // Without the secrets that were typed: they are stored, and nobody gets them back.
      if (item) settle(answer.settings)
      else {
        const path = kind.pathOf?.(slug, key) ?? `${listPathOf(kind, slug)}/${encodeURIComponent(key)}`
        void navigate({ to: path as never })
      }
      return { kind: 'done' }
    },
  })
}

function create<Item extends Setting>(
  kind: SettingsKind<Item>,
  slug: string,
  draft: Draft,
  dryRun: boolean,
): Promise<Item | DryRun> {
  if (!kind.create) throw new TypeError(`${kind.noun}: none is made`)
  return kind.create(slug, draft, dryRun)
}

/** What is there now, where there is anything. */
function currentOf<Item extends Setting>(
  { currentOf }: SettingsKind<Item>,
  { current }: Problem,
): Partial<Setting> | undefined {
  if (current === undefined || current === null) return undefined
  return currentOf?.(current) ?? (current as Partial<Setting>)
}

/** By field: the first fault that the API found with it. */
function faultsOf(error: Error | null): ReadonlyMap<string, string> {
  const faults = error instanceof ProblemError ? (error.problem.errors ?? []) : []
  return new Map(faults.toReversed().map(({ name, message }) => [name, message]))
}
