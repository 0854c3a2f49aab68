-- One row that is written again and again to see whether the database can be written.
CREATE TABLE probe (
    id SMALLINT PRIMARY KEY CHECK (id = 1),
    at BIGINT NOT NULL
) WITH (fillfactor = 50);
