import type { Identity, WebhookRequest } from '../scheme.ts'
import { scanForm } from './form.ts'
import { headerText } from './header.ts'
import { scanFirstName, scanMember } from './members.ts'

/** Where a delivery's id or an event's type stands. */
export type IdentityRule =
  | { readonly header: string }
  /** A member of the JSON body: names joined by dots, `0` for an array's first element. */
  | { readonly member: string }
  | { readonly form: string }
  /** The name of the root object's first member that isn't one of these (Telegram's update_id). */
  | { readonly firstNameExcept: readonly string[] }
  /** For what stands in no header, member or form value (Braintree's base64 XML). */
  | { readonly find: (request: WebhookRequest) => string | undefined }
  /** All of these, joined; nothing if one of them is missing. */
  | { readonly join: readonly IdentityRule[]; readonly by: string }

/** The first rule that finds something wins. */
export interface IdentityRules {
  readonly id?: readonly IdentityRule[]
  readonly type?: readonly IdentityRule[]
}

const maxIdLength = 512
const maxTypeLength = 256

type Finder = (request: WebhookRequest) => string | undefined

/** Makes the rules' paths ready once, so that asking about a request compiles and allocates nothing. */
export function openIdentify(rules: IdentityRules): (request: WebhookRequest) => Identity {
  const findId = openFinder(rules.id ?? [], maxIdLength)
  const findType = openFinder(rules.type ?? [], maxTypeLength)
  return request => {
    const deliveryId = findId(request)
    const eventType = findType(request)
    return { ...(deliveryId !== undefined && { deliveryId }), ...(eventType !== undefined && { eventType }) }
  }
}

function openFinder(rules: readonly IdentityRule[], maxLength: number): Finder {
  const finders = rules.map(openRule)
  return request => {
    for (const find of finders) {
      const text = find(request)
      // A cut id could make two deliveries one, so a longer one is none.
      if (text !== undefined && text !== '' && text.length <= maxLength) return text
    }
    return undefined
  }
}

function openRule(rule: IdentityRule): Finder {
  if ('header' in rule) return request => headerText(request.headers, rule.header)
  if ('form' in rule) return request => scanForm(request.body, rule.form)
  if ('firstNameExcept' in rule) return request => scanFirstName(request.body, rule.firstNameExcept)
  if ('find' in rule) return rule.find
  if ('join' in rule) {
    const finders = rule.join.map(openRule)
    return request => {
      const parts = finders.map(find => find(request))
      return parts.includes(undefined) ? undefined : parts.join(rule.by)
    }
  }
  const path = rule.member.split('.')
  return request => scanMember(request.body, path)
}
