"""The status page: what a person sees of the bridge in a browser, at three in the morning and with one hand.

The server gives one small document for each address, and files that never change while it runs. Modules of JavaScript ask
the status API for what is shown, as any other reader does, and watch its events. So there is one source of what is true,
one mask over secrets, one limit on what is asked, and nothing to build: what lies in `assets` is what the browser runs.
Each page is a document of its own: links, Back and a second tab work because the browser does them.

Promises: all that is shown of runs is set as text, never as markup; the policy in the headers forbids scripts, styles and
calls of elsewhere, and what would read a text as markup throws. It needs no network but the bridge. A person, who has no
header to send, signs in with the token of readers, once: what the browser keeps is no token, opens reading only, and ends
after half a day or when the token is exchanged. No token is ever in an address.

Does not know: rows, either side, who may write. What acts on a run some day is a form on the run's page that calls the API
with a token of its own; a session of this room opens nothing for it.
"""
