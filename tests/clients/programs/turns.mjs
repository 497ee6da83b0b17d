// How a program of these tests is told what to send: see turns.py.
import { createInterface } from 'node:readline'

export const [host, key] = process.argv.slice(2)
export const account = (n) => `account-${n % 7}`
export const contact = (n) => `contact-${n % 11}`

export async function turns(take) {
  console.log('ready')
  for await (const line of createInterface({ input: process.stdin })) {
    const { first, end } = JSON.parse(line)
    await take(Array.from({ length: end - first }, (_, place) => first + place))
    console.log('done')
  }
  process.exit(0)
}
