import type { Searched } from '@fairlead/wire/store/event'
import { z } from 'zod'
import { presentTimeOf, timeText } from './time.ts'

/** How far a list looked whose filter no index serves. */
export const searchedSchema = z
  .object({
    count: z.int().meta({ example: 10_000 }),
    until: timeText.meta({
      description:
        'Of the last that was looked at. What lies beyond (older in lists of the newest first) was not looked at yet: go on with `next`.',
    }),
  })
  .nullable()
  .meta({
    id: 'Searched',
    description:
      'How many were looked at, where the page ends before it is full. Null: the page is full, or all was looked at.',
  })

export const presentSearched = (searched: Searched | undefined): z.input<typeof searchedSchema> =>
  searched ? { count: searched.count, until: presentTimeOf(searched.until) } : null
