"""opentelemetry-exporter-otlp-proto-http, which exports what a counter counted since it last did.

By its own settings it drops an export that was not taken within 10 seconds; here it may try longer.
"""

from opentelemetry.exporter.otlp.proto.http import Compression
from opentelemetry.exporter.otlp.proto.http.metric_exporter import OTLPMetricExporter
from opentelemetry.sdk.metrics import Counter, MeterProvider
from opentelemetry.sdk.metrics.export import AggregationTemporality, PeriodicExportingMetricReader
from turns import account, turns

PATIENCE_S = 60

for host, key, numbers, flushed in turns():
    exporter = OTLPMetricExporter(
        endpoint=f"{host}/v1/metrics",
        headers={"authorization": f"Bearer {key}"},
        compression=Compression.Gzip,
        timeout=PATIENCE_S,
        preferred_temporality={Counter: AggregationTemporality.DELTA},
    )
    reader = PeriodicExportingMetricReader(exporter, export_timeout_millis=PATIENCE_S * 1000)
    provider = MeterProvider([reader])
    counter = provider.get_meter("programs-of-others").create_counter("api_calls")
    for n in numbers:
        counter.add(1, {"account.id": account(n), "n": n})
        if n % 5 == 4:
            provider.force_flush(PATIENCE_S * 1000)
    provider.shutdown(PATIENCE_S * 1000)
    flushed()
