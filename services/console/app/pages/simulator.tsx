import { sendSimulated } from '@fairlead/client/gen/client'
import { useMutation, useQueryClient } from '@tanstack/react-query'
import { Link, useNavigate, useParams, useSearch } from '@tanstack/react-router'
import { type FormEvent, useEffect, useState } from 'react'
import { Lines, plainLines, prettyLines } from '../body/lines.tsx'
import { HeaderList } from '../body/request-view.tsx'
import { take } from '../call.ts'
import { Badge } from '../parts/badge.tsx'
import { Needs } from '../parts/needs.tsx'
import { ProblemNote } from '../parts/problem.tsx'
import { useRight } from '../session.ts'
import { demoSource, putRight } from '../simulator/demo-source.ts'
import { type ConsoleProvider, providerOf, providers } from '../simulator/provider.ts'
import { sendSettled } from '../simulator/settle.ts'
import { type Break, breaks, canBreak, freshBody, type Simulated, simulate } from '../simulator/sign.ts'
import { Arrival } from './arrival.tsx'

const breakTexts: Readonly<Record<Break, string>> = {
  nothing: 'Nothing: it verifies',
  secret: 'Sign with a wrong secret',
  time: 'Sign a time of yesterday',
  byte: 'Change a byte after signing',
}

interface Sent {
  readonly request: Simulated
  readonly source: string
  readonly provider: ConsoleProvider
  readonly broken: Break
  readonly answer: { readonly status: number; readonly body: string; readonly durationMs: number }
}

/** Sends webhooks as providers do, signed here, to demo sources with keys of their own; and breaks them on purpose. */
export function Simulator() {
  const { slug = '' } = useParams({ strict: false })
  const search = useSearch({ strict: false }) as Readonly<Record<string, string>>
  const navigate = useNavigate()
  const provider = providerOf(search.provider ?? 'github') ?? providers[0]!
  const { may, who } = useRight('administer', slug)
  const [body, setBody] = useState('')
  const [broken, setBroken] = useState<Break>('nothing')
  const [last, setLast] = useState<Sent>()
  useEffect(() => setBody(freshBody(provider, Date.now())), [provider])
  const queries = useQueryClient()
  const sending = useMutation({
    mutationFn: async (repeated: Sent | undefined): Promise<Sent> => {
      const { source, keys, url, changedMs } = await demoSource(slug, provider)
      const request =
        repeated?.request ?? (await simulate(provider, { body, keys, url, nowMs: Date.now(), broken }))
      const sent = { source, headers: request.headers, body: request.body }
      const ofThis = repeated?.broken ?? broken
      const answer = await sendSettled(() => take(sendSimulated(slug, sent)), {
        changedMs,
        isBroken: ofThis !== 'nothing',
        now: Date.now,
        pause: ms => new Promise(resolve => setTimeout(resolve, ms)),
      })
      return { request, source, provider, broken: ofThis, answer }
    },
    onMutate: () => setLast(undefined),
    onSuccess: async (sent, repeated) => {
      setLast(sent)
      if (!repeated) setBody(freshBody(provider, Date.now()))
      await queries.invalidateQueries({ queryKey: ['sources'] })
    },
  })
  const submit = (event: FormEvent) => {
    event.preventDefault()
    sending.mutate(undefined)
  }
  const canSign = provider.signs.kind !== 'not here'
  return (
    <section className="page">
      <header className="page-head">
        <div>
          <h1>Simulator</h1>
          <p className="muted">
            Sends a webhook as a provider would: signed in this browser, with a key that is made for a demo
            source and never was a real one. What is accepted is an event of test data, and goes where the
            routes say.
          </p>
        </div>
      </header>
      <form className="form" onSubmit={submit}>
        <div className="filters">
          <label className="field">
            <span>Provider</span>
            <select
              value={provider.name}
              onChange={({ target }) => {
                setLast(undefined)
                void navigate({ to: '.', search: { provider: target.value } as never, replace: true })
              }}
            >
              {providers.map(({ name, title }) => (
                <option key={name} value={name}>
                  {title}
                  {title.toLowerCase().replaceAll(/[^a-z0-9]/g, '') === name ? '' : ` (${name})`}
                </option>
              ))}
            </select>
          </label>
          <label className="field search">
            <span>Break on purpose</span>
            <select value={broken} onChange={({ target }) => setBroken(target.value as Break)}>
              {breaks
                .filter(each => canBreak(provider, each))
                .map(each => (
                  <option key={each} value={each}>
                    {breakTexts[each]}
                  </option>
                ))}
            </select>
          </label>
        </div>
        {provider.signs.kind === 'not here' && (
          <p className="note warn">
            {provider.signs.why} So its webhooks can’t be signed here: use the provider’s own test button.
          </p>
        )}
        <label>
          Payload
          <textarea
            rows={8}
            spellCheck={false}
            className="payload"
            value={body}
            onChange={({ target }) => setBody(target.value)}
          />
        </label>
        <div className="row">
          <button type="submit" className="button primary" disabled={!canSign || !may || sending.isPending}>
            {sending.isPending ? 'Sending …' : 'Sign and send'}
          </button>
          {last && (
            <button
              type="button"
              className="button"
              disabled={sending.isPending}
              onClick={() => sending.mutate(last)}
            >
              Send the last one again, as it was
            </button>
          )}
          <Needs who={who} />
        </div>
      </form>
      {sending.isError && <ProblemNote error={sending.error} />}
      {last && <Outcome sent={last} slug={slug} />}
    </section>
  )
}

function Outcome({ sent, slug }: { readonly sent: Sent; readonly slug: string }) {
  const { answer, request } = sent
  const isAccepted = answer.status < 300
  return (
    <>
      <h2>Answer</h2>
      <p className="row" role="status">
        <Badge
          tone={isAccepted ? 'good' : 'bad'}
        >{`${answer.status} ${isAccepted ? 'accepted' : 'refused'}`}</Badge>
        <span className="muted">in {answer.durationMs} ms</span>
      </p>
      {answer.body && <Lines lines={prettyLines(answer.body).lines} label="Body of the answer" />}
      <Arrival
        key={JSON.stringify(request.headers)}
        slug={slug}
        source={sent.source}
        accepted={isAccepted}
        answer={answer.body}
        headers={request.headers}
      />
      {!isAccepted && sent.broken === 'secret' && <PutRight sent={sent} slug={slug} />}
      <details>
        <summary>What was sent</summary>
        <HeaderList headers={request.headers} />
        <Lines lines={plainLines(request.body)} label="Body that was sent" />
      </details>
      <p>
        <Link to={`/organizations/${slug}/sources` as never}>The demo source is among the sources</Link>, and
        can be deleted there.
      </p>
    </>
  )
}

/** A wrong secret is put right at the source: what was refused can then be promoted. */
function PutRight({ sent, slug }: { readonly sent: Sent; readonly slug: string }) {
  const queries = useQueryClient()
  const mutation = useMutation({
    mutationFn: () => putRight(slug, sent.provider, sent.request.signedWith),
    onSuccess: () => queries.invalidateQueries(),
  })
  return (
    <div className="note">
      <p>
        The source has another key than the sender, as after a copied secret lost a character. Put it right,
        and the refused request can still become an event.
      </p>
      <p className="row">
        <button
          type="button"
          className="button"
          disabled={mutation.isPending || mutation.isSuccess}
          onClick={() => mutation.mutate()}
        >
          Give the source the sender’s key
        </button>
        {mutation.isSuccess && (
          <Link to={`/organizations/${slug}/rejections` as never} search={{ source: sent.source } as never}>
            Done: see which refused requests pass now
          </Link>
        )}
      </p>
      {mutation.isError && <ProblemNote error={mutation.error} />}
    </div>
  )
}
