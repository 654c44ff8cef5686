import { writeFile } from 'node:fs/promises'
import { documentStoreApi } from './document-proto.ts'

// Part of `npm run generate`.
await writeFile(new URL('../../docs/store-api.md', import.meta.url), await documentStoreApi())
