//go:build race

package upstream_test

// forgetful holds where pools forget at random what they were given, as under the
// race detector: what is allocated then says nothing.
const forgetful = true
