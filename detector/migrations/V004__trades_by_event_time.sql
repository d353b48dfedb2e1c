-- Where the writer looks for a trade that it has forgotten. The BRIN index that was here knows nothing of rows until
-- they are summarised, and the server notes at most 256 ranges for that between two rounds of autovacuum: on a log that
-- grows fast each look-up read all that had come since, gigabytes, and the server logged a line for each range that it
-- did not note. Event times grow nearly as cursors do, so this index too mostly grows at its right edge.
DROP INDEX trades_event_time;
CREATE INDEX trades_event_time ON trades (event_time);
