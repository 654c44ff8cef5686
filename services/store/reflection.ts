import {
  clone,
  create,
  createFileRegistry,
  type DescFile,
  type DescService,
  toBinary,
} from '@bufbuild/protobuf'
import { FileDescriptorProtoSchema } from '@bufbuild/protobuf/wkt'
import { Code, type ConnectRouter } from '@connectrpc/connect'
import {
  file_grpc_reflection_v1_reflection,
  ServerReflection,
  type ServerReflectionRequest,
  type ServerReflectionResponse,
  ServerReflectionResponseSchema,
} from '@fairlead/wire/grpc-reflection'

/**
 * gRPC server reflection, so that grpcurl needs no proto files: `v1`, and `v1alpha` (the same under an older name) for
 * clients that know only that. Describes the services given and itself, from the descriptors in the generated code.
 *
 * @param details files of messages that no call names, such as the details of errors
 */
export function serveReflection(
  router: ConnectRouter,
  services: readonly DescService[],
  details: readonly DescFile[],
): void {
  const described = [...services, ServerReflection]
  const files = collectFiles([...described.map(({ file }) => file), ...details])
  const symbols = collectSymbols(files.values())
  const answer = (request: ServerReflectionRequest): ServerReflectionResponse['messageResponse'] => {
    const { case: question, value } = request.messageRequest
    switch (question) {
      case 'listServices': {
        const service = described.map(({ typeName: name }) => ({ name }))
        return { case: 'listServicesResponse', value: { service } as never }
      }
      case 'fileByFilename':
        return fileResponse(files.get(value), value)
      case 'fileContainingSymbol':
        return fileResponse(symbols.get(value), value)
      case 'allExtensionNumbersOfType':
        return { case: 'allExtensionNumbersResponse', value: { baseTypeName: value } as never }
      default:
        return notFound('an extension')
    }
  }
  const implementation = {
    async *serverReflectionInfo(requests: AsyncIterable<ServerReflectionRequest>) {
      for await (const request of requests) {
        yield create(ServerReflectionResponseSchema, {
          validHost: request.host,
          originalRequest: request,
          messageResponse: answer(request),
        })
      }
    },
  }
  router.service(ServerReflection, implementation)
  router.service(alpha(), implementation as never)
}

function fileResponse(
  file: DescFile | undefined,
  asked: string,
): ServerReflectionResponse['messageResponse'] {
  if (!file) return notFound(asked)
  const needed = [...withImports(file, new Set())]
  const fileDescriptorProto = needed.map(({ proto }) => toBinary(FileDescriptorProtoSchema, proto))
  return { case: 'fileDescriptorResponse', value: { fileDescriptorProto } as never }
}

function notFound(asked: string): ServerReflectionResponse['messageResponse'] {
  const value = { errorCode: Code.NotFound, errorMessage: `not found: ${asked}` } as never
  return { case: 'errorResponse', value }
}

/** By name, as proto imports write it. */
function collectFiles(roots: readonly DescFile[]): Map<string, DescFile> {
  const files = new Set<DescFile>()
  for (const file of roots) withImports(file, files)
  return new Map([...files].map(file => [file.proto.name, file]))
}

function withImports(file: DescFile, seen: Set<DescFile>): Set<DescFile> {
  if (seen.has(file)) return seen
  for (const imported of file.dependencies) withImports(imported, seen)
  return seen.add(file)
}

/** Fully qualified names of services, methods, messages and enums, each with its file. */
function collectSymbols(files: Iterable<DescFile>): Map<string, DescFile> {
  const symbols = new Map<string, DescFile>()
  for (const file of files) {
    const messages = [...file.messages]
    for (let message = messages.pop(); message; message = messages.pop()) {
      symbols.set(message.typeName, file)
      messages.push(...message.nestedMessages)
      for (const { typeName } of message.nestedEnums) symbols.set(typeName, file)
    }
    for (const { typeName } of file.enums) symbols.set(typeName, file)
    for (const service of file.services) {
      symbols.set(service.typeName, file)
      for (const { name } of service.methods) symbols.set(`${service.typeName}.${name}`, file)
    }
  }
  return symbols
}

function alpha(): DescService {
  const proto = clone(FileDescriptorProtoSchema, file_grpc_reflection_v1_reflection.proto)
  const rename = (name: string) => name.replace('grpc.reflection.v1', 'grpc.reflection.v1alpha')
  proto.package = rename(proto.package)
  for (const message of proto.messageType)
    for (const field of message.field) field.typeName = rename(field.typeName)
  for (const method of proto.service.flatMap(service => service.method)) {
    method.inputType = rename(method.inputType)
    method.outputType = rename(method.outputType)
  }
  const service = createFileRegistry(proto, () => undefined).getService(
    'grpc.reflection.v1alpha.ServerReflection',
  )
  if (!service) throw new TypeError('the renamed file has the service')
  return service
}
