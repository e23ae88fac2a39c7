"""Very many runs in flight that exist only as rows, and a server that answers for both sides as if they did.

What it is for
    A queue double with a million tasks would need gigabytes and hours. What sweeps and reclaims cost the bridge depends on its
    rows and on the answers alone.

What it promises
    Run number n has the same name, request and build number in the rows and in the answers; every run runs, and nothing that is
    answered changes a row, except the end of a claim that is renewed. The server notes the order of renewals.

What it does not know
    Signatures: it believes everybody.
"""
