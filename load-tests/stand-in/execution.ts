import { running } from './state.ts'

/** As `k6/execution`. */
export const scenario = running
