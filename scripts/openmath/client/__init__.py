"""Asynchronous client of OpenAI-compatible endpoints: one request, many requests, pacing by the server's limits."""
