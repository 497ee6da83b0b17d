"""Events on their way in, as columns.

Every way in hands over Arrow batches of this shape; ids are text, properties are one JSON object.
"""

import pyarrow as pa

ARRIVALS = pa.schema(
    [
        pa.field("account", pa.string(), nullable=False),
        pa.field("contact", pa.string()),
        pa.field("name", pa.string(), nullable=False),
        pa.field("at", pa.timestamp("us", "UTC"), nullable=False),
        pa.field("known_at", pa.timestamp("us", "UTC"), nullable=False),
        pa.field("source", pa.string(), nullable=False),
        pa.field("message_id", pa.string(), nullable=False),
        pa.field("imported", pa.bool_(), nullable=False),
        pa.field("props", pa.string()),
    ]
)
