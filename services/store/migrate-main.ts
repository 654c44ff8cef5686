import { ConfigError, configExitCode, readConfig } from '@fairlead/daemon/config'
import { storeConfig } from './config.ts'
import { migrate } from './migrate.ts'

// The command `node services/store/migrate-main.ts` (in the image: `migrate`): brings the database at
// FAIRLEAD_POSTGRES_URL to the newest schema. Run it before new code starts; the store never does so itself.
try {
  const config = readConfig(storeConfig.pick({ FAIRLEAD_POSTGRES_URL: true }))
  await migrate(config.FAIRLEAD_POSTGRES_URL)
  console.log('the database has the newest schema')
} catch (error) {
  console.error(error instanceof Error ? error.message : error)
  process.exit(error instanceof ConfigError ? configExitCode : 1)
}
