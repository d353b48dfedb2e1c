ALTER TABLE token_prices ADD COLUMN steady_digest uuid;
COMMENT ON COLUMN token_prices.steady_digest IS 'Of first_at, high_*, low_* and is_partial; a write that has the same leaves them as they are. Null: not known';
ALTER TABLE checkpoints ADD COLUMN attempt bigint;
COMMENT ON COLUMN checkpoints.attempt IS 'While a flush is written in parts: the transaction that began it';
