"""Tests, the double of Taskcluster's queue, and the private servers they run on."""
