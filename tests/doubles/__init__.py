"""Doubles of foreign systems: pure ledgers that keep the rules of the real thing and pass its recordings."""
