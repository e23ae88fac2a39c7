"""What a version hands out: wheel, sdist, image, the list of what is in them, and checksums of all of it.

Promises: the same commit gives the same wheel and sdist, byte for byte, wherever and whenever they are built; the list names
every package of the image with its licence and the hashes that the lock has; nothing of the machine that builds the image, its
package index, certificates or account, stays in the image.

It knows buildah and podman, which need no daemon. Where the image's base cannot be pulled, one made of the same Debian
release stands for it in tests: `docker/Dockerfile` itself is the same for both. It does not publish anything, and it does not
know the chart.
"""
