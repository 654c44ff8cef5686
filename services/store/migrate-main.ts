import { migrate } from './migrate.ts'

// The command `node services/store/migrate-main.ts`: brings the database at FAIRLEAD_POSTGRES_URL to the newest
// schema. Run it before new code starts; the store never does so itself.
const { FAIRLEAD_POSTGRES_URL: databaseUrl } = process.env
if (!databaseUrl) {
  console.error('FAIRLEAD_POSTGRES_URL is not set: postgres://role:password@host/database')
  process.exit(78)
}
try {
  await migrate(databaseUrl)
  console.log('the database has the newest schema')
} catch (error) {
  console.error(error instanceof Error ? error.message : error)
  process.exit(1)
}
