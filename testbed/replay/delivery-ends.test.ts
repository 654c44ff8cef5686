import { test } from 'vitest'
import { meetFates } from './fates.ts'

test('each delivery has one fate, whatever is asked for', { timeout: 180_000 }, () => meetFates(1))
