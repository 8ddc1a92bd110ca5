// Package cache owns what Codex keeps in Redis: cached sessions, the revocation
// feed and rate limits. Every key has an end, and nothing here is needed for a
// right answer: with Redis away callers read PostgreSQL and limits are local.
package cache
