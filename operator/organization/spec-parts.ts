import { destinationOf } from '@fairlead/wire/declared/destination'
import { secretRef } from '@fairlead/wire/declared/field'
import { sourceOf } from '@fairlead/wire/declared/source'
import { z } from 'zod'

/** Sources and destinations as a resource declares them: their secrets are keys of Secrets beside it. */

export const source = sourceOf(z.strictObject({ secretRef }))

export const destination = destinationOf({
  basic: { passwordRef: secretRef },
  bearer: { tokenRef: secretRef },
  mtls: { certificateRef: secretRef, keyRef: secretRef },
  oauth2: { clientSecretRef: secretRef },
  header: { secretRef },
})

export type SourceSpec = z.output<typeof source>
export type DestinationSpec = z.output<typeof destination>
