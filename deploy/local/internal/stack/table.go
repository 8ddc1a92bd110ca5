package stack

import (
	"fmt"
	"io"
	"strings"
)

// Table writes what a person needs to know, once everything is up.
func (s *Stack) Table(out io.Writer, bold bool) {
	rows := [][2]string{
		{"app", s.Settings.PublicURL.String()},
		{"inbox", s.inboxAddress()},
		{"letters", s.letters() + " (every letter as it would be sent)"},
		{"database", "psql '" + s.database.address.String() + "'"},
		{"redis", s.redisURL},
		{"s3", fmt.Sprintf("%s  bucket %s  key %s  secret %s", s.s3.endpoint, s.Settings.S3Bucket, s.s3.accessKey, s.s3.secretKey)},
		{"stripe", s.stripeAddress()},
		{"provider", s.provider + " (signIn.social({ provider: '" + demoProvider + "' }), as whoever you like)"},
		{"metrics", s.metrics()},
	}
	if s.Settings.Seed {
		rows = append(rows, [2]string{"demo user", s.demo.Demo.Email + "  " + s.demo.Demo.Password},
			[2]string{"demo admin", s.demo.Admin.Email + "  " + s.demo.Admin.Password})
	}
	rows = append(rows, [2]string{"for tools", s.Folder.Path("dev.json")}, [2]string{"logs", s.Folder.Path("logs")})
	fmt.Fprintln(out)
	for _, r := range rows {
		name := fmt.Sprintf("%-12s", r[0])
		if bold {
			name = "\x1b[1m" + name + "\x1b[0m"
		}
		fmt.Fprintf(out, "  %s %s\n", name, r[1])
	}
	for _, n := range s.notes {
		fmt.Fprintf(out, "\n  Note: %s\n", n)
	}
	fmt.Fprintln(out, "\n  Ctrl-C stops everything.")
	fmt.Fprintln(out)
}

func (s *Stack) inboxAddress() string {
	if s.inbox.Server == nil {
		return "none: mail goes to SMTP_URL"
	}
	return "http://localhost:" + portOf(s.Settings.Inbox)
}

func (s *Stack) letters() string {
	_, private := s.portsOf("auth")
	return fmt.Sprintf("http://localhost:%d/letters", private)
}

func (s *Stack) stripeAddress() string {
	if s.stripe.standIn == nil {
		return "Stripe itself, with your key"
	}
	return s.stripe.url + " (stand-in: no money moves)"
}

func (s *Stack) metrics() string {
	list := make([]string, len(names))
	for i, name := range names {
		_, private := s.portsOf(name)
		list[i] = fmt.Sprintf("%s :%d", name, private)
	}
	return "http://localhost:<port>/metrics  " + strings.Join(list, "  ")
}
