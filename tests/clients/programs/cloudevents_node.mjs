// The emitter of npm's cloudevents, in binary and in structured mode by turns. It tries nothing again by itself.
import { CloudEvent, emitterFor, httpTransport, Mode } from 'cloudevents'
import { account, contact, host, key, turns } from './turns.mjs'

const emitters = [Mode.BINARY, Mode.STRUCTURED].map((mode) =>
  emitterFor(httpTransport(`${host}/v1/cloudevents`), { mode }),
)
const headers = { authorization: `Bearer ${key}` }

await turns(async (numbers) => {
  for (const n of numbers) {
    const event = new CloudEvent({
      type: 'feature_used',
      source: '/programs/of/others',
      subject: account(n),
      contactid: contact(n),
      data: { n },
    })
    await emitters[n % 2](event, { headers })
  }
})
