import { ConfigError, configExitCode, readConfig } from '@fairlead/daemon/config'
import { openKeyring } from '@fairlead/wire/seal'
import { storeConfig } from './config.ts'
import { openPool } from './postgres.ts'
import { reencrypt } from './reencrypt.ts'

// The command `node services/store/reencrypt-main.ts`: seals all secrets with the newest of FAIRLEAD_ENCRYPTION_KEYS.
// To rotate: put the new key first and keep the old ones, restart all parts, run this, take the old keys away a minute
// later. Safe to stop and to repeat.
try {
  const wanted = storeConfig.pick({ FAIRLEAD_POSTGRES_URL: true, FAIRLEAD_ENCRYPTION_KEYS: true })
  const config = readConfig(wanted)
  {
    await using opened = openPool(config.FAIRLEAD_POSTGRES_URL, 1)
    const { pool } = opened
    const sealed = await reencrypt(pool, openKeyring(config.FAIRLEAD_ENCRYPTION_KEYS))
    console.log(`${sealed} secrets sealed with the newest key; all others were already`)
  }
} catch (error) {
  console.error(error instanceof Error ? error.message : error)
  process.exit(error instanceof ConfigError ? configExitCode : 1)
}
