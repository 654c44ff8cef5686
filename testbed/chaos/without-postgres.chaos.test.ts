import { test } from 'vitest'
import { withoutPostgres } from './without-postgres.ts'

test('a minute without PostgreSQL holds up neither accepting nor delivering', () => withoutPostgres(60_000))
