-- How many tokens there are, kept by triggers: counting the rows took a third of a second at 120,000 tokens and grows
-- with them, and everybody who asks for the status asks for it.
CREATE TABLE token_totals (
  state smallint NOT NULL,
  name_source text NOT NULL,
  tokens bigint NOT NULL,
  migrated bigint NOT NULL,
  PRIMARY KEY (state, name_source)
) WITH (fillfactor = 20);
COMMENT ON TABLE token_totals IS 'Rows of detected_tokens (state 2) and pending_tokens (1) by name_source; none that counts nothing.';

-- Once for each statement on either table of tokens. A statement that changes no count, such as a claim, writes
-- nothing here and so waits for nobody.
CREATE FUNCTION count_tokens() RETURNS trigger LANGUAGE plpgsql AS $$
DECLARE
  of_state smallint := CASE TG_TABLE_NAME WHEN 'detected_tokens' THEN 2 ELSE 1 END;
BEGIN
  IF TG_OP = 'INSERT' THEN
    -- Empty when all rows of an INSERT ... ON CONFLICT were there.
    IF EXISTS (SELECT FROM come) THEN
      INSERT INTO detector.token_totals AS t
        SELECT of_state, name_source, count(*), count(migrated_at) FROM come GROUP BY name_source
        ON CONFLICT (state, name_source) DO UPDATE
        SET tokens = t.tokens + excluded.tokens, migrated = t.migrated + excluded.migrated;
    END IF;
    RETURN NULL;
  ELSIF TG_OP = 'DELETE' THEN
    UPDATE detector.token_totals t SET tokens = t.tokens - g.tokens, migrated = t.migrated - g.migrated
      FROM (SELECT name_source, count(*) AS tokens, count(migrated_at) AS migrated FROM gone GROUP BY name_source) g
      WHERE t.state = of_state AND t.name_source = g.name_source;
  ELSIF EXISTS (SELECT FROM come) THEN
    INSERT INTO detector.token_totals AS t
      SELECT of_state, name_source, sum(token), sum(migration) FROM (
        SELECT name_source, 1 AS token, (migrated_at IS NOT NULL)::int AS migration FROM come
        UNION ALL
        SELECT name_source, -1, -(migrated_at IS NOT NULL)::int FROM gone) changes
      GROUP BY name_source HAVING sum(token) <> 0 OR sum(migration) <> 0
      ON CONFLICT (state, name_source) DO UPDATE
      SET tokens = t.tokens + excluded.tokens, migrated = t.migrated + excluded.migrated;
  ELSE
    RETURN NULL;
  END IF;
  IF FOUND THEN
    DELETE FROM detector.token_totals WHERE tokens = 0;
  END IF;
  RETURN NULL;
END
$$;

-- No token comes or goes between the counting and the first trigger.
LOCK TABLE detected_tokens, pending_tokens IN SHARE ROW EXCLUSIVE MODE;
INSERT INTO token_totals
  SELECT 2, name_source, count(*), count(migrated_at) FROM detected_tokens GROUP BY name_source
  UNION ALL SELECT 1, name_source, count(*), count(migrated_at) FROM pending_tokens GROUP BY name_source;
CREATE TRIGGER count_inserted AFTER INSERT ON detected_tokens REFERENCING NEW TABLE AS come
  FOR EACH STATEMENT EXECUTE FUNCTION count_tokens();
CREATE TRIGGER count_updated AFTER UPDATE ON detected_tokens REFERENCING OLD TABLE AS gone NEW TABLE AS come
  FOR EACH STATEMENT EXECUTE FUNCTION count_tokens();
CREATE TRIGGER count_deleted AFTER DELETE ON detected_tokens REFERENCING OLD TABLE AS gone
  FOR EACH STATEMENT EXECUTE FUNCTION count_tokens();
CREATE TRIGGER count_inserted AFTER INSERT ON pending_tokens REFERENCING NEW TABLE AS come
  FOR EACH STATEMENT EXECUTE FUNCTION count_tokens();
CREATE TRIGGER count_updated AFTER UPDATE ON pending_tokens REFERENCING OLD TABLE AS gone NEW TABLE AS come
  FOR EACH STATEMENT EXECUTE FUNCTION count_tokens();
CREATE TRIGGER count_deleted AFTER DELETE ON pending_tokens REFERENCING OLD TABLE AS gone
  FOR EACH STATEMENT EXECUTE FUNCTION count_tokens();
