import { execFile } from 'node:child_process'
import { mkdtemp, readFile, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { promisify } from 'node:util'
import {
  createFileRegistry,
  type DescEnum,
  type DescEnumValue,
  type DescField,
  type DescFile,
  type DescMessage,
  type DescMethod,
  type DescService,
  fromBinary,
} from '@bufbuild/protobuf'
import { FileDescriptorSetSchema, MethodOptions_IdempotencyLevel } from '@bufbuild/protobuf/wkt'

/**
 * The store's API as a page of documentation, from the comments of its proto: docs/store-api.md. A test compares the
 * page with what this writes.
 */
export async function documentStoreApi(): Promise<string> {
  const files = (await readFiles()).filter(file => file.proto.package === 'fairlead.store.v1')
  const services = files.flatMap(file => file.services)
  return [
    '# The store’s API',
    'Made from the proto files in `packages/wire/proto` by `npm run generate -w packages/wire`. gRPC over cleartext ' +
      'HTTP/2 on port 50051, private to the platform, with server reflection:',
    '```sh\ngrpcurl -plaintext localhost:50051 list\n' +
      'grpcurl -plaintext -d \'{"slug": "acme"}\' localhost:50051 fairlead.store.v1.OrganizationService/GetOrganization\n```',
    'Ids are text with their kind in front (`org_…`), times are UTC. *Repeatable* calls may be made again after ' +
      'UNAVAILABLE; the client in `packages/wire/store-client.ts` does so by itself. Every error that the store ' +
      'answers on purpose has an [ErrorDetail](#errordetail).',
    services
      .map(service => `- [${service.name}](#${service.name.toLowerCase()}): ${comment(service)}`)
      .join('\n'),
    ...files.flatMap(documentFile),
  ]
    .join('\n\n')
    .concat('\n')
}

async function readFiles(): Promise<DescFile[]> {
  const folder = await mkdtemp(join(tmpdir(), 'fairlead-proto-'))
  try {
    const image = join(folder, 'image.binpb')
    await promisify(execFile)('buf', ['build', '-o', image], {
      cwd: import.meta.dirname,
      env: {
        ...process.env,
        PATH: `${join(import.meta.dirname, '../../node_modules/.bin')}:${process.env.PATH}`,
      },
    })
    const registry = createFileRegistry(fromBinary(FileDescriptorSetSchema, await readFile(image)))
    return [...registry.files].sort((a, b) => (a.name < b.name ? -1 : 1))
  } finally {
    await rm(folder, { recursive: true })
  }
}

function documentFile(file: DescFile): string[] {
  return [
    ...file.services.flatMap(service => [
      `## ${service.name}`,
      comment(service),
      ...service.methods.map(documentMethod),
    ]),
    ...(file.services.length === 0 ? [`## ${file.name.split('/').at(-1)}`] : []),
    ...file.messages.map(documentMessage),
    ...file.enums.map(described => {
      const rows = described.values.map(value => [`\`${value.name}\``, comment(value)])
      return `### ${described.name}\n\n${comment(described)}\n\n${table(['value', ''], rows)}`
    }),
  ]
}

function documentMethod(method: DescMethod): string {
  const repeatable = method.idempotency !== MethodOptions_IdempotencyLevel.IDEMPOTENCY_UNKNOWN
  const types = `[${method.input.name}](#${method.input.name.toLowerCase()}) → [${method.output.name}](#${method.output.name.toLowerCase()})`
  return `**${method.name}** ${types}${repeatable ? ', repeatable' : ''}\n\n${comment(method)}`
}

function documentMessage(message: DescMessage): string {
  const rows = message.fields.map(field => [`\`${field.name}\``, typeOf(field), comment(field)])
  const fields = rows.length > 0 ? `\n\n${table(['field', 'type', ''], rows)}` : ''
  return `### ${message.name}\n\n${comment(message)}${fields}`
}

function typeOf(field: DescField): string {
  const single = singleType(field)
  if (field.fieldKind === 'list') return `list of ${single}`
  return field.proto.proto3Optional ? `${single}, optional` : single
}

function singleType(field: DescField): string {
  if (field.message) {
    const { name, file } = field.message
    return file.proto.package === 'fairlead.store.v1' ? `[${name}](#${name.toLowerCase()})` : name
  }
  if (field.enum) return `[${field.enum.name}](#${field.enum.name.toLowerCase()})`
  return scalarNames[field.proto.type as keyof typeof scalarNames] ?? 'unknown'
}

/** By the numbers of google.protobuf.FieldDescriptorProto.Type. */
const scalarNames = {
  1: 'double',
  4: 'uint64',
  5: 'int32',
  8: 'bool',
  9: 'string',
  12: 'bytes',
  13: 'uint32',
} as const

type Described = DescService | DescMethod | DescMessage | DescField | DescEnum | DescEnumValue

/** The comment above a declaration, as one paragraph each; a diagram in it (indented lines) as a block. */
function comment(described: Described): string {
  const [file, path] = placeOf(described)
  const location = file.proto.sourceCodeInfo?.location.find(({ path: of }) => of.join() === path.join())
  const text = (location?.leadingComments ?? '').replace(/^ /gm, '').trimEnd()
  return text
    .split(/\n\s*\n/)
    .map(part => (/^\s{2,}\S/.test(part) ? `\`\`\`\n${part}\n\`\`\`` : part.replaceAll('\n', ' ').trim()))
    .join('\n\n')
}

/** Where a declaration stands in its file's descriptor: field numbers and indexes, as in SourceCodeInfo.Location. */
function placeOf(described: Described): [DescFile, number[]] {
  switch (described.kind) {
    case 'message':
      return [described.file, [4, described.file.messages.indexOf(described)]]
    case 'enum':
      return [described.file, [5, described.file.enums.indexOf(described)]]
    case 'service':
      return [described.file, [6, described.file.services.indexOf(described)]]
    case 'field':
      return within(described.parent, 2, described.parent.fields.indexOf(described))
    case 'enum_value':
      return within(described.parent, 2, described.parent.values.indexOf(described))
    case 'rpc':
      return within(described.parent, 2, described.parent.methods.indexOf(described))
  }
}

function within(parent: Described, list: number, index: number): [DescFile, number[]] {
  const [file, path] = placeOf(parent)
  return [file, [...path, list, index]]
}

function table(head: string[], rows: string[][]): string {
  const line = (cells: string[]) => `| ${cells.map(cell => cell.replaceAll('|', '\\|')).join(' | ')} |`
  return [line(head), line(head.map(() => '---')), ...rows.map(line)].join('\n')
}
