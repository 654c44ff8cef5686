/**
 * What the image's first argument may be, and what then runs; what follows it are the part's own arguments. Only the
 * part that was asked for is loaded.
 */
export const parts: Readonly<Record<string, { does: string; load: () => Promise<unknown> }>> = {
  receiver: { does: 'takes webhooks in', load: () => import('@fairlead/receiver/main') },
  worker: { does: 'delivers them', load: () => import('@fairlead/worker/main') },
  store: { does: 'owns the database, answers gRPC', load: () => import('@fairlead/store/main') },
  api: { does: 'answers REST', load: () => import('@fairlead/api/main') },
  prober: { does: 'sends webhooks to itself, for ever', load: () => import('@fairlead/prober/main') },
  operator: { does: 'reconciles Organizations', load: () => import('@fairlead/operator/main') },
  migrate: {
    does: 'brings the database to the newest schema, then ends',
    load: () => import('@fairlead/store/migrate-main'),
  },
  reencrypt: {
    does: 'seals all secrets with the newest encryption key, then ends',
    load: () => import('@fairlead/store/reencrypt-main'),
  },
  cli: { does: 'is the command fairlead', load: () => import('@fairlead/cli/main.ts') },
}

/** What to say to an argument that names no part. */
export function usage(argument: string | undefined): string {
  const width = Math.max(...Object.keys(parts).map(name => name.length))
  const lines = Object.entries(parts).map(([name, { does }]) => `  ${name.padEnd(width)}  ${does}`)
  const fault = argument === undefined ? 'Name a part' : `There is no part ${JSON.stringify(argument)}`
  return `${fault}. The first argument is one of:\n${lines.join('\n')}`
}
