"""Networks, their collapsed posterior, and the samplers of it (torch, arviz)."""
