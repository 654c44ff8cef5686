import { findScenario } from '../scenarios.ts'
import { scriptOf } from './script.ts'

const script = scriptOf(findScenario('ingest'))

export const options = script.options
export const teardown = script.teardown
export default script.run
