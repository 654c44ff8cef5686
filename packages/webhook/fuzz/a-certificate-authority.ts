import { execFileSync } from 'node:child_process'
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'

/** A certificate with its private key, both PEM. */
export interface Certified {
  readonly certificate: string
  readonly privateKey: string
}

export interface Wanted {
  readonly commonName: string
  /** DNS names; default none. */
  readonly names?: readonly string[]
  readonly isCa?: boolean
  /** The issuer that signs; default: self-signed. */
  readonly issuer?: Certified
  /** As openssl writes it: 20260101000000Z. Default: from 2020 to 2040. */
  readonly notBefore?: string
  readonly notAfter?: string
  /** Default rsa:2048. */
  readonly key?: 'rsa' | 'ec'
}

/** Makes a certificate with openssl, in a folder that is gone afterwards. */
export function aCertificate(wanted: Wanted): Certified {
  const folder = mkdtempSync(join(tmpdir(), 'fairlead-ca-'))
  const file = (name: string) => join(folder, name)
  const openssl = (...args: string[]) =>
    execFileSync('openssl', args, { stdio: ['ignore', 'pipe', 'ignore'] })
  try {
    const kind = wanted.key === 'ec' ? ['EC', 'ec_paramgen_curve:P-256'] : ['RSA', 'rsa_keygen_bits:2048']
    openssl('genpkey', '-algorithm', kind[0]!, '-pkeyopt', kind[1]!, '-out', file('key.pem'))
    openssl(
      'req',
      '-new',
      '-key',
      file('key.pem'),
      '-subj',
      `/CN=${wanted.commonName}`,
      '-out',
      file('csr.pem'),
    )
    writeFileSync(file('config'), configOf(wanted, folder))
    writeFileSync(file('index'), '')
    const issuer = wanted.issuer
    if (issuer) {
      writeFileSync(file('issuer.pem'), issuer.certificate)
      writeFileSync(file('issuer-key.pem'), issuer.privateKey)
    }
    const signer = issuer
      ? ['-cert', file('issuer.pem'), '-keyfile', file('issuer-key.pem')]
      : ['-selfsign', '-keyfile', file('key.pem')]
    openssl(
      ...['ca', '-batch', '-notext', '-config', file('config'), '-extensions', 'wanted'],
      ...['-in', file('csr.pem'), '-out', file('cert.pem'), ...signer],
      ...[
        '-startdate',
        wanted.notBefore ?? '20200101000000Z',
        '-enddate',
        wanted.notAfter ?? '20400101000000Z',
      ],
    )
    return {
      certificate: readFileSync(file('cert.pem'), 'utf8'),
      privateKey: readFileSync(file('key.pem'), 'utf8'),
    }
  } finally {
    rmSync(folder, { recursive: true })
  }
}

function configOf({ names = [], isCa = false }: Wanted, folder: string): string {
  return [
    '[ca]',
    'default_ca = ours',
    '[ours]',
    `database = ${folder}/index`,
    `new_certs_dir = ${folder}`,
    'default_md = sha256',
    'policy = any',
    'unique_subject = no',
    'rand_serial = yes',
    '[any]',
    'commonName = supplied',
    '[wanted]',
    `basicConstraints = critical,CA:${isCa ? 'TRUE' : 'FALSE'}`,
    ...(names.length > 0 ? [`subjectAltName = ${names.map(name => `DNS:${name}`).join(',')}`] : []),
    '',
  ].join('\n')
}
