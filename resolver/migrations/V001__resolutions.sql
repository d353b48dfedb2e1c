-- What the resolver knows of tokens, and what it asked. The migration runner has set the search path to the service's
-- schema.

CREATE TABLE resolutions (
  chain text NOT NULL,
  address text NOT NULL,
  state text NOT NULL CHECK (state IN ('pending', 'resolved', 'dead_letter')),
  name text NOT NULL DEFAULT '',
  name_source text NOT NULL DEFAULT '',
  name_observed_at timestamptz,
  name_sanitized boolean NOT NULL DEFAULT false,
  symbol text NOT NULL DEFAULT '',
  symbol_source text NOT NULL DEFAULT '',
  symbol_observed_at timestamptz,
  symbol_sanitized boolean NOT NULL DEFAULT false,
  uri text NOT NULL DEFAULT '',
  uri_source text NOT NULL DEFAULT '',
  uri_observed_at timestamptz,
  uri_sanitized boolean NOT NULL DEFAULT false,
  decimals integer,
  decimals_source text NOT NULL DEFAULT '',
  imitates_chain text NOT NULL DEFAULT '',
  imitates_address text NOT NULL DEFAULT '',
  attempts integer NOT NULL DEFAULT 0,
  next_attempt_at timestamptz NOT NULL,
  reason text NOT NULL DEFAULT '',
  created_at timestamptz NOT NULL,
  updated_at timestamptz NOT NULL,
  leased_by text NOT NULL DEFAULT '',
  leased_until timestamptz NOT NULL DEFAULT '-infinity',
  reported boolean NOT NULL DEFAULT true,
  PRIMARY KEY (chain, address),
  CHECK ((state = 'resolved') = (name <> ''))
);
COMMENT ON TABLE resolutions IS 'Every token that was asked for or launched with a name, with the source of each field.';
COMMENT ON COLUMN resolutions.next_attempt_at IS 'A pending token is not worked on before; infinity for the others.';
COMMENT ON COLUMN resolutions.leased_until IS 'Until then the replica leased_by works on the token.';
COMMENT ON COLUMN resolutions.reported IS 'False while the detector has not yet acknowledged the name.';
CREATE INDEX resolutions_unresolved ON resolutions (created_at, chain, address) WHERE state <> 'resolved';
CREATE INDEX resolutions_due ON resolutions (next_attempt_at) WHERE state = 'pending';
CREATE INDEX resolutions_unreported ON resolutions (updated_at) WHERE NOT reported;
-- Counting states reads this and not the table.
CREATE INDEX resolutions_state ON resolutions (state);

CREATE TABLE attempts (
  chain text NOT NULL,
  address text NOT NULL,
  asked_at timestamptz NOT NULL,
  source text NOT NULL,
  outcome text NOT NULL,
  detail text NOT NULL,
  latency_us bigint NOT NULL,
  PRIMARY KEY (chain, address, asked_at, source)
);
COMMENT ON TABLE attempts IS 'One question to one source about one token. Bounded per token, by age and by rows.';
CREATE INDEX attempts_age ON attempts (asked_at);

CREATE TABLE provider_budgets (
  source text PRIMARY KEY,
  remaining integer NOT NULL,
  limit_calls integer NOT NULL,
  used integer NOT NULL,
  last_used_at timestamptz NOT NULL,
  closed_until timestamptz NOT NULL DEFAULT '-infinity',
  updated_at timestamptz NOT NULL
);
COMMENT ON TABLE provider_budgets IS 'What the sources said about their limits, so that a restart does not forget it.';

CREATE TABLE checkpoints (
  name text PRIMARY KEY,
  cursor bigint NOT NULL,
  updated_at timestamptz NOT NULL
);
COMMENT ON TABLE checkpoints IS 'How far logs have been read; saved in the transaction of what was derived from them.';
