"""Chalice blueprints: parse, call one flow, answer."""
