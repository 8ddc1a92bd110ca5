package logs_test

import (
	"bytes"
	"os"
	"strings"
	"testing"

	"github.com/codex-platform/codex/deploy/local/internal/logs"
)

func usual(name string) bool { return name == "auth" || name == "gateway" }

func write(t *testing.T, s *logs.Stream, name, text string) {
	t.Helper()
	w, err := s.Writer(name)
	if err != nil {
		t.Fatal(err)
	}
	if _, err := w.Write([]byte(text)); err != nil {
		t.Fatal(err)
	}
	w.Close()
}

func TestStream_makesJSONReadable(t *testing.T) {
	t.Parallel()
	var screen bytes.Buffer
	s := logs.New(&screen, false, t.TempDir(), nil, usual)
	s.Open()

	write(t, s, "auth", `{"time":"2030-01-02T03:04:05.678Z","level":"INFO","msg":"session ended","service":"auth","session_id":"s1","reason":"signed out","n":3}`+"\n")

	line := screen.String()
	for _, want := range []string{"auth ", "INFO ", "session ended", "session_id=s1", `reason="signed out"`, "n=3"} {
		if !strings.Contains(line, want) {
			t.Errorf("%q lacks %q", line, want)
		}
	}
	if strings.Contains(line, "service=") || strings.Contains(line, "\x1b") {
		t.Errorf("%q repeats the service, or is coloured in a pipe", line)
	}
}

func TestStream_keepsEverythingInFilesAndShowsWhatIsAskedFor(t *testing.T) {
	t.Parallel()
	for name, tc := range map[string]struct {
		only []string
		want string
	}{
		"the usual": {nil, "auth"},
		"chosen":    {[]string{"postgres"}, "postgres"},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			var screen bytes.Buffer
			s := logs.New(&screen, false, t.TempDir(), tc.only, usual)
			s.Open()

			write(t, s, "auth", "from auth\n")
			write(t, s, "postgres", "from postgres\n")

			if got := screen.String(); !strings.Contains(got, "from "+tc.want) || strings.Count(got, "\n") != 1 {
				t.Errorf("shown: %q, want only %s", got, tc.want)
			}
			for _, part := range []string{"auth", "postgres"} {
				if kept, err := os.ReadFile(s.File(part)); err != nil || string(kept) != "from "+part+"\n" {
					t.Errorf("file of %s: %q, %v", part, kept, err)
				}
			}
		})
	}
}

func TestStream_dropsControlCharacters(t *testing.T) {
	t.Parallel()
	var screen bytes.Buffer
	s := logs.New(&screen, false, t.TempDir(), nil, usual)
	s.Open()

	write(t, s, "auth", "clear\x1b[2J the screen\n")

	if strings.Contains(screen.String(), "\x1b") {
		t.Errorf("shown: %q", screen.String())
	}
}
