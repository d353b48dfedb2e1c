-- The detector's log and registry of tokens. The migration runner has set the search path to the service's schema.

-- Both tables of tokens have the same columns; a token is in exactly one of them. The writer of the log is the only one
-- that inserts or deletes rows of either, and moves a token between them in one transaction.
CREATE TABLE detected_tokens (
  chain text NOT NULL,
  address text NOT NULL,
  first_cursor bigint NOT NULL,
  origin text NOT NULL,
  name text NOT NULL,
  symbol text NOT NULL,
  uri text NOT NULL,
  name_source text NOT NULL,
  name_sanitized boolean NOT NULL,
  creator text NOT NULL,
  venue text NOT NULL,
  pool text NOT NULL,
  quote_address text NOT NULL,
  decimals smallint,
  supply numeric(78, 0),
  is_mayhem boolean,
  is_cashback boolean,
  launch_transaction text NOT NULL,
  launch_slot bigint NOT NULL,
  launched_at timestamptz,
  first_seen_at timestamptz NOT NULL,
  named_at timestamptz,
  completed_at timestamptz,
  migrated_to text NOT NULL,
  migrated_at timestamptz,
  migration_transaction text NOT NULL,
  feeds text NOT NULL,
  imitates_chain text NOT NULL,
  imitates_address text NOT NULL,
  PRIMARY KEY (chain, address)
);
COMMENT ON TABLE detected_tokens IS 'Tokens with a real name.';
COMMENT ON COLUMN detected_tokens.first_cursor IS 'Cursor of the token''s first event: orders tokens by age.';
COMMENT ON COLUMN detected_tokens.feeds IS 'Feeds that reported it, sorted, separated by commas.';
CREATE INDEX detected_tokens_age ON detected_tokens (first_cursor);
CREATE INDEX detected_tokens_creator ON detected_tokens (creator, first_cursor) WHERE creator <> '';

CREATE TABLE pending_tokens (
  LIKE detected_tokens INCLUDING DEFAULTS,
  claimed_by text NOT NULL DEFAULT '',
  lease_until timestamptz NOT NULL DEFAULT '-infinity',
  claims integer NOT NULL DEFAULT 0,
  PRIMARY KEY (chain, address)
);
COMMENT ON TABLE pending_tokens IS 'Tokens without a real name, under a placeholder in parentheses.';
COMMENT ON COLUMN pending_tokens.lease_until IS 'Not to be claimed before: the end of a lease, or of a pause between tries.';
CREATE INDEX pending_tokens_age ON pending_tokens (first_cursor);
CREATE INDEX pending_tokens_claimable ON pending_tokens (lease_until, first_cursor);

-- What happened to tokens, in commit order.
CREATE TABLE token_events (
  cursor bigint PRIMARY KEY,
  kind text NOT NULL,
  event_time timestamptz NOT NULL,
  chain text NOT NULL,
  address text NOT NULL,
  state smallint NOT NULL,
  token jsonb NOT NULL
);
COMMENT ON COLUMN token_events.token IS 'The token as it was right after the event.';

-- What was traded, in commit order; one partition a day of event time (trades_p<yyyymmdd>), made by the writer.
CREATE TABLE trades (
  cursor bigint NOT NULL,
  event_time timestamptz NOT NULL,
  slot bigint NOT NULL,
  event_index integer,
  side smallint NOT NULL,
  is_mayhem boolean NOT NULL,
  loose_time boolean NOT NULL,
  chain text NOT NULL,
  transaction text NOT NULL,
  token text NOT NULL,
  trader text NOT NULL,
  venue text NOT NULL,
  quote_address text NOT NULL,
  feed text NOT NULL,
  token_amount numeric(78, 0) NOT NULL,
  quote_amount numeric(78, 0) NOT NULL,
  virtual_token_reserve numeric(78, 0),
  virtual_quote_reserve numeric(78, 0),
  real_token_reserve numeric(78, 0),
  real_quote_reserve numeric(78, 0),
  protocol_fee numeric(78, 0),
  creator_fee numeric(78, 0)
) PARTITION BY RANGE (event_time);
COMMENT ON COLUMN trades.side IS '1 = the trader bought the token, 2 = sold it.';
COMMENT ON COLUMN trades.event_index IS 'Index of the event in its transaction; null when the feed does not tell.';
COMMENT ON COLUMN trades.loose_time IS 'event_time is the feed''s clock and not the chain''s.';
-- Cursors only grow, so this index only ever grows at its right edge. It is not unique: one writer assigns the cursors,
-- and a unique index would have to look every row up.
CREATE INDEX trades_cursor ON trades (cursor);
-- Finds the transaction of a trade that has left the writer's memory.
CREATE INDEX trades_event_time ON trades USING brin (event_time) WITH (pages_per_range = 32, autosummarize = on);

-- The newest positions; one row. Updated in the transaction that writes what they count.
CREATE TABLE log_heads (
  shard smallint PRIMARY KEY,
  token_cursor bigint NOT NULL,
  trade_cursor bigint NOT NULL,
  quarantine_id bigint NOT NULL,
  latest_trade timestamptz,
  latest_loose_trade timestamptz
) WITH (fillfactor = 20);
COMMENT ON COLUMN log_heads.latest_trade IS 'Latest event time of a trade; latest_loose_trade of those with loose_time.';
INSERT INTO log_heads (shard, token_cursor, trade_cursor, quarantine_id) VALUES (0, 0, 0, 0);

-- How far a replayable feed has been read.
CREATE TABLE feed_positions (
  reader text NOT NULL,
  source text NOT NULL,
  frames bigint NOT NULL,
  PRIMARY KEY (reader, source)
) WITH (fillfactor = 20);

-- Readers of the trade log that retention waits for.
CREATE TABLE consumers (
  name text PRIMARY KEY,
  cursor bigint NOT NULL,
  updated_at timestamptz NOT NULL
);

-- Frames that could not be used, raw.
CREATE TABLE quarantined_frames (
  id bigint PRIMARY KEY,
  feed text NOT NULL,
  reason text NOT NULL,
  detail text NOT NULL,
  raw bytea NOT NULL,
  raw_cut boolean NOT NULL,
  raw_digest bytea NOT NULL,
  received_at timestamptz NOT NULL,
  UNIQUE (feed, reason, raw_digest)
);
COMMENT ON COLUMN quarantined_frames.raw_digest IS 'SHA-256 of raw: the same frame is kept once for each reason.';
