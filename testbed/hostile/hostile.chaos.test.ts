import { besiege } from './besiege.ts'

/** `FAIRLEAD_SIEGE_SECONDS` says for how long each attack is watched. */
besiege({ seconds: Number(process.env.FAIRLEAD_SIEGE_SECONDS ?? 20), generousMs: 1_500 })
