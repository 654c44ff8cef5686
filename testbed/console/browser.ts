import { type Browser, chromium } from 'playwright-core'
import { findChromium } from '../chromium.ts'

/** A real Chromium without a window. As root it has no sandbox; it opens pages of ours alone. */
export async function openBrowser(): Promise<Browser> {
  const { path, env } = await findChromium()
  return chromium.launch({
    executablePath: path,
    env: { ...process.env, ...env } as Record<string, string>,
    args: ['--no-sandbox', '--disable-gpu', '--disable-dev-shm-usage'],
  })
}
