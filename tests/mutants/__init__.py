"""Mutants: known defects, put back one at a time, and each has to be seen.

What it is for
    A checker that never complains may be blind. Here are the defects of the bridge's forerunner and the incidents of other
    bridges and queues, each as one replacement of text in the production code, made by an import hook in a process of its
    own. The simulation or the model check must find each of them; a survivor is a blind spot of theirs.

What it promises
    Nothing in the production code knows of it. A mutant's anchor stands exactly once in today's source, and what is put in
    compiles (`test_catalogue`), so a mutant that no longer says what it means is noticed at once.

        python -m tests.mutants                                      all of them; the last line is JSON
        python -m tests.mutants --only retry-kills-the-build         one
        python -m tests.mutants.under NAME tests.simulation --replay SCHEDULE      how it dies

What it does not know
    SQL, HTTP, AMQP, the plugin: the simulation and the model play these, so a defect put into them would not be there.
    `elsewhere.ELSEWHERE` names such defects, and the tests that hold them off, or why they cannot exist here.
"""
