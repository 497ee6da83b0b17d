// @opentelemetry/exporter-metrics-otlp-http, which sends JSON in chunks.
import { AggregationTemporalityPreference, OTLPMetricExporter } from '@opentelemetry/exporter-metrics-otlp-http'
import { MeterProvider, PeriodicExportingMetricReader } from '@opentelemetry/sdk-metrics'
import { account, host, key, turns } from './turns.mjs'

const exporter = new OTLPMetricExporter({
  url: `${host}/v1/metrics`,
  headers: { authorization: `Bearer ${key}` },
  temporalityPreference: AggregationTemporalityPreference.DELTA,
})
const provider = new MeterProvider({ readers: [new PeriodicExportingMetricReader({ exporter })] })
const counter = provider.getMeter('programs-of-others').createCounter('api_calls')

await turns(async (numbers) => {
  for (const n of numbers) {
    counter.add(1, { 'account.id': account(n), n })
    if (n % 20 === 19) await provider.forceFlush()
  }
  await provider.forceFlush()
})
