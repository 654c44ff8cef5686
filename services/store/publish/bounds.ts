/** Bytes of an organization's configuration: receivers and workers hold that of all organizations, and parse one whole at each of its changes. */
export const mostConfigBytes = 2 * 1024 ** 2

/** Stars in the event types of all routes of an organization. For each, and each of 32 types, a worker searches a new event's type. */
export const mostStars = 2_000

export const starsOf = (eventTypes: readonly string[]): number =>
  eventTypes.reduce((sum, glob) => sum + glob.split('*').length - 1, 0)
