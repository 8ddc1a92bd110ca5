package main

// stage is one check of a request. It returns nil to let it pass, errAnswered
// when it has answered it, or the refusal to answer with.
type stage struct {
	name string
	run  func(*gate, *call) error
}

// stages are what every request goes through, in this order. What costs little
// and refuses much comes first; nothing behind a stage runs when it refuses.
var stages = []stage{
	{"security headers", (*gate).protect},
	{"strict request checks", (*gate).check},
	{"cross-origin sharing", (*gate).share},
	{"rate limit by address", (*gate).limitAddress},
	{"identity", (*gate).identify},
	{"rate limit by user", (*gate).limitUser},
	{"origin of changes", (*gate).checkOrigin},
	{"proxy", (*gate).forward},
}
