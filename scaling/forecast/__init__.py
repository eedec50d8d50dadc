"""Forecasts that can be trusted: ensembles, backtests, audits, and recipes compared."""
