import { HelpAsked, usageFault } from '../arguments.ts'
import { CommandError } from '../command-error.ts'
import { type Resource, sourcesOf } from '../declared-source.ts'
import { reported, runCommand } from '../run-command.ts'
import type { Senders } from '../send.ts'
import { offlineCommands, type PluginArguments, readPluginArguments, usage } from './arguments.ts'
import {
  findOrganization,
  findService,
  type OrganizationResource,
  type Part,
  readApiKey,
  readSecret,
  slugOf,
} from './find.ts'
import { type Kubectl, openKubectl } from './kubectl.ts'
import { openPortForward, type PortForward } from './port-forward.ts'

/**
 * `kubectl fairlead …`: the same commands, on the Fairlead of the current context.
 *
 *   context ─▶ Organization ─▶ its API key ─▶ Service ─▶ port-forward ─▶ the command
 *
 * @param env is told the API's URL, the key and the organization's slug, as commands read them. Only this process knows:
 * they stand in no argument, and no kubectl is started with them
 * @returns the exit code
 */
export async function runPlugin(args: readonly string[], env: NodeJS.ProcessEnv): Promise<number> {
  return await reported(async () => {
    const asked = readPluginArguments(args)
    const [name] = asked.command
    if (name === undefined) throw usageFault(usage, 'Which command? kubectl fairlead help lists them')
    if (name === '--help' || name === '-h') throw new HelpAsked(usage)
    if (offlineCommands.has(name) || asked.command.some(arg => arg === '--help' || arg === '-h')) {
      return await runCommand(asked.command)
    }
    if (name === 'seed') {
      throw new CommandError(
        'seed writes to the store, which nobody outside of Fairlead reaches: it is for npm start',
      )
    }
    const kubectl = await openKubectl(asked.kubectl, { ...env })
    const namespace = asked.namespace ?? kubectl.namespace
    const organization = await findOrganization(
      kubectl,
      namespace,
      asked.organization ?? env.FAIRLEAD_ORGANIZATION,
    )
    return name === 'send'
      ? await sendThrough(kubectl, organization, asked, env)
      : await askThrough(kubectl, organization, asked, env)
  })
}

async function askThrough(
  kubectl: Kubectl,
  organization: OrganizationResource,
  asked: PluginArguments,
  env: NodeJS.ProcessEnv,
): Promise<number> {
  const key = await readApiKey(kubectl, organization)
  // Not $FAIRLEAD_API_URL: that may be of another Fairlead, which this key is nothing for.
  await using way = asked.url === undefined ? await openWay(kubectl, 'api', asked, env) : undefined
  env.FAIRLEAD_API_URL = way?.origin ?? asked.url
  env.FAIRLEAD_API_KEY = key
  env.FAIRLEAD_ORGANIZATION = slugOf(organization)
  return await runCommand(asked.command)
}

/** Signs with the secrets that the Organization's sources name, and posts to the receivers. */
async function sendThrough(
  kubectl: Kubectl,
  organization: OrganizationResource,
  asked: PluginArguments,
  env: NodeJS.ProcessEnv,
): Promise<number> {
  const secrets = await readSecrets(kubectl, organization)
  await using way = await openWay(kubectl, 'receiver', asked, env)
  const senders: Senders = {
    origin: way.origin,
    place: `the Organization ${organization.metadata.namespace}/${organization.metadata.name}`,
    sources: () => sourcesOf([organization, ...secrets]),
  }
  const { send } = await import('../send.ts')
  return await send(asked.command.slice(1), senders)
}

async function readSecrets(
  kubectl: Kubectl,
  organization: OrganizationResource,
): Promise<readonly Resource[]> {
  const { namespace } = organization.metadata
  const refs = (organization.spec?.sources ?? []).map(({ secrets }) => secrets?.[0]?.secretRef?.name)
  const names = [...new Set(refs.filter(name => name !== undefined))]
  const missing = (name: string) => `The Secret ${namespace}/${name} of a source isn't there`
  const found = names.map(name => readSecret(kubectl, namespace, name, missing(name)))
  return (await Promise.all(found)).map(secret => ({ ...secret, kind: 'Secret' }))
}

async function openWay(
  kubectl: Kubectl,
  part: Part,
  { fairleadNamespace }: PluginArguments,
  env: NodeJS.ProcessEnv,
): Promise<PortForward> {
  const service = await findService(kubectl, part, fairleadNamespace ?? env.FAIRLEAD_NAMESPACE)
  return await openPortForward(kubectl, service)
}
