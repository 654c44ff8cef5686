import { startAtZero } from '@fairlead/daemon/metrics'
import { Counter, Histogram, type Registry } from 'prom-client'
import { type ProblemCode, problems } from './problem.ts'

/** Everything the API tells Prometheus. */
export interface ApiMetrics {
  readonly answerSeconds: Histogram<'operation' | 'status'>
  readonly refused: Counter<'code'>
}

export function openApiMetrics(registry: Registry): ApiMetrics {
  const registers = [registry]
  return {
    answerSeconds: new Histogram({
      name: 'fairlead_api_answer_seconds',
      help: 'From a request to its answer, by operation and HTTP status',
      labelNames: ['operation', 'status'],
      buckets: [0.002, 0.005, 0.01, 0.02, 0.05, 0.1, 0.2, 0.5, 1, 2, 5, 10],
      registers,
    }),
    refused: startAtZero(
      new Counter({
        name: 'fairlead_api_requests_refused_total',
        help: 'Requests answered with a problem, by its code',
        labelNames: ['code'],
        registers,
      }),
      { code: Object.keys(problems) as ProblemCode[] },
    ),
  }
}
