import type { ProblemCode } from '../problem.ts'

/** What the page of a problem says. */
export interface ProblemGuide {
  /** When it is answered. */
  readonly meaning: string
  /** What whoever gets it does about it. Of text, `code` is markup. */
  readonly remedy: string
  /** Whether the same request may be sent again. */
  readonly retry: Retry
}

/** never: it is refused again until something changes; later: after Retry-After or a moment; same-key: with the same Idempotency-Key. */
export type Retry = 'never' | 'later' | 'same-key'

/** One guide for each problem that this API answers with. */
export const problemGuides: Readonly<Record<ProblemCode, ProblemGuide>> = {
  request_invalid: {
    meaning:
      'A parameter, a header or a field of the body is missing, unknown, or not of the form that the operation takes. Nothing was changed.',
    remedy:
      'Read `errors`: each entry names the place (`in`), the field (`name`) and the fault (`message`). All faults are told at once. The operation’s entry in the reference says what it takes.',
    retry: 'never',
  },
  cursor_invalid: {
    meaning:
      'The cursor was cut, changed, or made by another list, by other filters, or for another organization.',
    remedy:
      'Pass `next` as it came, with the same filters. If in doubt begin at the first page, without a cursor.',
    retry: 'never',
  },
  body_unreadable: {
    meaning:
      'The body is no JSON in UTF-8, was cut off, nests deeper than this API reads, or names a field twice.',
    remedy:
      'Send one JSON document, in UTF-8, with each field once. Check that `Content-Length` fits the body.',
    retry: 'never',
  },
  malformed: {
    meaning:
      'The request’s head isn’t HTTP/1.1 as this API reads it, such as one whose length is given twice or in two ways. The connection is closed.',
    remedy:
      'Use an HTTP library rather than a socket; if a proxy stands between, see what it sends. Nothing was read of the body.',
    retry: 'never',
  },
  unauthenticated: {
    meaning:
      'The request has no credential, or one that is unknown, revoked or expired. A session ends by signing out, after its time, and when its person is removed.',
    remedy:
      'Send `Authorization: Bearer` with an API key, or sign in: `fairlead login`, or the console. A key that was shown once and lost is rotated: `fairlead keys rotate`.',
    retry: 'never',
  },
  sign_in_refused: {
    meaning:
      'The link or the code of a mail is wrong, was used, or has run out; or a tool’s sign-in was refused, or its refresh token is no longer good. Of a tenant account: the address or the password is wrong, or the registration has ended.',
    remedy:
      'Ask for a new link, and open it in the browser that asked. A tool signs in anew: `fairlead login`. Who forgot a password signs in by mail.',
    retry: 'never',
  },
  forbidden: {
    meaning:
      'The caller is known, and may not do this: the role in the organization, or the scopes of the key, don’t allow it.',
    remedy:
      '`GET /api/v1/me` tells what the caller may do, and each operation says to whom it is allowed. Ask an owner or admin of the organization for the role, or use a key that has the scope.',
    retry: 'never',
  },
  proof_too_old: {
    meaning:
      'A person asked for what only owners decide (owners, their keys, the end of an organization), and signed in more than 10 minutes ago.',
    remedy:
      'Sign in again at `/auth/sign-in` (its `to` leads back to a page), and repeat the request. With a tool, sign in again in the browser first and then by `fairlead login`, since a tool’s session is as old as the one that approved it. API keys are not asked for this.',
    retry: 'never',
  },
  wrong_mode: {
    meaning:
      'The key is for one mode. A test key (`sk_test_fl_…`) asked for what both modes share, or for the audit log; or a key named the other mode.',
    remedy:
      'Use a live key for settings that both modes share and for live data, a test key for test data; leave out `mode`, or name that of the key.',
    retry: 'never',
  },
  cross_site: {
    meaning:
      'A browser sent this with a session from a page of another site. Sessions are good on our own pages only.',
    remedy: 'Programs use an API key or a token instead of a session’s cookie.',
    retry: 'never',
  },
  not_found: {
    meaning:
      'Nothing has this address or id, or it belongs to an organization that the caller has nothing to do with. Both are answered alike, so that ids of others tell nothing.',
    remedy:
      'Check slug and id, and that the credential is of this organization. What is listed with another key may be another organization’s.',
    retry: 'never',
  },
  sign_in_off: {
    meaning: 'This installation has no sign-in for people: API keys are all there is.',
    remedy:
      'Whoever runs it sets FAIRLEAD_REDIS_URL, FAIRLEAD_CONSOLE_URL and FAIRLEAD_SIGN_IN_KEYS; until then use an API key.',
    retry: 'never',
  },
  method_not_allowed: {
    meaning: 'The address is right, and takes other methods.',
    remedy: 'Use a method of the `Allow` header.',
    retry: 'never',
  },
  conflict: {
    meaning:
      'What was asked doesn’t fit the present state: a name is in use, a delivery or a Replay has ended, something else still names it. `detail` says which.',
    remedy: 'Read the present state, then ask for what fits it; or change what stands in the way first.',
    retry: 'never',
  },
  managed_by_kubernetes: {
    meaning:
      'A resource in Kubernetes, or a file, declares this. A change made here would be undone by the next reconciliation, so it is refused.',
    remedy:
      'Change it where it is declared: `resource` names it, and `patch` is the YAML for `kubectl patch --type merge` or the file.',
    retry: 'never',
  },
  limit_reached: {
    meaning: 'The organization has as many of these as it may have.',
    remedy: 'Delete what is no longer needed, or ask whoever runs the platform for a higher limit.',
    retry: 'never',
  },
  precondition_failed: {
    meaning:
      'Someone changed the setting since it was read: it isn’t in the state that `If-Match` or `If-None-Match` names. Nothing was changed.',
    remedy: 'Compare with `current`, make the change to that, and send it with the new `ETag`.',
    retry: 'never',
  },
  precondition_required: {
    meaning:
      'A change of a setting without `If-Match` could undo another person’s change unseen, so it is refused.',
    remedy: 'Read the setting, and send its `ETag` as `If-Match`; or `If-Match: *`, if any state will do.',
    retry: 'never',
  },
  last_owner: {
    meaning: 'The change would leave the organization without an owner.',
    remedy: 'Make another member owner first, then repeat it.',
    retry: 'never',
  },
  rate_missing: {
    meaning:
      'Figures were asked for in one currency, and the organization’s table of rates has no rate of that pair for that day or an earlier one. Nothing is converted by a guess.',
    remedy:
      '`detail` names the currencies and the day. Enter the rate by `PUT …/billing/rates`, or ask without `convert`.',
    retry: 'never',
  },
  event_expired: {
    meaning: 'The event’s bytes are no longer kept. What stands in the log about it stays.',
    remedy:
      'Have the provider send it again; its dashboard or API usually can. Bodies are kept as long as the stream EVENTS keeps them.',
    retry: 'never',
  },
  too_large: {
    meaning: 'The body is larger than the operation reads. Nothing of it was used.',
    remedy: 'Send less: the reference says how much. Long lists of ids are split, or replaced by a filter.',
    retry: 'never',
  },
  media_type_unsupported: {
    meaning: 'The body is not declared as JSON in UTF-8, or is compressed.',
    remedy: 'Send `Content-Type: application/json`, without `Content-Encoding`.',
    retry: 'never',
  },
  idempotency_in_progress: {
    meaning: 'The first request with this `Idempotency-Key` hasn’t ended yet.',
    remedy: 'Wait as long as `Retry-After` says, then send the same again: it gets the answer of the first.',
    retry: 'same-key',
  },
  idempotency_key_reused: {
    meaning: 'This `Idempotency-Key` came with another operation, address or body less than a day ago.',
    remedy:
      'Make a new key for each thing that is to be done once, and use it again for repeats of just that.',
    retry: 'never',
  },
  rate_limited: {
    meaning:
      'Too many requests with one credential, too many wrong credentials from one network, or too many streams, tests or waiting requests of an organization at one time.',
    remedy:
      'Wait as long as `Retry-After` says. `RateLimit` tells what is left before it comes to this, and `RateLimit-Policy` the limit. Watch the stream of events rather than asking for them again and again.',
    retry: 'later',
  },
  internal: {
    meaning: 'A fault of ours. Whether a change was made is not certain.',
    remedy:
      'Send it again with the same `Idempotency-Key`; if it stays, report `requestId` and `traceId`, by which the log is searched.',
    retry: 'same-key',
  },
  transfer_coding_unknown: {
    meaning: 'The body comes in a transfer coding other than chunked. The connection is closed.',
    remedy: 'Send the body with `Content-Length`, or with `Transfer-Encoding: chunked` alone.',
    retry: 'never',
  },
  unavailable: {
    meaning:
      'A part that the answer needs doesn’t answer (the store, its database, Redis or a worker), or has no room at the moment. Webhooks are taken and delivered meanwhile.',
    remedy: 'Wait as long as `Retry-After` says and send it again; a write with the same `Idempotency-Key`.',
    retry: 'same-key',
  },
  timed_out: {
    meaning: 'The answer took longer than it may. A write may have been carried out all the same.',
    remedy:
      'Ask for less: a shorter time, a smaller page. Send a write again with the same `Idempotency-Key`.',
    retry: 'same-key',
  },
}
