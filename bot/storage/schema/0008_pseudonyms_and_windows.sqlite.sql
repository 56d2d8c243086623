INSERT INTO pseudonym_key (id, value) VALUES (1, lower(hex(randomblob(32))));
