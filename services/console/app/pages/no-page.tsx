import { Link } from '@tanstack/react-router'

export function NoPage() {
  return (
    <section className="page">
      <h1>There is no such page</h1>
      <p>
        The address may be mistyped, or of an older version. <Link to="/">Go to the organizations</Link>.
      </p>
    </section>
  )
}
