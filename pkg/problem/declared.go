package problem

import (
	"cmp"
	"slices"
	"sync"
)

// declared is every refusal of the process: they are declared in variables, and so
// before the first request.
var declared struct {
	sync.Mutex
	all []*Problem
}

func declare(p *Problem) *Problem {
	declared.Lock()
	defer declared.Unlock()
	declared.all = append(declared.all, p)
	return p
}

// Declared lists the refusals that the process can answer with, by code.
func Declared() []*Problem {
	declared.Lock()
	defer declared.Unlock()
	all := slices.Clone(declared.all)
	slices.SortFunc(all, func(a, b *Problem) int {
		return cmp.Or(cmp.Compare(a.Code, b.Code), cmp.Compare(a.Status, b.Status))
	})
	return all
}
