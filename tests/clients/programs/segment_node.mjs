// @segment/analytics-node. Its own three retries of a 503 last 7 to 14 seconds; here it may try longer.
import { Analytics } from '@segment/analytics-node'
import { account, contact, host, key, turns } from './turns.mjs'

const client = new Analytics({ writeKey: key, host, flushAt: 5, flushInterval: 100, maxRetries: 10 })
client.on('error', (error) => console.error(error))

await turns(async (numbers) => {
  const delivered = numbers.map(
    (n) =>
      new Promise((resolve, reject) => {
        const told = { n }
        const around = { userId: contact(n), context: { groupId: account(n) } }
        const heard = (error) => (error ? reject(error) : resolve())
        if (n % 4 === 0) client.identify({ ...around, traits: told }, heard)
        else if (n % 4 === 1) client.group({ userId: contact(n), groupId: account(n), traits: told }, heard)
        else if (n % 4 === 2) client.track({ ...around, event: 'feature_used', properties: told }, heard)
        else client.page({ ...around, name: 'Reports', properties: told }, heard)
      }),
  )
  await Promise.all(delivered)
})
