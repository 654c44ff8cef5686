/** A delivery whose attempt has started, or that was parked. `done` resolves when all that follows from it is stored. */
export interface Begun {
  readonly done: Promise<unknown>
}
