// Package database owns the way to PostgreSQL: the pool, transactions, the
// question whether it is away, and the migrations of a service's schema.
//
// It knows no table of a service. SQL lives in each feature's store.go and
// names its schema; nothing here sets a search_path.
//
// What happens when PostgreSQL misbehaves:
//
//   - It is down, restarts or has no connection left: every call fails within
//     two seconds and Unavailable says so, which httpapi turns into a 503 with
//     Retry-After. Open does not need it, and nothing has to be restarted when
//     it comes back.
//   - It is slow: a statement ends after ten seconds on the server's side; a
//     caller that waits for a free connection gives up after two.
//   - It answers with a certificate that nobody vouches for: the connection is
//     refused. Hosts other than this one need sslmode=verify-full, which is the
//     default; a weaker mode has to be spelled out and is logged at start.
package database
