"""The two listeners: shells that open the resources, hear one side, and let the engine settle what follows.

They decide nothing. A message is a hint: it makes the engine look sooner, never differently.
"""
