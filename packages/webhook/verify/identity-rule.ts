import type { WebhookRequest } from '../scheme.ts'
import { formFields, queryValue } from './form.ts'
import { headerText } from './header.ts'
import { type Found, type ListPaths, type MemberPath, openScan, scanFirstName } from './members.ts'

/** Where a text of a request stands: part of an id, or a type. */
export type IdentityRule =
  | { readonly header: string }
  /**
   * A member of the JSON body: names joined by dots. `0` is an array's first element, `*` each of its elements: the
   * rule then finds many texts. With `as`, that text in the place of whatever stands there.
   */
  | { readonly member: string; readonly as?: string }
  /** A field of a form, or a value of a GET's query. With `member`, a member of the JSON document in that field. */
  | { readonly form: string; readonly member?: string }
  /** The name of the root object's first member outside of this list (Telegram's update_id). */
  | { readonly firstNameExcept: readonly string[] }
  /** For a text that stands in no header, member or form field (Braintree's base64 XML). */
  | { readonly find: (request: WebhookRequest) => string | undefined; readonly text: string }
  /** The texts of all these rules, joined; nothing where a rule that isn't optional finds none. */
  | { readonly join: readonly JoinedRule[]; readonly by: string }
export type JoinedRule = Exclude<IdentityRule, { readonly join: unknown }> & { readonly optional?: true }

/** A request while its texts are read: body and form are each gone through once, and only when asked for. */
export interface Reading {
  readonly request: WebhookRequest
  found: Found | undefined
  form: readonly (string | undefined)[] | undefined
}

/** All places that the rules of a source look at, for one scan. */
export interface Asked {
  readonly values: MemberPath[]
  readonly lists: ListPaths[]
  readonly fields: string[]
  /** Made by `prepare` when all rules are known. */
  scan: (body: Uint8Array) => Found
}

export const nothingAsked = (): Asked => ({ values: [], lists: [], fields: [], scan: openScan([]) })

export function prepare(asked: Asked): void {
  asked.scan = openScan(asked.values, asked.lists)
}

/** A rule made ready. */
export type OpenedRule =
  | { readonly kind: 'one'; readonly text: Text }
  /** A text for each element of a batch, undefined where that element has none. */
  | { readonly kind: 'each'; readonly texts: (reading: Reading) => readonly (string | undefined)[] }
type Text = (reading: Reading) => string | undefined

/** Whether a rule finds a text for each element of a batch. */
export function isList(rule: IdentityRule): boolean {
  if ('join' in rule) return rule.join.some(isList)
  return 'member' in rule && !('form' in rule) && rule.member.split('.').includes('*')
}

/** @param distinct how many different elements of a batch are looked at; undefined: every element */
export function openRule(rule: IdentityRule, asked: Asked, distinct: number | undefined): OpenedRule {
  const parts: readonly JoinedRule[] = 'join' in rule ? rule.join : [rule]
  const by = 'join' in rule ? rule.by : ''
  if (isList(rule)) return { kind: 'each', texts: openList(parts, by, asked, distinct) }
  const texts = parts.map(part => openText(part, asked))
  if (!('join' in rule)) return { kind: 'one', text: texts[0]! }
  return {
    kind: 'one',
    text: reading =>
      joinTexts(
        texts.map(find => find(reading)),
        parts,
        by,
      ),
  }
}

function openList(
  parts: readonly JoinedRule[],
  by: string,
  asked: Asked,
  distinct: number | undefined,
): (reading: Reading) => readonly (string | undefined)[] {
  const members: MemberPath[] = []
  let elements: MemberPath | undefined
  const texts = parts.map(
    (part): ((reading: Reading, row: readonly (string | undefined)[]) => string | undefined) => {
      if (!isList(part)) return openText(part, asked)
      const { member, as } = part as { member: string; as?: string }
      const path = member.split('.')
      const end = path.lastIndexOf('*') + 1
      elements ??= path.slice(0, end)
      if (elements.join('.') !== path.slice(0, end).join('.')) throw new TypeError('one rule, several lists')
      const index = members.push(path.slice(end)) - 1
      if (as === undefined) return (_reading, row) => row[index]
      return (_reading, row) => row[index] && as
    },
  )
  const list =
    asked.lists.push({ elements: elements!, members, ...(distinct !== undefined && { distinct }) }) - 1
  if (texts.length === 1)
    return reading => foundOf(reading, asked).lists[list]!.map(row => texts[0]!(reading, row))
  return reading =>
    foundOf(reading, asked).lists[list]!.map(row =>
      joinTexts(
        texts.map(find => find(reading, row)),
        parts,
        by,
      ),
    )
}

function openText(rule: JoinedRule, asked: Asked): Text {
  if ('header' in rule) return ({ request }) => headerText(request.headers, rule.header)
  if ('form' in rule) return openField(rule, asked)
  if ('firstNameExcept' in rule) return ({ request }) => scanFirstName(request.body, rule.firstNameExcept)
  if ('find' in rule) return ({ request }) => rule.find(request)
  const index = asked.values.push(rule.member.split('.')) - 1
  const { as } = rule
  return as === undefined
    ? reading => foundOf(reading, asked).values[index]
    : reading => foundOf(reading, asked).values[index] && as
}

function openField(
  rule: { readonly form: string; readonly member?: string },
  asked: Asked,
): (reading: Reading) => string | undefined {
  const known = asked.fields.indexOf(rule.form)
  const index = known < 0 ? asked.fields.push(rule.form) - 1 : known
  const scan = rule.member === undefined ? undefined : openScan([rule.member.split('.')])
  return reading => {
    const { request } = reading
    const text =
      request.method === 'GET' ? queryValue(request.url, rule.form) : fieldsOf(reading, asked)[index]
    return scan && text !== undefined ? scan(Buffer.from(text)).values[0] : text
  }
}

function foundOf(reading: Reading, asked: Asked): Found {
  reading.found ??= asked.scan(reading.request.body)
  return reading.found
}

function fieldsOf(reading: Reading, asked: Asked): readonly (string | undefined)[] {
  reading.form ??= formFields(reading.request, asked.fields)
  return reading.form
}

/** An empty text is none. */
function joinTexts(
  texts: readonly (string | undefined)[],
  parts: readonly JoinedRule[],
  by: string,
): string | undefined {
  for (let i = 0; i < texts.length; i++) {
    if ((texts[i] === undefined || texts[i] === '') && !parts[i]!.optional) return undefined
  }
  return texts.length === 1 ? texts[0] : texts.map(text => text ?? '').join(by)
}
