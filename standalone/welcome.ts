import { relative } from 'node:path'

/** The text that is printed when everything runs. */
export interface Welcome {
  readonly receiverUrl: string
  readonly apiUrl: string
  readonly metricsUrl: string
  readonly storeUrl: string
  readonly echoUrl: string
  /** Undefined: nobody signs in here. */
  readonly signInUrl: string | undefined
  /** As a person would write them here. */
  readonly home: string
  readonly organizations: string
  /** A command that sends a signed webhook; undefined if no Organization has a source for it. */
  readonly curl: string | undefined
  /** The organization that it sends to. */
  readonly slug: string | undefined
}

/** What k8s/samples/acme.yaml posts to. */
const samplesPort = 8082

export function welcomeText(welcome: Welcome): string {
  const { receiverUrl, apiUrl, metricsUrl, storeUrl, echoUrl, home, organizations, curl, slug } = welcome
  const moved = !echoUrl.endsWith(`:${samplesPort}`)
  const lines = [
    '',
    `  webhooks        ${receiverUrl}/webhooks/{organization}/{source}`,
    `  console         ${apiUrl}/`,
    `  API             ${apiUrl}/api/v1`,
    `  its document    ${apiUrl}/docs`,
    `  store (gRPC)    ${storeUrl}`,
    `  health          ${metricsUrl}/readyz`,
    `  metrics         ${metricsUrl}/metrics`,
    `  destinations    ${echoUrl}${moved ? `; the samples say ${samplesPort}: change their url` : ''}`,
    `  organizations   ${organizations}`,
    `  platform key    ${home}/admin-key`,
    `  logs            ${home}/logs`,
    '',
  ]
  if (curl && slug) {
    const key = `"authorization: Bearer $(cat ${home}/admin-key)"`
    lines.push(
      'Send a webhook, signed as GitHub would:',
      '',
      indent(curl),
      '',
      'and find it in the log:',
      '',
      `  curl -H ${key} '${apiUrl}/api/v1/organizations/${slug}/events'`,
      '',
    )
  } else {
    lines.push(`No Organization in ${organizations} has a GitHub source to try: see k8s/samples.`, '')
  }
  if (welcome.signInUrl) {
    lines.push(
      'Sign in as the owner of this platform, once, within 15 minutes:',
      '',
      `  ${welcome.signInUrl}`,
      '',
      `Mails to people are shown at ${apiUrl}/auth/mails`,
      '',
    )
  }
  lines.push('Fairlead is ready')
  return lines.join('\n')
}

function indent(text: string): string {
  return text.replaceAll(/^/gm, '  ')
}

/** A path as short as a person would write it, if it lies below this folder. */
export function shortPath(path: string, from: string): string {
  const short = relative(from, path)
  return short && !short.startsWith('..') ? short : path
}
