import { add } from './state.ts'

type Tags = Readonly<Record<string, string>>

/** As `k6/metrics`. */
class Metric {
  readonly #name: string

  constructor(name: string, _isTime?: boolean) {
    this.#name = name
  }

  add(value: number | boolean, tags?: Tags): void {
    add(this.#name, Number(value), tags)
  }
}

export { Metric as Counter, Metric as Rate, Metric as Trend }
