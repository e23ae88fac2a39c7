-- A process that ends in good order gives up its leases, and the runs whose credentials only it had; not those of others.
UPDATE runs SET holder = nullif(holder, $1),
    lease_owner = nullif(lease_owner, $1), lease_until = CASE WHEN lease_owner <> $1 THEN lease_until END
WHERE phase <> 'settled' AND (holder = $1 OR lease_owner = $1)
