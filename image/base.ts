import { execFile } from 'node:child_process'
import { existsSync } from 'node:fs'
import { dirname, join } from 'node:path'
import { promisify } from 'node:util'
import type { Entry } from './layer.ts'

/** `nonroot` of distroless images: the Dockerfile's USER. */
const userId = 65_532

const passwd = `root:x:0:0:root:/root:/sbin/nologin
nonroot:x:${userId}:${userId}:nonroot:/home/nonroot:/sbin/nologin
`
const group = `root:x:0:
nonroot:x:${userId}:
`

/**
 * What stands in for the Dockerfile's base image, made from this machine: the libraries that Node names, glibc's own
 * modules for names and users (which it loads by name when it needs them), and the few files of /etc that programs
 * expect. Like distroless' cc image, without its time zones.
 * @param node the Node binary
 * @throws TypeError on a machine that isn't Linux with glibc
 */
export async function baseEntries(node: string): Promise<Entry[]> {
  if (process.platform !== 'linux') {
    throw new TypeError("the image is made from this machine's libraries: it needs Linux; use docker build")
  }
  const { stdout } = await promisify(execFile)('ldd', [node])
  const libraries = stdout.match(/\/\S+/g) ?? []
  const libc = libraries.find(path => path.endsWith('/libc.so.6'))
  if (libc === undefined) throw new TypeError('the image needs a machine with glibc; use docker build')
  const modules = ['libnss_files.so.2', 'libnss_dns.so.2', 'libresolv.so.2'].map(name =>
    join(dirname(libc), name),
  )
  return [
    ...[...new Set([...libraries, ...modules])].map(
      (path): Entry => ({ kind: 'file', path: path.slice(1), from: path, mode: 0o755 }),
    ),
    { kind: 'text', path: 'etc/passwd', text: passwd, mode: 0o644 },
    { kind: 'text', path: 'etc/group', text: group, mode: 0o644 },
    { kind: 'text', path: 'etc/nsswitch.conf', text: 'hosts: files dns\n', mode: 0o644 },
    {
      kind: 'file',
      path: 'etc/ssl/certs/ca-certificates.crt',
      from: certificates(),
      mode: 0o644,
    },
    { kind: 'directory', path: 'home/nonroot', mode: 0o700, owner: userId },
    { kind: 'directory', path: 'tmp', mode: 0o1777 },
    ...['proc', 'sys', 'dev', 'run'].map((path): Entry => ({ kind: 'directory', path, mode: 0o755 })),
  ]
}

/** Where Debian and Alpine, and where Fedora keep the list of authorities that they trust. */
function certificates(): string {
  const places = ['/etc/ssl/certs/ca-certificates.crt', '/etc/pki/tls/certs/ca-bundle.crt']
  const found = places.find(path => existsSync(path))
  if (found === undefined) throw new TypeError(`the image needs CA certificates: ${places.join(' or ')}`)
  return found
}
