ALTER TABLE boxes ADD COLUMN weight_grams bigint;
