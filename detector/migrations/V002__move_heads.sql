-- Moves the heads, or fails the transaction it is called in: the writer sends all statements of a commit at once, the
-- last of them COMMIT, and cannot look at the outcome of one before it sends the next.
CREATE FUNCTION move_heads(from_token bigint, from_trade bigint, from_quarantine bigint, to_token bigint,
                           to_trade bigint, to_quarantine bigint, latest timestamptz, latest_loose timestamptz)
RETURNS void LANGUAGE plpgsql AS $$
BEGIN
  UPDATE detector.log_heads SET token_cursor = to_token, trade_cursor = to_trade, quarantine_id = to_quarantine,
    latest_trade = latest, latest_loose_trade = latest_loose
  WHERE shard = 0 AND token_cursor = from_token AND trade_cursor = from_trade AND quarantine_id = from_quarantine;
  IF NOT FOUND THEN
    RAISE EXCEPTION 'the log moved under its writer: another process writes without the lock'
      USING ERRCODE = 'serialization_failure';
  END IF;
END
$$;
COMMENT ON FUNCTION move_heads IS 'Cannot fail while the writer holds its advisory lock.';
