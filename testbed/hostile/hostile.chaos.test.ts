import { besiege } from './besiege.ts'

/** `FAIRLEAD_SIEGE_SECONDS` says for how long each attack is watched. */
besiege(Number(process.env.FAIRLEAD_SIEGE_SECONDS ?? 20))
