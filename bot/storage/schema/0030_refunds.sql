-- What fal refunded of a request at this moment, in billionths of a dollar.
ALTER TABLE bills ADD COLUMN refunded_nano_usd BIGINT NOT NULL DEFAULT 0
CHECK (refunded_nano_usd >= 0 AND refunded_nano_usd <= 1000000000000000);
