type Run = (args: readonly string[]) => Promise<number>

interface Command {
  readonly summary: string
  /** Loaded only when asked for: `verify` needs no gRPC, `providers` no YAML. */
  readonly load: () => Promise<Run>
}

/** The commands, in the order of the help. */
export const commands: ReadonlyMap<string, Command> = new Map<string, Command>([
  [
    'verify',
    {
      summary: 'check a request’s signature, or a file of vectors',
      load: async () => (await import('./verify.ts')).verify,
    },
  ],
  [
    'explain',
    { summary: 'say why a request was refused', load: async () => (await import('./explain.ts')).explain },
  ],
  [
    'providers',
    {
      summary: 'list the providers, or say all about one',
      load: async () => (await import('./providers.ts')).providers,
    },
  ],
  [
    'scheme',
    { summary: 'test a scheme of your own', load: async () => (await import('./scheme.ts')).scheme },
  ],
  [
    'send',
    {
      summary: 'post a realistic webhook, signed as its provider would',
      load: async () => (await import('./send.ts')).send,
    },
  ],
  ['events', { summary: 'the event log', load: async () => (await import('./events.ts')).events }],
  ['tail', { summary: 'events as they come and change', load: async () => (await import('./tail.ts')).tail }],
  ['retry', { summary: 'deliver an event again', load: async () => (await import('./retry.ts')).retry }],
  [
    'deliveries',
    {
      summary: 'deliveries that wait: list, try now, give up',
      load: async () => (await import('./deliveries.ts')).deliveries,
    },
  ],
  [
    'replay',
    { summary: 'deliver many events again', load: async () => (await import('./replay.ts')).replay },
  ],
  [
    'retries',
    {
      summary: 'try many dead letters again, as they were shown',
      load: async () => (await import('./retries.ts')).retries,
    },
  ],
  [
    'issues',
    { summary: 'what fails, grouped by its cause', load: async () => (await import('./issues.ts')).issues },
  ],
  [
    'billing',
    {
      summary: 'who pays for what: the ledger, its figures and repairs',
      load: async () => (await import('./billing/billing.ts')).billing,
    },
  ],
  ['export', { summary: 'events as a file', load: async () => (await import('./export.ts')).exportEvents }],
  [
    'dead-letters',
    {
      summary: 'deliveries that were given up',
      load: async () => (await import('./dead-letters.ts')).deadLetters,
    },
  ],
  [
    'destinations',
    {
      summary: 'where events go: list, make, change, pause, resume',
      load: async () => (await import('./destinations.ts')).destinations,
    },
  ],
  [
    'sources',
    {
      summary: 'where webhooks come in: list, make, change, rotate secrets',
      load: async () => (await import('./sources.ts')).sources,
    },
  ],
  ['routes', { summary: 'which events go where', load: async () => (await import('./routes.ts')).routes }],
  [
    'organizations',
    {
      summary: 'tenants of the platform, and their quotas',
      load: async () => (await import('./organizations.ts')).organizations,
    },
  ],
  [
    'rejections',
    { summary: 'requests that were refused', load: async () => (await import('./rejections.ts')).rejections },
  ],
  ['login', { summary: 'sign this machine in as you', load: async () => (await import('./login.ts')).login }],
  ['logout', { summary: 'end what login began', load: async () => (await import('./login.ts')).logout }],
  [
    'whoami',
    {
      summary: 'who the API takes you for, and what you may do',
      load: async () => (await import('./whoami.ts')).whoami,
    },
  ],
  [
    'members',
    {
      summary: 'people of an organization: list, invite, change, remove',
      load: async () => (await import('./members.ts')).members,
    },
  ],
  [
    'keys',
    {
      summary: 'API keys: list, make, rotate, revoke',
      load: async () => (await import('./keys.ts')).keys,
    },
  ],
  [
    'notifications',
    {
      summary: 'where an organization is told of what happens to it',
      load: async () => (await import('./notifications.ts')).notifications,
    },
  ],
  [
    'audit',
    {
      summary: 'who changed what, and whether the log is what was written',
      load: async () => (await import('./audit.ts')).audit,
    },
  ],
  [
    'seed',
    {
      summary: 'fill the log with a believable fortnight',
      load: async () => (await import('./seed.ts')).seed,
    },
  ],
])

export const commandNames: readonly string[] = [...commands.keys()]
