package quota_test

import (
	"errors"
	"math/rand/v2"
	"os"
	"testing"

	"github.com/codex-platform/codex/services/storage/internal/quota"
)

func TestAccount(t *testing.T) {
	t.Parallel()
	for name, tc := range map[string]struct {
		account quota.Account
		open    quota.Reservation
		want    error
	}{
		"there is room":                        {quota.Account{Limit: 10, MaxFiles: 1}, quota.Reservation{Bytes: 10, Files: 1}, nil},
		"not for so many bytes":                {quota.Account{Limit: 10, MaxFiles: 1}, quota.Reservation{Bytes: 11, Files: 1}, quota.ErrExceeded},
		"uploads under way count":              {quota.Account{Limit: 10, Reserved: 5, MaxFiles: 9}, quota.Reservation{Bytes: 6, Files: 1}, quota.ErrExceeded},
		"an empty file fits where all is used": {quota.Account{Limit: 10, Used: 10, MaxFiles: 9}, quota.Reservation{Files: 1}, nil},
		"but not where too much is used":       {quota.Account{Limit: 10, Used: 11, MaxFiles: 9}, quota.Reservation{Files: 1}, quota.ErrOverLimit},
		"too many files":                       {quota.Account{Limit: 10, Files: 3, MaxFiles: 3}, quota.Reservation{Files: 1}, quota.ErrTooManyFiles},
		"too many files soon":                  {quota.Account{Limit: 10, ReservedFiles: 3, MaxFiles: 3}, quota.Reservation{Files: 1}, quota.ErrTooManyFiles},
		"replacing needs no place":             {quota.Account{Limit: 10, Files: 3, MaxFiles: 3}, quota.Reservation{Bytes: 1}, nil},
		"a closed account takes nothing":       {quota.Account{Limit: 10, MaxFiles: 3, Closed: true}, quota.Reservation{}, quota.ErrClosed},
		"closed counts before full":            {quota.Account{Closed: true}, quota.Reservation{Files: 1}, quota.ErrClosed},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			before := tc.account
			err := tc.account.Open(tc.open)
			if !errors.Is(err, tc.want) {
				t.Fatalf("Open = %v, want %v", err, tc.want)
			}
			if err != nil && tc.account != before {
				t.Errorf("a refusal has changed the account: %+v", tc.account)
			}
		})
	}
}

func TestAccount_Extend(t *testing.T) {
	t.Parallel()
	a := quota.Account{Limit: 100, MaxFiles: 1}
	for _, step := range []struct{ need, want, granted int64 }{{1, 60, 60}, {1, 60, 40}} {
		got, err := a.Extend(step.need, step.want)
		if err != nil || got != step.granted {
			t.Fatalf("Extend(%d, %d) = %d, %v, want %d", step.need, step.want, got, err, step.granted)
		}
	}
	if _, err := a.Extend(1, 60); !errors.Is(err, quota.ErrExceeded) {
		t.Errorf("Extend = %v", err)
	}
}

// A file that was to be replaced has gone, and its room is taken: the upload
// that had counted on it is refused in the end.
func TestAccount_Keep_checksWhatWasNotReserved(t *testing.T) {
	t.Parallel()
	a := quota.Account{Limit: 100, Used: 100, Files: 1, MaxFiles: 5}
	replacing := quota.Reservation{}
	if err := a.Open(replacing); err != nil {
		t.Fatal(err)
	}
	a.Drop(100)
	other := quota.Reservation{Bytes: 60, Files: 1}
	if err := a.Open(other); err != nil {
		t.Fatal(err)
	}
	if err := a.Keep(replacing, 100, -1); !errors.Is(err, quota.ErrExceeded) {
		t.Errorf("Keep = %v", err)
	}
	if err := a.Keep(replacing, 40, -1); err != nil || a.Used != 40 || a.Files != 1 {
		t.Errorf("Keep = %v, %+v", err, a)
	}
}

// Whatever is done in whatever order: the counters are what is open and kept,
// and what is kept and reserved never grows beyond the limit.
func TestAccount_property(t *testing.T) {
	t.Parallel()
	steps := 20_000
	if os.Getenv("CODEX_SOAK") == "1" {
		steps = 2_000_000
	}
	t.Logf("%d steps", steps)
	random := rand.New(rand.NewChaCha8([32]byte{3}))
	a := quota.Account{Limit: 1000, MaxFiles: 6}
	var open []quota.Reservation
	var files []int64
	for step := range steps {
		room := max(a.Limit, a.Used+a.Reserved)
		switch random.IntN(6) {
		case 0, 1:
			r := quota.Reservation{Bytes: random.Int64N(400), Files: random.Int64N(2)}
			if a.Open(r) == nil {
				open = append(open, r)
			}
		case 2:
			if len(open) > 0 {
				i := random.IntN(len(open))
				if n, err := a.Extend(1+random.Int64N(50), random.Int64N(100)); err == nil {
					open[i].Bytes += n
				}
			}
		case 3:
			if len(open) > 0 {
				i := random.IntN(len(open))
				a.Abandon(open[i])
				open = append(open[:i], open[i+1:]...)
			}
		case 4:
			if len(open) > 0 {
				i := random.IntN(len(open))
				size, replaced, at := random.Int64N(open[i].Bytes+50), int64(-1), -1
				if len(files) > 0 && random.IntN(2) == 0 {
					at = random.IntN(len(files))
					replaced = files[at]
				}
				if a.Keep(open[i], size, replaced) == nil {
					open = append(open[:i], open[i+1:]...)
					if at >= 0 {
						files[at] = size
					} else {
						files = append(files, size)
					}
				}
			}
		case 5:
			if len(files) > 0 {
				i := random.IntN(len(files))
				a.Drop(files[i])
				files = append(files[:i], files[i+1:]...)
			} else {
				a.Limit = 200 + random.Int64N(1500)
			}
		}
		check(t, step, a, open, files, room)
	}
}

func check(t *testing.T, step int, a quota.Account, open []quota.Reservation, files []int64, room int64) {
	t.Helper()
	var want quota.Account
	for _, r := range open {
		want.Reserved += r.Bytes
		want.ReservedFiles += r.Files
	}
	for _, size := range files {
		want.Used += size
	}
	want.Files = int64(len(files))
	if a.Used != want.Used || a.Reserved != want.Reserved || a.Files != want.Files || a.ReservedFiles != want.ReservedFiles {
		t.Fatalf("step %d: %+v, want %+v", step, a, want)
	}
	if a.Used+a.Reserved > room || a.Files+a.ReservedFiles > a.MaxFiles {
		t.Fatalf("step %d: %+v is over its limits", step, a)
	}
}
