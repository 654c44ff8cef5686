/** Where a delivery stands once it has found its place; `done` is when all that follows from it is stored. */
export interface Placed {
  readonly done: Promise<unknown>
}
