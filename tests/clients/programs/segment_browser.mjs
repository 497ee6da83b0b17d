// @segment/analytics-next in a page of jsdom, whose requests ask for leave first as those of a browser do.
// A call is answered before it is delivered, so the tests count what the server took.
import { readFileSync } from 'node:fs'
import { createRequire } from 'node:module'
import { dirname, join } from 'node:path'
import { JSDOM, VirtualConsole } from 'jsdom'
import { account, contact, host, key, turns } from './turns.mjs'

const folder = dirname(createRequire(import.meta.url).resolve('@segment/analytics-next'))
const page = new JSDOM('<!doctype html><script></script>', {
  url: 'http://app.example.org/reports',
  runScripts: 'outside-only',
  virtualConsole: new VirtualConsole(), // which nobody reads: failed requests are meant
})
page.window.eval(readFileSync(join(folder, '..', 'umd', 'index.js'), 'utf8'))
const settings = {
  integrations: { 'Segment.io': { apiKey: key, apiHost: `${new URL(host).host}/v1`, protocol: 'http' } },
}
const [client] = await page.window.AnalyticsNext.AnalyticsBrowser.load({ writeKey: key, cdnSettings: settings })

await turns((numbers) =>
  Promise.all(
    numbers.map((n) => {
      const told = { n }
      const around = { context: { groupId: account(n) } }
      if (n % 4 === 0) return client.identify(contact(n), told, around)
      if (n % 4 === 1) return client.group(account(n), told)
      if (n % 4 === 2) return client.track('feature_used', told, around)
      return client.page('Reports', told, around)
    }),
  ),
)
