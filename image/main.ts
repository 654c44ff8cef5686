import { parts, usage } from './parts.ts'

// The image's entrypoint: runs the part that the first argument names. 64 is EX_USAGE of sysexits.h.
const name = process.argv[2]
const part = name !== undefined && Object.hasOwn(parts, name) ? parts[name] : undefined
if (part) {
  // A part finds its own arguments where it does without this entrypoint.
  process.argv.splice(2, 1)
  await part.load()
} else {
  console.error(usage(name))
  process.exitCode = 64
}
