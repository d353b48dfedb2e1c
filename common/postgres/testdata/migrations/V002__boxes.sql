CREATE TABLE boxes (id bigint PRIMARY KEY, shelf bigint NOT NULL REFERENCES shelves);
INSERT INTO shelves (id) VALUES (1);
