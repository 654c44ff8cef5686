import { apiVersion } from '@fairlead/wire/declared/organization-settings'
import type { Path } from '@fairlead/wire/declared/rule'
import { type Document, isMap, isScalar, isSeq, LineCounter, type Node, parseAllDocuments, visit } from 'yaml'
import type { z } from 'zod'
import { type Fault, faultsOf, nearestOf, textOfPath } from '../organization/fault.ts'
import {
  type Organization,
  organizationSchema,
  type SecretDocument,
  secretSchema,
} from '../organization/schema.ts'

/** Something wrong in a file. `line` counts from 1. */
export interface FileFault extends Fault {
  readonly file: string
  readonly line: number
}

/** A document and where it begins. */
export interface Located<T> {
  readonly value: T
  readonly file: string
  readonly line: number
  /** Where spec.slug and metadata.name stand: they can be wrong only beside other documents. */
  readonly slugLine: number
  readonly nameLine: number
}

export interface ParsedFile {
  readonly organizations: readonly Located<Organization>[]
  readonly secrets: readonly Located<SecretDocument>[]
  readonly faults: readonly FileFault[]
  /** Items of a `List` that are of other kinds and are passed over. */
  readonly notTaken: readonly FileFault[]
}

/** `acme.yaml:12: spec.sources[1].provider: "strpe" is not known; did you mean stripe?` */
export function textOfFault({ file, line, path, message }: FileFault): string {
  const field = textOfPath(path)
  return `${file}:${line}: ${field ? `${field}: ` : ''}${message}`
}

/** Aliases that a document may resolve to, which bounds how much a few lines can grow to. */
const maxAliases = 100

/**
 * Reads the YAML documents of a file: Organizations and Secrets; other kinds of Kubernetes are passed over, so that a
 * folder can be given to kubectl too. Everything wrong is a fault with its line; nothing is thrown.
 */
export function parseFile(file: string, text: string): ParsedFile {
  const lines = new LineCounter()
  const organizations: Located<Organization>[] = []
  const secrets: Located<SecretDocument>[] = []
  const faults: FileFault[] = []
  const notTaken: FileFault[] = []
  const documents = parseYaml(text, lines)
  if (typeof documents === 'string')
    return { organizations, secrets, notTaken, faults: [{ file, line: 1, path: [], message: documents }] }
  for (const document of documents) {
    const at = (path: Path) => lineOf(document, path, lines)
    const invalid = [
      ...document.errors.map(error => yamlFault(file, error, lines)),
      ...repeatedKeys(file, document, lines),
    ]
    if (invalid.length > 0) {
      faults.push(...invalid)
      continue
    }
    for (const { read, path } of readDocument(document)) {
      const lineOfField = (field: Path) => at([...path, ...field])
      // Not the document itself: its tree takes a hundred times the memory.
      const located = {
        file,
        line: at(path),
        slugLine: lineOfField(['spec', 'slug']),
        nameLine: lineOfField(['metadata', 'name']),
      }
      if (read.kind === 'refused')
        faults.push(
          ...read.faults.map(({ path: field, message }) => ({
            path: [...path, ...field],
            message,
            file,
            line: lineOfField(field),
          })),
        )
      else if (read.kind === 'organization') organizations.push({ value: read.value, ...located })
      else if (read.kind === 'secret') secrets.push({ value: read.value, ...located })
      else if (path.length > 0)
        notTaken.push({
          file,
          line: at(path),
          path,
          message: 'is not taken: only Organization and Secret are read from files',
        })
    }
  }
  return { organizations, secrets, faults, notTaken }
}

/** Names that stand twice in a map. The check of `yaml` itself compares each with each: 15 s for 8,000 names. */
function repeatedKeys(file: string, document: Document, lines: LineCounter): FileFault[] {
  const faults: FileFault[] = []
  visit(document, {
    Map(_, map) {
      const seen = new Set<unknown>()
      for (const { key } of map.items) {
        if (!isScalar(key)) continue
        if (seen.has(key.value)) {
          const line = lines.linePos(key.range?.[0] ?? 0).line
          faults.push({ file, line, path: [], message: 'is no valid YAML: Map keys must be unique' })
        }
        seen.add(key.value)
      }
    },
  })
  return faults
}

/** The documents, or a sentence where the text is nested too deep to be read at all. */
function parseYaml(text: string, lineCounter: LineCounter): readonly Document[] | string {
  try {
    return [
      ...(parseAllDocuments(text, { lineCounter, prettyErrors: false, uniqueKeys: false }) as Document[]),
    ]
  } catch (error) {
    if (error instanceof RangeError) return 'is nested too deep'
    throw error
  }
}

function yamlFault(file: string, error: Document['errors'][number], lines: LineCounter): FileFault {
  return {
    file,
    line: lines.linePos(error.pos[0]).line,
    path: [],
    message: `is no valid YAML: ${error.message}`,
  }
}

type Read =
  | { readonly kind: 'organization'; readonly value: Organization }
  | { readonly kind: 'secret'; readonly value: SecretDocument }
  | { readonly kind: 'passed-over' }
  | { readonly kind: 'refused'; readonly faults: readonly Fault[] }

interface ReadAt {
  readonly read: Read
  /** Where in its document it stands. */
  readonly path: Path
}

function readDocument(document: Document): readonly ReadAt[] {
  const content = toPlain(document)
  return content.kind === 'refused' ? [{ read: content, path: [] }] : readListed(content.value, [])
}

/** A resource, or those of a `List`, which is what `kubectl get -o yaml` prints; lists may stand in lists. */
function readListed(value: unknown, path: Path): readonly ReadAt[] {
  const list = value as { kind?: unknown; items?: unknown } | null | undefined
  const isList = list?.kind === 'List' || list?.kind === 'OrganizationList' || list?.kind === 'SecretList'
  if (!isList) return [{ read: readResource(value), path }]
  // A null is what an empty list is written as too.
  if (list.items === null || list.items === undefined) return []
  if (!Array.isArray(list.items)) return [{ read: refuse(['items'], 'must be a list of resources'), path }]
  return list.items.flatMap((item, index) => readListed(item, [...path, 'items', index]))
}

function readResource(value: unknown): Read {
  if (value === null || value === undefined) return { kind: 'passed-over' }
  if (typeof value !== 'object' || Array.isArray(value)) {
    return refuse([], 'must be a resource: a map with apiVersion, kind and metadata')
  }
  const { kind, apiVersion: version } = value as { kind?: unknown; apiVersion?: unknown }
  if (kind === 'Organization') return check(organizationSchema, value, 'organization')
  if (kind === 'Secret') return check(secretSchema, value, 'secret')
  if (typeof kind !== 'string') return refuse(['kind'], 'is missing: give Organization or Secret')
  const meant = nearestOf(kind, ['Organization', 'Secret'])
  if (meant) return refuse(['kind'], `${JSON.stringify(kind)} is not known; did you mean ${meant}?`)
  if (typeof version === 'string' && version.startsWith(`${apiVersion.split('/')[0]}/`)) {
    return refuse(
      ['kind'],
      `${JSON.stringify(kind)} is not read from files; there are Organization and Secret`,
    )
  }
  return { kind: 'passed-over' }
}

function toPlain(
  document: Document,
): { readonly kind: 'read'; readonly value: unknown } | Extract<Read, { kind: 'refused' }> {
  try {
    return { kind: 'read', value: document.toJS({ maxAliasCount: maxAliases }) }
  } catch (error) {
    // Aliases: unresolved, or too many of them.
    return refuse([], `can't be read: ${(error as Error).message}`)
  }
}

function check<Schema extends z.ZodType, Kind extends 'organization' | 'secret'>(
  schema: Schema,
  value: unknown,
  kind: Kind,
) {
  const result = schema.safeParse(value)
  if (result.success) return { kind, value: result.data as z.output<Schema> }
  return { kind: 'refused' as const, faults: faultsOf(result.error, schema, value) }
}

function refuse(path: Path, message: string): Extract<Read, { kind: 'refused' }> {
  return { kind: 'refused', faults: [{ path, message }] }
}

/** The line of a field's name, or of the nearest field around it that exists. */
function lineOf(document: Document, path: Path, lines: LineCounter): number {
  let node: unknown = document.contents
  let offset = (document.contents as Node | null)?.range?.[0] ?? document.range?.[0] ?? 0
  for (const part of path) {
    if (isMap(node)) {
      const pair = node.items.find(({ key }) => isScalar(key) && key.value === part)
      if (!pair) break
      offset = (pair.key as Node).range?.[0] ?? offset
      node = pair.value
    } else if (isSeq(node) && typeof part === 'number') {
      node = node.items[part]
      offset = (node as Node | undefined)?.range?.[0] ?? offset
    } else {
      break
    }
  }
  return lines.linePos(offset).line
}
