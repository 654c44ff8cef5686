import { test } from 'vitest'
import { endDeliveries } from './delivery-ends.ts'

test('a delivery ends twice or never, whatever is asked for', { timeout: 240_000 }, () => endDeliveries(1))
