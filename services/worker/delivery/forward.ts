import type { SchemeHeaders } from '@fairlead/webhook/scheme-headers'

/**
 * Which of a received request's headers go on to a destination, and under which name. All do, but for these; the reasons
 * are in docs/headers.md.
 */
export interface ForwardPolicy {
  /** A header's name as it was received → the name it goes on with; undefined: it doesn't. */
  nameFor(received: string): string | undefined
}

export interface ForwardOptions {
  /** Of the event's source. */
  readonly scheme: SchemeHeaders
  /** Whether the credentials by which the source is verified go on too. */
  readonly forwardCredentials: boolean
  /** Names of headers that the destination's own settings give, in any letter case: those win. */
  readonly replaced: Iterable<string>
}

/** Of one connection (RFC 9110, 7.6.1), or made anew by the sender. */
const ofTheConnection = [
  'connection',
  'content-length',
  'expect',
  'host',
  'http2-settings',
  'keep-alive',
  'proxy-authenticate',
  'proxy-authorization',
  'proxy-connection',
  'te',
  'trailer',
  'transfer-encoding',
  'upgrade',
]

/** Whom the request seems to come from, as proxies and gateways tell those behind them. */
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

/** Another target or method than the request has: frameworks route by these, past what a gateway checked. */
const ofRouting = [
  'x-http-method',
  'x-http-method-override',
  'x-method-override',
  'x-original-method',
  'x-original-uri',
  'x-original-url',
  'x-rewrite-url',
]

/** Who the sender is, as authenticating proxies tell it: believed by what stands behind one. */
const ofIdentity = [
  'authorization',
  'cookie',
  'cookie2',
  // Read as HTTP_PROXY by what runs under CGI (CVE-2016-5385).
  'proxy',
  'remote-user',
  'ssl-client-cert',
  'x-client-cert',
  'x-remote-user',
  'x-ssl-cert',
]
const ofIdentityBeginnings = ['x-auth-request-', 'x-ssl-client-', 'ssl-client-']

const dropped = new Set([...ofTheConnection, ...ofProxies, ...ofRouting, ...ofIdentity])
const droppedBeginnings = [...ofProxiesBeginnings, ...ofIdentityBeginnings, 'fairlead-']

/** How many names are kept with their verdict: a source's senders use few. */
const maxNames = 500

/** One for a source and a destination, as long as their settings are the same: verdicts are kept in it. */
export function openForwardPolicy(options: ForwardOptions): ForwardPolicy {
  const { scheme, forwardCredentials } = options
  const replaced = new Set([...options.replaced].map(name => name.toLowerCase()))
  const credentials = new Set(scheme.credentials)
  const connection = new Set(ofTheConnection)
  const verdicts = new Map<string, string>()

  function judge(received: string): string {
    const name = received.toLowerCase()
    if (replaced.has(name) || connection.has(name)) return ''
    if (credentials.has(name)) return forwardCredentials ? received : ''
    if (name.startsWith('webhook-')) return `fairlead-original-${name}`
    // Authorization, say, where it is a signature over the body (LiveKit).
    if (isSignature(scheme.signatures, name)) return received
    // CGI, WSGI and PHP turn dashes into underscores: fairlead_event_id would be Fairlead-Event-Id there.
    if (name.includes('_') || dropped.has(name)) return ''
    return droppedBeginnings.some(beginning => name.startsWith(beginning)) ? '' : received
  }

  return {
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

/** A name of fairlead's own can't be had by calling it a signature. */
function isSignature(signatures: readonly string[], name: string): boolean {
  return !name.startsWith('fairlead-') && signatures.includes(name)
}
