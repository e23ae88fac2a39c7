-- Two orders in which what is due is taken: claims that end soon by their end, all else by when it fell due. The holder is in
-- both, so that a process finds its own runs among very many of others. Taking and giving back a lease changes no column of
-- theirs. The old index goes first, which locks the table for all: with less at the beginning, and more at the end, services
-- that change rows meanwhile and this would wait for each other.
DROP INDEX runs_due;
CREATE INDEX runs_near ON runs (taken_until, due_at, holder) WHERE taken_until IS NOT NULL;
CREATE INDEX runs_due ON runs (due_at, holder) WHERE phase <> 'settled';
