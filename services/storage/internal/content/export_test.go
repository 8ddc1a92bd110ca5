package content

// What the tests of this package look at from outside.
var (
	ParseRanges = parseRanges
	Disposition = disposition
)
