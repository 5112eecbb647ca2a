"""One module a measured claim, the sweeps that run it, and the stored results (xarray)."""
