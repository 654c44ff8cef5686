import { providerOf } from '../simulator/provider.ts'

/** How a provider is set up, from the rows that verify its requests. */
export function SetupHelp({ provider: name }: { readonly provider: string }) {
  const provider = providerOf(name)
  if (!provider) return null
  const { title, copy, options, handshake, retries, notes, documentation } = provider
  return (
    <section className="card">
      <h3>Set up {title}</h3>
      <ol>
        <li>Give {title} the address above, with your receiver’s host before it.</li>
        <li>
          Copy: <strong>{copy.what}</strong> ({copy.where}). It goes into the source’s secrets.
        </li>
        {options.map(option => (
          <li key={option.name}>
            Option <code>{option.name}</code>: {option.text}
          </li>
        ))}
        {handshake && <li>It asks first: {handshake}. Fairlead answers by itself.</li>}
      </ol>
      <p className="muted">It sends again: {retries}</p>
      {notes.length > 0 && (
        <ul>
          {notes.map(note => (
            <li key={note}>{note}</li>
          ))}
        </ul>
      )}
      <p>
        <a href={documentation} rel="noreferrer noopener" target="_blank">
          {title}’s own page
        </a>
      </p>
    </section>
  )
}
