ALTER TABLE checkpoints ADD COLUMN log_began timestamptz;
COMMENT ON COLUMN checkpoints.log_began IS 'Event time of the first trade that there was to fold, where the log no longer had those before it';
