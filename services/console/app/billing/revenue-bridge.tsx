import { Link, useSearch } from '@tanstack/react-router'
import { ScrollX } from '../parts/scroll-x.tsx'
import { Amount } from './amount.tsx'
import { type CurrencyDays, sumOf } from './revenue-days.ts'

/** Start, movements and end: the sum is right to the minor unit. */
export function Bridge({ sum }: { readonly sum: NonNullable<ReturnType<typeof sumOf>> }) {
  return (
    <ScrollX label="What moved recurring revenue">
      <table className="plain">
        <caption className="visually-hidden">What moved recurring revenue</caption>
        <thead>
          <tr>
            <th scope="col">Beginning</th>
            {sum.movements.map(({ label, sign }) => (
              <th key={label} scope="col">
                {sign > 0 ? '+' : '−'} {label}
              </th>
            ))}
            <th scope="col">= End</th>
          </tr>
        </thead>
        <tbody>
          <tr>
            <td>
              <Amount of={sum.start} />
            </td>
            {sum.movements.map(({ label, amount }) => (
              <td key={label}>
                <Amount of={amount} />
              </td>
            ))}
            <td>
              <Amount of={sum.end} />
            </td>
          </tr>
        </tbody>
      </table>
    </ScrollX>
  )
}

/** What is counted beside, since currencies are never added. */
export function OtherCurrencies({
  all,
  currency,
}: {
  readonly all: readonly CurrencyDays[]
  readonly currency: string
}) {
  const search = useSearch({ strict: false })
  const others = all.filter(row => row.currency !== currency)
  if (others.length === 0) return null
  return (
    <>
      <h2>Other currencies</h2>
      <ScrollX label="Other currencies">
        <table className="plain">
          <caption className="visually-hidden">Other currencies</caption>
          <thead>
            <tr>
              <th scope="col">Currency</th>
              <th scope="col">Recurring revenue a month</th>
              <th scope="col">Customers</th>
              <th scope="col">Paid</th>
            </tr>
          </thead>
          <tbody>
            {others.map(row => {
              const { currency: name } = row
              const sum = sumOf(row)
              return (
                sum && (
                  <tr key={name}>
                    <th scope="row">
                      <Link to="." search={{ ...search, currency: name } as never}>
                        {name}
                      </Link>
                    </th>
                    <td>
                      <Amount of={sum.end} />
                    </td>
                    <td>{sum.subscribers.toLocaleString()}</td>
                    <td>
                      <Amount of={sum.paid} />
                    </td>
                  </tr>
                )
              )
            })}
          </tbody>
        </table>
      </ScrollX>
    </>
  )
}
