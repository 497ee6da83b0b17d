// @rudderstack/rudder-sdk-node. By default it tries three times more within 1.4 seconds when nobody answers, and then
// ends the whole process by an uncaught error; its option retryCount makes it wait for a server that starts again.
import Analytics from '@rudderstack/rudder-sdk-node'
import { account, contact, host, key, turns } from './turns.mjs'

const client = new Analytics(key, {
  dataPlaneUrl: host,
  flushAt: 5,
  flushInterval: 100,
  retryCount: 10,
  logLevel: 'none',
})

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
