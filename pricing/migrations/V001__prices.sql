-- What pricing folded from the detector's log, and what it asked. The migration runner has set the search path to the
-- service's schema.
--
-- Whatever is derived from the log is written as whole values by the one process that holds the lock, together with how
-- far the log has been folded. Amounts and ratios are integers in base units; times are event times where no comment
-- says otherwise.

-- Columns that seldom change come first: an update logs only what lies between the first and the last byte that differ.
CREATE TABLE token_prices (
  chain text COLLATE "C" NOT NULL,
  address text COLLATE "C" NOT NULL,
  quote text COLLATE "C" NOT NULL,
  first_at timestamptz NOT NULL,
  high_quote_units numeric(78,0),
  high_token_units numeric(78,0),
  high_at timestamptz,
  high_cursor bigint,
  high_transaction text,
  high_venue text,
  high_detail bytea,
  low_quote_units numeric(78,0),
  low_token_units numeric(78,0),
  low_at timestamptz,
  is_partial boolean NOT NULL,
  cursor bigint NOT NULL,
  last_quote_units numeric(78,0),
  last_token_units numeric(78,0),
  last_at timestamptz,
  last_transaction text,
  last_venue text,
  quote_volume numeric(78,0) NOT NULL,
  token_volume numeric(78,0) NOT NULL,
  trades bigint NOT NULL,
  buys bigint NOT NULL,
  traders bigint NOT NULL,
  hot_score double precision NOT NULL,
  venues text NOT NULL,
  state bytea NOT NULL,
  PRIMARY KEY (address, quote, chain)
) WITH (fillfactor = 50, autovacuum_vacuum_scale_factor = 0.05);
COMMENT ON TABLE token_prices IS 'What a token costs in one quote asset: last, all-time high and low, volume';
COMMENT ON COLUMN token_prices.quote IS 'Address of the asset that the token is paid in';
COMMENT ON COLUMN token_prices.cursor IS 'Every trade of the series up to here in the log is in the row, none after it';
COMMENT ON COLUMN token_prices.high_at IS 'The earliest of the trades at the highest price; never lowered by a write';
COMMENT ON COLUMN token_prices.traders IS 'Different wallets; an estimate when they are many';
COMMENT ON COLUMN token_prices.is_partial IS 'The log no longer had the first trades when the series was made';
COMMENT ON COLUMN token_prices.venues IS 'One line a venue; read it through the view markets';
COMMENT ON COLUMN token_prices.high_detail IS 'What else the service knows of the high, packed';
COMMENT ON COLUMN token_prices.state IS 'What else the service knows of the series, packed';

-- Markets live in the row of their series, so that a change is one row written and not one for each venue too.
CREATE VIEW markets AS
SELECT p.chain, p.address, p.quote, split_part(v.line, ' ', 1) AS venue,
       nullif(split_part(v.line, ' ', 2), '-')::numeric(78,0) AS last_quote_units,
       nullif(split_part(v.line, ' ', 3), '-')::numeric(78,0) AS last_token_units,
       CASE WHEN split_part(v.line, ' ', 4) <> '-'
            THEN timestamptz 'epoch' + split_part(v.line, ' ', 4)::bigint * interval '1 microsecond' END AS last_at,
       nullif(split_part(v.line, ' ', 5), '-')::bigint AS last_cursor,
       nullif(split_part(v.line, ' ', 6), '-') AS last_transaction,
       nullif(split_part(v.line, ' ', 9), '-')::numeric(78,0) AS pool_quote,
       nullif(split_part(v.line, ' ', 10), '-')::numeric(78,0) AS token_reserve,
       nullif(split_part(v.line, ' ', 11), '-')::numeric(78,0) AS quote_reserve,
       split_part(v.line, ' ', 12)::numeric(78,0) AS quote_volume,
       split_part(v.line, ' ', 13)::bigint AS trades
FROM token_prices p, string_to_table(p.venues, E'\n') AS v(line) WHERE p.venues <> '';
COMMENT ON VIEW markets IS 'Where a token trades, each venue with its last price and reserves';

CREATE TABLE candles (
  chain text COLLATE "C" NOT NULL,
  address text COLLATE "C" NOT NULL,
  quote text COLLATE "C" NOT NULL,
  start timestamptz NOT NULL,
  minutes integer NOT NULL,
  packed bytea NOT NULL,
  PRIMARY KEY (address, quote, start, chain)
) WITH (toast_tuple_target = 8160);
-- Packed already: compression would find little, and a chunk is read as a whole.
ALTER TABLE candles ALTER COLUMN packed SET STORAGE EXTERNAL;
COMMENT ON TABLE candles IS 'The minute candles of one series in one chunk of time';
COMMENT ON COLUMN candles.minutes IS 'How many minutes of the chunk have trades';

CREATE TABLE checkpoints (
  name text PRIMARY KEY,
  flush bigint NOT NULL,
  cursor bigint NOT NULL,
  redo_cursor bigint NOT NULL,
  newest_event timestamptz
);
INSERT INTO checkpoints (name, flush, cursor, redo_cursor) VALUES ('fold', 0, 0, 0);
COMMENT ON TABLE checkpoints IS 'How far the detector''s log has been folded';
COMMENT ON COLUMN checkpoints.redo_cursor IS 'From where a restart folds: all before it is in rows, or parked';

CREATE TABLE parked_trades (
  flush bigint NOT NULL,
  part integer NOT NULL,
  series integer NOT NULL,
  trades bigint NOT NULL,
  packed bytea NOT NULL,
  PRIMARY KEY (flush, part)
);
ALTER TABLE parked_trades ALTER COLUMN packed SET STORAGE EXTERNAL;
COMMENT ON TABLE parked_trades IS 'Where in the log the trades of series are that are not worth a row yet';

CREATE TABLE reference_prices (
  chain text COLLATE "C" NOT NULL,
  address text COLLATE "C" NOT NULL,
  event_time timestamptz NOT NULL,
  source text COLLATE "C" NOT NULL,
  usd text NOT NULL,
  PRIMARY KEY (event_time, address, chain, source)
);
COMMENT ON TABLE reference_prices IS 'What quote assets were worth: USD for one whole unit, as the source wrote it';

CREATE TABLE watched_tokens (
  chain text COLLATE "C" NOT NULL,
  address text COLLATE "C" NOT NULL,
  watched_at timestamptz NOT NULL,
  PRIMARY KEY (address, chain)
);
COMMENT ON TABLE watched_tokens IS 'Tokens whose prices are kept whatever they trade';
COMMENT ON COLUMN watched_tokens.watched_at IS 'Wall clock';

CREATE TABLE price_requests (
  request_id text COLLATE "C" PRIMARY KEY,
  chain text NOT NULL,
  address text NOT NULL,
  state smallint NOT NULL CHECK (state IN (1, 2, 3)),
  created_at timestamptz NOT NULL,
  expires_at timestamptz NOT NULL,
  next_attempt_at timestamptz NOT NULL,
  leased_until timestamptz NOT NULL DEFAULT '-infinity',
  attempts integer NOT NULL DEFAULT 0,
  reason text NOT NULL DEFAULT '',
  price jsonb,
  CHECK ((state = 2) = (price IS NOT NULL))
);
CREATE INDEX price_requests_due ON price_requests (next_attempt_at) WHERE state = 1;
CREATE INDEX price_requests_age ON price_requests (created_at, request_id);
COMMENT ON TABLE price_requests IS 'Wishes for a price, kept until a source has one or their time is over; wall clock';
COMMENT ON COLUMN price_requests.state IS '1 waiting, 2 answered, 3 expired';
