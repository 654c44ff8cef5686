import type { BrowserContext, Page } from 'playwright-core'
import { until } from '../until.ts'
import type { RunningConsole, Watched } from './running-console.ts'

type StorageState = Awaited<ReturnType<BrowserContext['storageState']>>
/** Sessions of owners, by the product that they are signed in to. */
const sessions = new WeakMap<RunningConsole, StorageState>()

/** The owner of the machine in a window of its own, signed in by the link that was printed. It is good once, and so used once. */
export async function openOwner(running: RunningConsole): Promise<Watched> {
  const storageState = sessions.get(running)
  const owner = await running.open({ key: null, ...(storageState && { storageState }) })
  if (storageState) {
    await owner.visit('/')
    return owner
  }
  await owner.page.goto(running.signInLink)
  await owner.page.getByRole('button', { name: 'Sign in as the owner' }).click()
  await owner.page.getByRole('heading', { name: 'Organizations' }).waitFor()
  sessions.set(running, await owner.context.storageState())
  return owner
}

/** Waits for the nth mail to somebody, newest first, as the owner reads it. */
export async function readMail(owner: Page, to: string, n: number): Promise<string> {
  const mails = owner.locator(`small:text("To ${to},") + pre`)
  await until(
    async () => {
      await owner.goto(new URL('/auth/mails', owner.url()).href)
      return (await mails.count()) >= n
    },
    { what: `mail ${n} to ${to}` },
  )
  return await mails.first().innerText()
}

/** Types the code of the newest mail to somebody. */
export async function enterCode(page: Page, mail: string): Promise<void> {
  const code = /^ {4}(\d{6})$/m.exec(mail)?.[1]
  if (!code) throw new Error(`the mail has no code:\n${mail}`)
  const field = page.getByLabel('Code from the mail')
  await field.fill(code)
  await page.getByRole('button', { name: 'Sign in with the code' }).click()
  // Who leaves before the answer has no session.
  await field.waitFor({ state: 'detached' })
}
