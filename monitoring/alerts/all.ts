import type { Alert } from './alert.ts'
import { deliveryAlerts } from './delivery.ts'
import { intakeAlerts } from './intake.ts'
import { objectiveAlerts } from './objectives.ts'
import { platformAlerts } from './platform.ts'
import { proberAlerts } from './prober.ts'

export interface AlertGroup {
  readonly name: string
  readonly alerts: readonly Alert[]
}

export const alertGroups: readonly AlertGroup[] = [
  { name: 'fairlead-intake', alerts: intakeAlerts },
  { name: 'fairlead-delivery', alerts: deliveryAlerts },
  { name: 'fairlead-platform', alerts: platformAlerts },
  { name: 'fairlead-prober', alerts: proberAlerts },
  { name: 'fairlead-objectives', alerts: objectiveAlerts },
]

export const allAlerts: readonly Alert[] = alertGroups.flatMap(({ alerts }) => alerts)
