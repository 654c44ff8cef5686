import { execFile } from 'node:child_process'
import { generateKeyPairSync } from 'node:crypto'
import { mkdir, readFile, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { promisify } from 'node:util'

/** How long a cluster's certificates hold, days: longer than any test. */
const days = '30'
const nodes = ['n1', 'n2']

/**
 * A throwaway certificate authority, and certificates and kubeconfigs for everyone in the cluster: files `NAME.crt`,
 * `NAME.key` and `NAME.conf`. Node has no way to make a certificate, so openssl does. About half a second.
 * @returns their folder
 */
export async function makeCertificates(folder: string): Promise<string> {
  await mkdir(folder, { recursive: true, mode: 0o700 })
  const make = (name: string, subject: string, extensions: readonly string[], authority?: string) =>
    certify(folder, name, subject, extensions, authority)
  const isAuthority = ['basicConstraints=critical,CA:true', 'keyUsage=critical,keyCertSign,digitalSignature']
  const client = ['extendedKeyUsage=clientAuth']

  await Promise.all([
    make('ca', '/CN=cluster', isAuthority),
    make('front-proxy-ca', '/CN=front-proxy-ca', isAuthority),
  ])
  const service = ['kubernetes', 'kubernetes.default', 'kubernetes.default.svc', 'localhost']
  const names = [...service, 'kubernetes.default.svc.cluster.local'].map(name => `DNS:${name}`)
  const addresses = ['10.96.0.1', '172.30.0.1', '127.0.0.1'].map(address => `IP:${address}`)
  await Promise.all([
    make(
      'apiserver',
      '/CN=kube-apiserver',
      ['extendedKeyUsage=serverAuth', `subjectAltName=${[...names, ...addresses].join(',')}`],
      'ca',
    ),
    make('apiserver-kubelet', '/O=system:masters/CN=apiserver-kubelet', client, 'ca'),
    make('front-proxy', '/CN=front-proxy', client, 'front-proxy-ca'),
    make('admin', '/O=system:masters/CN=admin', client, 'ca'),
    make('controller-manager', '/CN=system:kube-controller-manager', client, 'ca'),
    make('scheduler', '/CN=system:kube-scheduler', client, 'ca'),
    make('proxy', '/CN=system:kube-proxy', client, 'ca'),
    // A kubelet is a client of the API server, and a server to it.
    ...nodes.map((node, index) =>
      make(
        `kubelet-${node}`,
        `/O=system:nodes/CN=system:node:${node}`,
        ['extendedKeyUsage=clientAuth,serverAuth', `subjectAltName=DNS:${node},IP:172.30.0.${index + 1}`],
        'ca',
      ),
    ),
  ])
  for (const who of ['admin', 'controller-manager', 'scheduler', 'proxy', 'kubelet-n1', 'kubelet-n2']) {
    await writeKubeconfig(folder, who)
  }
  const account = generateKeyPairSync('rsa', {
    modulusLength: 2048,
    privateKeyEncoding: { type: 'pkcs8', format: 'pem' },
    publicKeyEncoding: { type: 'spki', format: 'pem' },
  })
  await writeFile(join(folder, 'accounts.key'), account.privateKey, { mode: 0o600 })
  await writeFile(join(folder, 'accounts.pub'), account.publicKey)
  return folder
}

/** Signed by `authority`, or by itself. */
async function certify(
  folder: string,
  name: string,
  subject: string,
  extensions: readonly string[],
  authority?: string,
): Promise<void> {
  const signer = authority ? ['-CA', `${authority}.crt`, '-CAkey', `${authority}.key`] : []
  const leaf = ['basicConstraints=CA:false', 'keyUsage=critical,digitalSignature']
  await promisify(execFile)(
    'openssl',
    [
      ...['req', '-x509', '-newkey', 'ec', '-pkeyopt', 'ec_paramgen_curve:P-256', '-noenc', '-days', days],
      // An empty configuration: the machine's own would add extensions that are added here too.
      ...[
        '-config',
        '/dev/null',
        '-subj',
        subject,
        '-keyout',
        `${name}.key`,
        '-out',
        `${name}.crt`,
        ...signer,
      ],
      ...[...(authority ? leaf : []), ...extensions].flatMap(extension => ['-addext', extension]),
    ],
    { cwd: folder },
  )
}

async function writeKubeconfig(folder: string, who: string): Promise<void> {
  const base64 = async (file: string) => (await readFile(join(folder, file))).toString('base64')
  const config = {
    apiVersion: 'v1',
    kind: 'Config',
    clusters: [
      {
        name: 'test',
        cluster: {
          server: 'https://172.30.0.1:6443',
          'certificate-authority-data': await base64('ca.crt'),
        },
      },
    ],
    users: [
      {
        name: who,
        user: {
          'client-certificate-data': await base64(`${who}.crt`),
          'client-key-data': await base64(`${who}.key`),
        },
      },
    ],
    contexts: [{ name: 'test', context: { cluster: 'test', user: who } }],
    'current-context': 'test',
  }
  await writeFile(join(folder, `${who}.conf`), JSON.stringify(config), { mode: 0o600 })
}
