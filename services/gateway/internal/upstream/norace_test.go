//go:build !race

package upstream_test

const forgetful = false
