import { createHash } from 'node:crypto'
import { keyOf, type OrganizationKey } from '../organization/declared.ts'
import { type Organization, type SecretDocument, slugOfOrganization } from '../organization/schema.ts'
import { type AbsencePeriods, type Absences, absencePeriods, absencesNow } from './absence.ts'
import { type FileFault, type Located, type ParsedFile, parseFile } from './parse.ts'
import type { FileText, FolderTexts } from './read-folder.ts'

/** As `parseFile`; the digest is the text's. */
export type Parse = (file: string, text: string, digest: string) => ParsedFile

export const digestOfText = (text: string): string => createHash('sha256').update(text).digest('base64url')

/** The last good state of a file. */
interface FileState {
  /** Of the text that was read last: the same isn't parsed again. Empty: it could not be read. */
  readonly digest: string
  readonly good: Pick<ParsedFile, 'organizations' | 'secrets'>
  readonly faults: readonly FileFault[]
  readonly notTaken: readonly FileFault[]
  /** When the file was first found missing. It is remembered for as long as its documents may stay in force. */
  readonly missingSinceMs?: number
}

/** The Organizations and Secrets that a folder declares. */
export interface FolderState {
  readonly files: ReadonlyMap<string, FileState>
  /** With those that are absent, but not gone. */
  readonly organizations: ReadonlyMap<OrganizationKey, Organization>
  /** `namespace/name` → Secret; with those that are absent, but not gone. */
  readonly secrets: ReadonlyMap<string, SecretDocument>
  /** Faults of single files, and of all files together. A file or document at fault keeps its last good state. */
  readonly faults: readonly FileFault[]
  /** Declared with a conflict (a name or slug of another): neither changed nor deleted. */
  readonly held: ReadonlySet<OrganizationKey>
  /** Known Organizations that no file declares. */
  readonly absent: Absences
  /** The same for Secrets. Not reported, because an Organization reports a missing Secret itself. */
  readonly absentSecrets: Absences
  /** Something is absent and not gone: look again soon. */
  readonly unsettled: boolean
}

export const emptyFolder: FolderState = {
  files: new Map(),
  organizations: new Map(),
  secrets: new Map(),
  faults: [],
  held: new Set(),
  absent: new Map(),
  absentSecrets: new Map(),
  unsettled: false,
}

/**
 * The state of a folder, given the state before. Pure. A file that is faulty, or can't be read, keeps its last good
 * state. A document that is absent stays in force until it is gone.
 *
 * @param texts those that are the same as `before` need not be given
 * @param slugs the slug that each known Organization has: it can't be given another. Known are those of the store too.
 */
export function mergeFolder(
  before: FolderState,
  texts: FolderTexts,
  slugs: ReadonlyMap<OrganizationKey, string>,
  nowMs: number,
  periods: AbsencePeriods = absencePeriods,
  parse: Parse = parseFile,
): FolderState {
  const files = new Map<string, FileState>()
  for (const name of [...new Set([...texts.keys(), ...before.files.keys()])].sort()) {
    const state = fileState(name, before.files.get(name), texts.get(name), nowMs, periods, parse)
    if (state) files.set(name, state)
  }
  const present = [...files.values()].filter(({ missingSinceMs }) => missingSinceMs === undefined)
  const declared = declaredBy(present, slugs, before.organizations)
  const readable = [...files.values()].every(({ faults }) => faults.length === 0)
  const known = new Set([...slugs.keys(), ...before.organizations.keys()])
  const absent = absencesNow(
    before.absent,
    [...known].filter(key => !declared.organizations.has(key) && !declared.held.has(key)),
    readable,
    nowMs,
    periods,
  )
  const absentSecrets = absencesNow(
    before.absentSecrets,
    [...before.secrets.keys()].filter(key => !declared.secrets.has(key)),
    readable,
    nowMs,
    periods,
  )
  return {
    ...declared,
    files,
    absent,
    absentSecrets,
    organizations: withAbsent(declared.organizations, before.organizations, absent),
    secrets: withAbsent(declared.secrets, before.secrets, absentSecrets),
    unsettled: [...absent.values(), ...absentSecrets.values()].some(({ kind }) => kind !== 'gone'),
  }
}

/** Documents that are absent and not gone stay as they were. */
function withAbsent<Document>(
  declared: ReadonlyMap<string, Document>,
  before: ReadonlyMap<string, Document>,
  absent: Absences,
): ReadonlyMap<string, Document> {
  const kept = [...before].filter(([key]) => (absent.get(key)?.kind ?? 'gone') !== 'gone')
  return new Map([...declared, ...kept])
}

function fileState(
  name: string,
  before: FileState | undefined,
  read: FileText | undefined,
  nowMs: number,
  { deleteAfterMs }: AbsencePeriods,
  parse: Parse,
): FileState | undefined {
  if (!read) {
    const missingSinceMs = before?.missingSinceMs ?? nowMs
    return before && nowMs - missingSinceMs < deleteAfterMs ? { ...before, missingSinceMs } : undefined
  }
  const nothing = { organizations: [], secrets: [] }
  if ('same' in read) return before
  if ('fault' in read) {
    const faults = [{ file: name, line: 1, path: [], message: read.fault }]
    return { digest: '', good: before?.good ?? nothing, faults, notTaken: [] }
  }
  const digest = digestOfText(read.text)
  if (before?.digest === digest && before.missingSinceMs === undefined) return before
  const { faults, notTaken, ...good } = parse(name, read.text, digest)
  return { digest, good: faults.length === 0 ? good : (before?.good ?? nothing), faults, notTaken }
}

/** All files together: a name or a slug that is used twice belongs to the first, in the order of file names. */
function declaredBy(
  states: readonly FileState[],
  slugs: ReadonlyMap<OrganizationKey, string>,
  before: FolderState['organizations'],
): Pick<FolderState, 'organizations' | 'secrets' | 'faults' | 'held'> {
  const faults = states.flatMap(file => file.faults)
  const organizations = new Map<OrganizationKey, Organization>()
  const held = new Set<OrganizationKey>()
  const first = { keys: new Map<string, Located<unknown>>(), slugs: new Map<string, Located<unknown>>() }
  for (const located of states.flatMap(({ good }) => good.organizations)) {
    const key = keyOf(located.value)
    const same = first.keys.get(key)
    if (same) {
      faults.push(duplicate(located, 'Organization', same))
      continue
    }
    first.keys.set(key, located)
    const fault = slugFault(located, slugs.get(key), first.slugs)
    if (!fault) {
      first.slugs.set(slugOfOrganization(located.value), located)
      organizations.set(key, located.value)
      continue
    }
    faults.push(fault)
    held.add(key)
    const good = before.get(key)
    if (good) organizations.set(key, good)
  }
  const secrets = new Map<string, Located<SecretDocument>>()
  for (const located of states.flatMap(({ good }) => good.secrets)) {
    const { namespace, name } = located.value.metadata
    const same = secrets.get(`${namespace}/${name}`)
    if (same) faults.push(duplicate(located, 'Secret', same))
    else secrets.set(`${namespace}/${name}`, located)
  }
  return {
    organizations,
    secrets: new Map([...secrets].map(([name, { value }]) => [name, value])),
    held,
    faults,
  }
}

function slugFault(
  located: Located<Organization>,
  old: string | undefined,
  owners: ReadonlyMap<string, Located<unknown>>,
): FileFault | undefined {
  const slug = slugOfOrganization(located.value)
  const isGiven = located.value.spec.slug !== undefined
  const path = isGiven ? ['spec', 'slug'] : ['metadata', 'name']
  const line = isGiven ? located.slugLine : located.nameLine
  const fault = (message: string) => ({ file: located.file, line, path, message })
  if (old !== undefined && old !== slug) {
    return fault(
      `can't change from ${old} to ${slug}, because it is part of the webhook URLs: make another Organization and delete this one`,
    )
  }
  const owner = owners.get(slug)
  return owner && fault(`the slug ${slug} is taken by ${owner.file}:${owner.line}: give another`)
}

function duplicate(located: Located<unknown>, kind: string, first: Located<unknown>): FileFault {
  const path = ['metadata', 'name']
  const message = `this ${kind} is declared already, in ${first.file}:${first.line}: take one of them out`
  return { file: located.file, line: located.nameLine, path, message }
}
