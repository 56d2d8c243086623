INSERT INTO pseudonym_key (id, value) VALUES (1, CAST(gen_random_uuid() AS TEXT) || CAST(gen_random_uuid() AS TEXT));
