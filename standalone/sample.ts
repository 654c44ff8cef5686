import { emptyFolder, mergeFolder } from '@fairlead/operator/files/merge'
import { readFirstFiles } from '@fairlead/operator/files/read-folder'
import {
  type Organization,
  type SecretDocument,
  slugOfOrganization,
} from '@fairlead/operator/organization/schema'
import { sampleRequest } from '@fairlead/webhook/sample-request'

/** A command that sends a signed webhook to an organization, if one in the folder has a source that it can sign for. */
export interface Sample {
  readonly curl: string | undefined
  readonly slug: string | undefined
}

/** Files that are searched for a source: a folder may hold thousands. */
const searchedFiles = 20

export async function readSample(folder: string, receiverUrl: string): Promise<Sample> {
  const texts = await readFirstFiles(folder, searchedFiles)
  const { organizations, secrets } = mergeFolder(emptyFolder, texts, new Map(), Date.now())
  return signedCurl(receiverUrl, organizations.values(), secrets) ?? { curl: undefined, slug: undefined }
}

/**
 * A curl that a GitHub source accepts, whenever it is pasted: GitHub signs no time. The delivery's id isn't signed
 * either; the shell makes a new one, so that every paste is a new event.
 */
export function signedCurl(
  receiverUrl: string,
  organizations: Iterable<Organization>,
  secrets: ReadonlyMap<string, SecretDocument>,
): { readonly curl: string; readonly slug: string } | undefined {
  for (const organization of organizations) {
    for (const source of organization.spec.sources) {
      const ref = source.provider === 'github' ? source.secrets[0]?.secretRef : undefined
      const secret =
        ref && secretValue(secrets.get(`${organization.metadata.namespace}/${ref.name}`), ref.key)
      if (!secret) continue
      const slug = slugOfOrganization(organization)
      const { headers, body } = sampleRequest('github', { secret, nowMs: 0, random: () => 0 })
      const arguments_ = Object.entries(headers).map(([name, value]) =>
        name === 'x-github-delivery'
          ? `-H "${name}: $(date +%s)-$$-$RANDOM"`
          : `-H ${quoted(`${name}: ${value}`)}`,
      )
      const command = [
        `curl ${receiverUrl}/webhooks/${slug}/${source.name}`,
        ...arguments_,
        `--data-binary ${quoted(Buffer.from(body).toString('utf8'))}`,
      ]
      return { slug, curl: command.join(' \\\n  ') }
    }
  }
  return undefined
}

function secretValue(secret: SecretDocument | undefined, key: string): string | undefined {
  const encoded = secret?.data[key]
  return secret?.stringData[key] ?? (encoded && Buffer.from(encoded, 'base64').toString('utf8'))
}

/** In single quotes, for a POSIX shell. */
function quoted(text: string): string {
  return `'${text.replaceAll("'", "'\\''")}'`
}
