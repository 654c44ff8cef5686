import { until } from '@fairlead/testbed/until'
import { afterAll, beforeAll, beforeEach, describe, expect, test } from 'vitest'
import { openBrowser } from '../fixtures/browser.ts'
import { kolmogorovSmirnov } from '../fixtures/kolmogorov-smirnov.ts'
import { openPeopleApi, type PeopleApi, superadmin } from '../fixtures/people-api.ts'

const ada = 'owner@acme.example'

let people: PeopleApi
beforeAll(async () => {
  people = await openPeopleApi()
})
afterAll(async () => await people?.[Symbol.asyncDispose]())
beforeEach(async () => {
  await people.client.flushall()
  people.mailbox.mails.length = 0
})

const browser = (agent?: string) => openBrowser(people.api.url, agent)

async function asked(email = ada, by = browser()) {
  const mail = await people.mailbox.linkTo(email, async () => {
    expect((await by.post('/auth/request-magic-link', { email })).status).toBe(200)
  })
  return { by, mail }
}

describe('by link', () => {
  test('robots that open the link, run it and press its button get no session, and the person still signs in', async () => {
    const { by, mail } = await asked()
    const robot = browser('Mozilla/5.0 (compatible; Scanner)')
    await robot.head(mail.link)
    for (let i = 0; i < 3; i++) {
      const page = await robot.get(mail.link)
      expect(page.text).toContain('Continue in the browser that asked')
      expect(page.text).not.toContain(`value="${mail.token}"`)
    }
    const pressed = await robot.post('/auth/verify', { token: mail.token })
    const coded = await robot.post('/auth/verify', { code: mail.code })
    expect([pressed.status, coded.status, robot.isSignedIn]).toEqual([401, 401, false])
    // With a login cookie of its own, from another request, it gets no further.
    await robot.post('/auth/request-magic-link', { email: 'robot@scanner.example' })
    expect((await robot.post('/auth/verify', { token: mail.token })).status).toBe(401)

    const page = await by.get(mail.link)
    expect(page.text).toContain(`Sign in as ${ada}`)
    expect(by.isSignedIn).toBe(false)
    const signedIn = await by.post('/auth/verify', { token: mail.token })
    expect([signedIn.status, signedIn.location, by.isSignedIn]).toEqual([303, '/', true])
    expect((await by.fetch('GET', '/api/v1/organizations/acme/events')).status).toBe(200)
  })

  test('200 redemptions at once are one session', async () => {
    const { by, mail } = await asked()
    const login = Object.fromEntries(by.cookies)
    const answers = await Promise.all(
      Array.from({ length: 200 }, (_, i) => {
        const tab = browser()
        for (const [name, value] of Object.entries(login)) tab.cookies.set(name, value)
        const headers = { 'x-forwarded-for': `198.51.${i}.1` }
        return tab.post('/auth/verify', { token: mail.token }, headers).then(() => tab.isSignedIn)
      }),
    )
    expect(answers.filter(Boolean)).toHaveLength(1)
  })

  test('a second click lands where the first one led', async () => {
    const { by, mail } = await asked()
    await by.post('/auth/verify', { token: mail.token })
    const again = await by.post('/auth/verify', { token: mail.token })
    expect([again.status, again.location]).toEqual([303, '/'])
    expect((await by.get(mail.link)).location).toBe('/')
  })

  test.each([
    '/organizations/acme/events?status=failed&after=-2h',
    '/organizations/acme/events/evt_1?tab=attempts#body',
  ])('who came from %s lands elsewhere, also by a second click', async to => {
    const by = browser()
    await by.get(`/auth/sign-in?to=${encodeURIComponent(to)}`)
    // Asking again by the link of the page keeps it.
    await by.get('/auth/sign-in')
    const { mail } = await asked(ada, by)
    expect((await by.post('/auth/verify', { token: mail.token })).location).toBe(to)
    expect((await by.post('/auth/verify', { token: mail.token })).location).toBe(to)
    await by.post('/auth/logout', {})
    await signInAgain(by, '/')
  })

  const elsewhere = [
    'https://evil.example/',
    '//evil.example/',
    '/\\evil.example/',
    '\\\\evil.example',
    '/\t/evil.example',
    '/organizations/..//evil.example',
    '/organizations/%2e%2e//evil.example',
    '/organizations/../auth/printed',
    'javascript:alert(1)',
    '/auth/oidc',
    '/api/v1/me',
    ' /',
    '/organizations/acme\r\nset-cookie: a=b',
    '',
  ]

  test.each(elsewhere)('signing in leads to other sites, or beyond the console: %j', async to => {
    const by = browser()
    await by.get(`/auth/sign-in?to=${encodeURIComponent(to)}`)
    await signInAgain(by, '/')
    // A neighbour on the same host may plant the cookie itself.
    by.cookies.set('fairlead-landing', encodeURIComponent(to))
    await signInAgain(by, '/')
  })

  async function signInAgain(by: ReturnType<typeof browser>, location: string) {
    await people.client.flushall()
    const { mail } = await asked(ada, by)
    const { status, location: landed } = await by.post('/auth/verify', { token: mail.token })
    expect([status, landed]).toEqual([303, location])
  }

  test('two pages that were wanted, or a text without end, lead anywhere', async () => {
    const by = browser()
    expect((await by.get('/auth/sign-in?to=/organizations/acme&to=//evil.example')).status).toBe(400)
    await by.get(`/auth/sign-in?to=/organizations/${'a'.repeat(1_000)}`)
    await signInAgain(by, '/')
  })

  test('a session that was planted before signing in is another one after it', async () => {
    const { by, mail } = await asked()
    const planted = (await people.signedIn('owner@globex.example')).cookies.get('fairlead-session')!
    by.cookies.set('fairlead-session', planted)
    await by.post('/auth/verify', { token: mail.token })
    expect(by.cookies.get('fairlead-session')).not.toBe(planted)
    const old = browser()
    old.cookies.set('fairlead-session', planted)
    expect((await old.fetch('GET', '/api/v1/organizations')).status).toBe(401)
  })

  test('signing in is noted at the member', async () => {
    await people.signInByMail(ada)
    const { body } = await people.api.call('GET', '/api/v1/organizations/acme/members')
    const { lastLoginAt } = body.items.find(({ email }: { email: string }) => email === ada)
    expect(Date.now() - Date.parse(lastLoginAt)).toBeLessThan(60_000)
  })

  test('the mail is text, names who asked, and has one link', async () => {
    const { mail } = await asked()
    expect(mail.raw).toMatch(/^content-type: text\/plain/im)
    expect(mail.raw).toContain('Firefox on Linux')
    expect(mail.raw.match(/https?:\/\//g)).toHaveLength(1)
    expect(mail.link).toMatch(/^http:\/\/localhost:8081\/auth\/verify\?token=[\w-]{43}$/)
  })

  test('the link is built from the configuration, whatever host a request names', async () => {
    await fetch(`${people.api.url}/auth/request-magic-link`, {
      method: 'POST',
      headers: { 'x-forwarded-host': 'evil.example', 'sec-fetch-site': 'same-origin' },
      body: new URLSearchParams({ email: ada }),
    })
    expect((await people.mailbox.mailTo(ada)).link).toMatch(/^http:\/\/localhost:8081\//)
  })

  test('pages run no script, stay out of caches, and send no address on', async () => {
    const { by, mail } = await asked()
    for (const path of ['/auth/sign-in', mail.link, '/auth/verify']) {
      const { headers, text } = await by.get(path)
      expect(headers.get('content-security-policy')).toMatch(
        /^default-src 'none'; style-src 'sha256-[^']+'; form/,
      )
      expect([headers.get('cache-control'), headers.get('referrer-policy')]).toEqual([
        'no-store',
        'no-referrer',
      ])
      expect(text).not.toMatch(/<script|javascript:| on\w+=/i)
    }
  })
})

describe('by code', () => {
  test('a mail that is read elsewhere signs in where it was asked for', async () => {
    const { by, mail } = await asked()
    expect((await by.post('/auth/verify', { code: mail.code })).status).toBe(303)
    expect(by.isSignedIn).toBe(true)
  })

  test('five wrong codes end it, also at once', async () => {
    const { by, mail } = await asked()
    const wrong = mail.code === '000000' ? '000001' : '000000'
    const answers = await Promise.all(
      Array.from({ length: 5 }, () => by.post('/auth/verify', { code: wrong })),
    )
    expect(answers.map(({ status }) => status)).toEqual(Array(5).fill(401))
    expect((await by.post('/auth/verify', { code: mail.code })).status).toBe(401)
    // The link of the same mail is another proof.
    expect((await by.post('/auth/verify', { token: mail.token })).status).toBe(303)
  })

  test('new codes do not refill the tries of an address, and its links go on', async () => {
    for (let round = 0; round < 2; round++) {
      const { by, mail } = await asked()
      const wrong = mail.code === '000000' ? '000001' : '000000'
      for (let i = 0; i < 5; i++) await by.post('/auth/verify', { code: wrong })
    }
    const { by, mail } = await asked()
    expect((await by.post('/auth/verify', { code: mail.code })).status).toBe(401)
    expect((await by.post('/auth/verify', { token: mail.token })).status).toBe(303)
  })

  test('a right code that 20 send at once is one session', async () => {
    const { by, mail } = await asked()
    const login = by.cookies.get('fairlead-login')!
    const answers = await Promise.all(
      Array.from({ length: 20 }, async () => {
        const tab = browser()
        tab.cookies.set('fairlead-login', login)
        await tab.post('/auth/verify', { code: mail.code })
        return tab.isSignedIn
      }),
    )
    expect(answers.filter(Boolean)).toHaveLength(1)
  })

  test('Redis holds neither token nor code', async () => {
    const { mail } = await asked()
    const kept = await Promise.all(
      (await people.client.keys('*')).map(async name => name + (await people.client.dump(name))),
    )
    expect(kept.length).toBeGreaterThan(2)
    expect(kept.join()).not.toContain(mail.token)
    expect(kept.join()).not.toContain(mail.code)
  })
})

describe('nobody learns who is known here', () => {
  const stranger = 'nobody@nowhere.example'

  test('known, unknown, disabled and limited addresses are answered with the same bytes', async () => {
    await people.api.store.query("update members set active = false where email = 'owner@globex.example'")
    const answers = []
    for (const email of [ada, stranger, 'owner@globex.example', ada, ada, ada, ada]) {
      const { status, text, headers } = await browser().post('/auth/request-magic-link', { email })
      const names = [...headers.keys()].filter(name => name !== 'date')
      answers.push(
        JSON.stringify([status, text, names, headers.get('set-cookie')?.replace(/=[\w-]{43};/, '=…;')]),
      )
    }
    expect(new Set(answers).size).toBe(1)
    await until(() => people.mailbox.mails.length === 3)
    expect(people.mailbox.mails.every(({ to }) => to[0] === ada)).toBe(true)
    await people.api.store.query('update members set active = true')
  })

  test('and after the same time', async () => {
    // As many as the limit of requests lets through, so that each way is really gone.
    const times = { known: [] as number[], unknown: [] as number[] }
    for (let i = 0; i < 200; i++) {
      const kind = i % 2 === 0 ? 'known' : 'unknown'
      const headers = { 'x-forwarded-for': `198.51.100.${i % 250}, 10.${i}.0.1` }
      const startedAt = performance.now()
      await browser().post(
        '/auth/request-magic-link',
        { email: kind === 'known' ? superadmin : stranger },
        headers,
      )
      times[kind].push(performance.now() - startedAt)
    }
    // Those that the limit let through: one that comes later would be taken for a mail of the next test.
    await until(() => people.mailbox.mails.length === 3)
    // Luck alone fails a run in a million. An answer that waits for the address to be looked up has a p far below.
    expect(kolmogorovSmirnov(times.known, times.unknown)).toBeGreaterThan(1e-6)
  }, 180_000)
})

describe('limits', () => {
  test('an address gets three mails, whoever asks, and what was sent stays good', async () => {
    const first = await asked()
    await asked()
    await asked()
    await first.by.post('/auth/request-magic-link', { email: ada })
    const other = browser()
    await other.post('/auth/request-magic-link', { email: superadmin })
    await people.mailbox.mailTo(superadmin)
    expect(people.mailbox.mails.filter(({ to }) => to.includes(ada))).toHaveLength(3)
    expect((await first.by.post('/auth/verify', { token: first.mail.token })).status).toBe(303)
  })

  test('tries from one network are bounded, and others are not held back', async () => {
    const answers = []
    for (let i = 0; i < 31; i++) {
      const headers = { 'x-forwarded-for': `203.0.113.${i}` }
      answers.push((await browser().post('/auth/verify', { token: 'x' }, headers)).status)
    }
    expect(answers.slice(0, 30)).toEqual(Array(30).fill(401))
    expect(answers[30]).toBe(429)
    expect((await browser().post('/auth/verify', { token: 'x' })).status).toBe(401)
  })
})

test('a link or a code of staff is used up while the store cannot tell whether its person has a passkey', async () => {
  const proofs = [await asked(superadmin), await asked(superadmin)] as const
  const send = ({ by, mail }: (typeof proofs)[number], kind: 'token' | 'code') =>
    by.post('/auth/verify', { [kind]: mail[kind] })
  // As a store of the version before would refuse the call.
  await people.api.store.query('alter table passkeys rename to passkeys_away')
  try {
    const refused = [await send(proofs[0], 'token'), await send(proofs[1], 'code')]
    expect(refused.map(({ status }) => status >= 500)).toEqual([true, true])
    expect(proofs.map(({ by }) => by.isSignedIn)).toEqual([false, false])
  } finally {
    await people.api.store.query('alter table passkeys_away rename to passkeys')
  }
  expect([(await send(proofs[0], 'token')).status, (await send(proofs[1], 'code')).status]).toEqual([
    303, 303,
  ])
})

test.each([
  ['two addresses', `${ada}, evil@example.com`],
  ['a line break', `${ada}\r\nBcc: evil@example.com`],
  ['a quoted local part', '"a b"@example.com'],
  ['a name', 'Ada <ada@example.com>'],
  ['nothing', ''],
  ['a host without a name', 'ada@'],
])('%s is no address, and no mail goes out', async (_name, email) => {
  const page = await browser().post('/auth/request-magic-link', { email })
  expect(page.status).toBe(400)
  expect(people.mailbox.mails).toHaveLength(0)
})

test('forms of other sites do nothing', async () => {
  for (const [path, fields] of [
    ['/auth/request-magic-link', { email: ada }],
    ['/auth/verify', { token: 'x' }],
    ['/auth/logout', {}],
  ] as const) {
    const page = await browser().post(path, fields, { 'sec-fetch-site': 'cross-site' })
    expect(page.status).toBe(403)
  }
})

test('signing out ends the session, not only the cookie', async () => {
  const by = await people.signInByMail(ada)
  const secret = by.cookies.get('fairlead-session')!
  expect((await by.post('/auth/logout', {})).location).toBe('/auth/sign-in')
  expect(by.isSignedIn).toBe(false)
  by.cookies.set('fairlead-session', secret)
  expect((await by.fetch('GET', '/api/v1/organizations')).status).toBe(401)
})

test('without Redis nobody new signs in and is told so, and keys go on', async () => {
  const { by, mail } = await asked()
  await people.redis.stop()
  try {
    const { status, text } = await by.post('/auth/request-magic-link', { email: ada })
    expect([status, text.includes('not possible right now')]).toEqual([503, true])
    expect((await by.post('/auth/verify', { token: mail.token })).status).toBe(503)
    expect((await by.get(mail.link)).status).toBe(503)
    expect((await people.api.call('GET', '/api/v1/organizations')).status).toBe(200)
  } finally {
    await people.redis.restart()
  }
  await until(async () => (await by.post('/auth/verify', { token: mail.token })).status === 303)
})
