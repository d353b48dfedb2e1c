-- In a line of token_prices.venues, "=" stands for what the row says of its last price, and "-" for nothing.
CREATE OR REPLACE VIEW markets AS
SELECT p.chain, p.address, p.quote, v.f[1] AS venue,
       (CASE v.f[2] WHEN '=' THEN p.last_quote_units::text WHEN '-' THEN NULL ELSE v.f[2] END)::numeric(78,0)
         AS last_quote_units,
       (CASE v.f[3] WHEN '=' THEN p.last_token_units::text WHEN '-' THEN NULL ELSE v.f[3] END)::numeric(78,0)
         AS last_token_units,
       CASE v.f[4] WHEN '=' THEN p.last_at WHEN '-' THEN NULL
                   ELSE timestamptz 'epoch' + v.f[4]::bigint * interval '1 microsecond' END AS last_at,
       nullif(v.f[5], '-')::bigint AS last_cursor,
       CASE v.f[6] WHEN '=' THEN p.last_transaction WHEN '-' THEN NULL ELSE v.f[6] END AS last_transaction,
       nullif(v.f[9], '-')::numeric(78,0) AS pool_quote,
       (CASE WHEN v.f[10] = '-' THEN NULL WHEN v.f[10] <> '=' THEN v.f[10]
             WHEN v.f[3] <> '=' THEN v.f[3] ELSE p.last_token_units::text END)::numeric(78,0) AS token_reserve,
       (CASE WHEN v.f[11] = '-' THEN NULL WHEN v.f[11] <> '=' THEN v.f[11]
             WHEN v.f[2] <> '=' THEN v.f[2] ELSE p.last_quote_units::text END)::numeric(78,0) AS quote_reserve,
       v.f[12]::numeric(78,0) AS quote_volume,
       v.f[13]::bigint AS trades
FROM token_prices p, LATERAL (SELECT string_to_array(line, ' ') FROM string_to_table(p.venues, E'\n') AS line) AS v(f)
WHERE p.venues <> '';
