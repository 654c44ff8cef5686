import type { SchemeHeaders } from '@fairlead/webhook/scheme-headers'
import { connectionHeaders } from '../egress/connection-headers.ts'

/**
 * Which headers of a received request are forwarded to a destination, and under which name. All are, except those below;
 * the reasons are in docs/headers.md.
 */
export interface ForwardPolicy {
  /** A header's name as received → the name under which it is forwarded; undefined: it is not forwarded. */
  nameFor(received: string): string | undefined
  /** Lower-case names of headers whose values nobody but the destination may see. */
  readonly secretHeaders: ReadonlySet<string>
}

export interface ForwardOptions {
  /** Of the event's source. */
  readonly scheme: SchemeHeaders
  /** Whether the credentials by which the source is verified are forwarded too. */
  readonly forwardCredentials: boolean
  /** Names of headers that the destination's settings give, in any letter case: these win over received ones. */
  readonly replaced: Iterable<string>
}

/** Client addresses, hosts and protocols as proxies report them: a server behind a proxy trusts them. */
const ofProxies = [
  'cf-connecting-ip',
  'cf-connecting-ipv6',
  'client-ip',
  'fastly-client-ip',
  'forwarded',
  'front-end-https',
  'true-client-ip',
  'x-client-ip',
  'x-cluster-client-ip',
  'x-original-forwarded-for',
  'x-original-host',
  'x-real-ip',
  'x-url-scheme',
]
const ofProxiesBeginnings = [
  'x-forwarded-',
  'x-envoy-',
  'x-amzn-oidc-',
  'x-goog-iap-',
  'x-ms-client-principal',
]

/** Targets and methods that override the request's own: frameworks route by them, past a gateway's checks. */
const ofRouting = [
  'x-http-method',
  'x-http-method-override',
  'x-method-override',
  'x-original-method',
  'x-original-uri',
  'x-original-url',
  'x-rewrite-url',
]

/** The user, as authenticating proxies report it: a server behind such a proxy trusts these. */
const ofIdentity = [
  'authorization',
  'cookie',
  'cookie2',
  // CGI programs read it as HTTP_PROXY (CVE-2016-5385).
  'proxy',
  'remote-user',
  'ssl-client-cert',
  'x-client-cert',
  'x-remote-user',
  'x-ssl-cert',
]
const ofIdentityBeginnings = ['x-auth-request-', 'x-ssl-client-', 'ssl-client-']

/** The trace that the sender's request is part of: a destination's spans would join it, and its flags decide what is kept. */
const ofTracing = [
  'b3',
  'baggage',
  'newrelic',
  'sentry-trace',
  'traceparent',
  'tracestate',
  'uber-trace-id',
  'x-amzn-trace-id',
  'x-cloud-trace-context',
]
const ofTracingBeginnings = ['x-b3-', 'x-datadog-', 'uberctx-']

const dropped = new Set([...connectionHeaders, ...ofProxies, ...ofRouting, ...ofIdentity, ...ofTracing])
const droppedBeginnings = [
  ...ofProxiesBeginnings,
  ...ofIdentityBeginnings,
  ...ofTracingBeginnings,
  'fairlead-',
]

/** Header names that are remembered with their verdict: a source's senders use few. */
const maxNames = 500

/** Opens the policy of one source and one destination, to be kept while their settings stay: it remembers verdicts. */
export function openForwardPolicy(options: ForwardOptions): ForwardPolicy {
  const { scheme, forwardCredentials } = options
  const replaced = new Set([...options.replaced].map(name => name.toLowerCase()))
  const credentials = new Set(scheme.credentials)
  const connection = new Set(connectionHeaders)
  const verdicts = new Map<string, string>()

  function judge(received: string): string {
    const name = received.toLowerCase()
    if (replaced.has(name) || connection.has(name)) return ''
    if (credentials.has(name)) return forwardCredentials ? received : ''
    if (name.startsWith('webhook-')) return `fairlead-original-${name}`
    // Before the credentials, because Authorization may be a signature over the body (LiveKit).
    if (isSignature(scheme.signatures, name)) return received
    // CGI, WSGI and PHP turn dashes into underscores: fairlead_event_id would be Fairlead-Event-Id there.
    if (name.includes('_') || dropped.has(name)) return ''
    return droppedBeginnings.some(beginning => name.startsWith(beginning)) ? '' : received
  }

  return {
    secretHeaders: new Set([...replaced, ...credentials]),
    nameFor(received) {
      let verdict = verdicts.get(received)
      if (verdict === undefined) {
        verdict = judge(received)
        if (verdicts.size >= maxNames) verdicts.clear()
        verdicts.set(received, verdict)
      }
      return verdict === '' ? undefined : verdict
    },
  }
}

/** Whether the scheme declares this name a signature. Fairlead's own names are never signatures. */
function isSignature(signatures: readonly string[], name: string): boolean {
  return !name.startsWith('fairlead-') && signatures.includes(name)
}
