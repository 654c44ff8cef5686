import { besiege } from './besiege.ts'

/** Five times what a quiet machine needs: an attack that gets through holds the victim up until its requests time out, after 15 s. */
besiege({ seconds: 2, generousMs: 5_000 })
