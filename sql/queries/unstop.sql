-- Lift an order.
DELETE FROM stops WHERE kind = $1 AND pool = $2 AND builders = $3 RETURNING kind
