import { usageFault } from '../arguments.ts'

export const usage = `kubectl fairlead [--context C] [-n NAMESPACE] COMMAND … [--help]

The fairlead command, on the Fairlead of the current context: it finds the API's
Service, reaches it by a port-forward on this machine's loopback, and takes the
API key from the Secret of the Organization. kubectl fairlead help lists the
commands.

  --context C            a context of the kubeconfig; default: the current one
  --kubeconfig FILE      default: kubectl's own
  -n, --namespace N      where the Organization is; default: the context's (-n
                         only before COMMAND: after it, it is a count)
  --fairlead-namespace N where Fairlead is; default $FAIRLEAD_NAMESPACE, else it
                         is looked for
  -o, --organization O   the Organization's name or slug; default
                         $FAIRLEAD_ORGANIZATION, else the only one there is
  --url URL              the API, where it has an address: no port-forward then

You need to read the Organization and its Secret NAME-fairlead, and, without
--url, Services and pods/portforward in Fairlead's namespace.`

/** A command line, taken apart. */
export interface PluginArguments {
  /** Flags that kubectl itself understands, as it takes them. */
  readonly kubectl: readonly string[]
  readonly namespace: string | undefined
  readonly fairleadNamespace: string | undefined
  readonly organization: string | undefined
  readonly url: string | undefined
  /** The name of the command, and all that is for it. */
  readonly command: readonly string[]
}

/** Commands that ask nobody: what stands behind their name is theirs alone. */
export const offlineCommands: ReadonlySet<string> = new Set([
  'verify',
  'explain',
  'providers',
  'scheme',
  'help',
])

const flags = {
  '--context': 'context',
  '--kubeconfig': 'kubeconfig',
  '--namespace': 'namespace',
  '--fairlead-namespace': 'fairleadNamespace',
  '--organization': 'organization',
  '-o': 'organization',
  '--url': 'url',
} as const
type Name = (typeof flags)[keyof typeof flags]

/**
 * Takes out what is for the plugin, before the command and behind it.
 * @throws CommandError for a flag without its value, or an unknown one before the command
 */
export function readPluginArguments(args: readonly string[]): PluginArguments {
  const found: { [name in Name]?: string } = {}
  const command: string[] = []
  for (let i = 0; i < args.length; i++) {
    const arg = args[i]!
    const equals = arg.startsWith('--') ? arg.indexOf('=') : -1
    const flag = equals < 0 ? arg : arg.slice(0, equals)
    const name = nameOf(flag, command[0])
    if (name === undefined) {
      if (command.length === 0 && arg.startsWith('-') && !/^(-h|--help)$/.test(arg)) {
        throw usageFault(usage, `Unknown option '${arg}'`)
      }
      command.push(arg)
      continue
    }
    const value = equals < 0 ? args[++i] : arg.slice(equals + 1)
    if (!value) throw usageFault(usage, `${flag} takes a value`)
    found[name] = value
  }
  const { context, kubeconfig } = found
  return {
    kubectl: [
      ...(context === undefined ? [] : [`--context=${context}`]),
      ...(kubeconfig === undefined ? [] : [`--kubeconfig=${kubeconfig}`]),
    ],
    namespace: found.namespace,
    fairleadNamespace: found.fairleadNamespace,
    organization: found.organization,
    url: found.url,
    command,
  }
}

/** Which flag of ours this is; undefined: it is the command's. */
function nameOf(flag: string, command: string | undefined): Name | undefined {
  if (command === undefined && flag === '-n') return 'namespace'
  if (command !== undefined && offlineCommands.has(command)) return undefined
  // The address that send posts to.
  if (command === 'send' && flag === '--url') return undefined
  return flag in flags ? flags[flag as keyof typeof flags] : undefined
}
