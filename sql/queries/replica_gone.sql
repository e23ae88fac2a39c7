-- A process that ends in good order leaves no sign of life behind.
DELETE FROM replicas WHERE name = $1
