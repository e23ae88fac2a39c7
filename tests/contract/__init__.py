"""The rooms against recordings and models of the systems outside."""
