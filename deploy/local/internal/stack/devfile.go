package stack

import (
	"os"

	"github.com/codex-platform/codex/deploy/local/internal/seed"
	"github.com/codex-platform/codex/pkg/testkit/parts"
)

// devFile is .codex/dev.json, for tools and tests. It is there exactly while the stack is ready.
type devFile struct {
	PublicURL     string                 `json:"public_url"`
	Launcher      parts.Process          `json:"launcher"`
	Services      map[string]serviceFile `json:"services"`
	Inbox         inboxFile              `json:"inbox"`
	Database      databaseFile           `json:"database"`
	RedisURL      string                 `json:"redis_url"`
	S3            s3File                 `json:"s3"`
	Stripe        stripeFile             `json:"stripe"`
	ServiceTokens string                 `json:"service_tokens"`
	AuthSecrets   string                 `json:"auth_secrets"`
	Demo          *seed.Account          `json:"demo,omitempty"`
	Admin         *seed.Account          `json:"admin,omitempty"`
}

type serviceFile struct {
	URL        string `json:"url"`
	PrivateURL string `json:"private_url"` // /livez /readyz /metrics /debug/pprof/
	Pid        int    `json:"pid"`
	Binary     string `json:"binary"`
	Log        string `json:"log"`
}

type inboxFile struct {
	URL     string `json:"url"`
	SMTPURL string `json:"smtp_url"`
}

type databaseFile struct {
	URL   string            `json:"url"`   // the administrator's
	Roles map[string]string `json:"roles"` // the address as each role
}

type s3File struct {
	Endpoint  string `json:"endpoint"`
	Region    string `json:"region"`
	Bucket    string `json:"bucket"`
	AccessKey string `json:"access_key"`
	SecretKey string `json:"secret_key"`
}

type stripeFile struct {
	URL            string   `json:"url"` // empty: Stripe's own
	SecretKey      string   `json:"secret_key"`
	WebhookSecrets []string `json:"webhook_secrets"`
}

func (s *Stack) publish() error {
	me, err := parts.Identify(os.Getpid())
	if err != nil {
		return err
	}
	f := devFile{
		PublicURL: s.Settings.PublicURL.String(), Launcher: me, Services: s.serviceFiles(),
		Database: databaseFile{URL: s.database.address.String(), Roles: map[string]string{}}, RedisURL: s.redisURL,
		S3:            s3File{s.s3.endpoint, s.Settings.S3Region, s.Settings.S3Bucket, s.s3.accessKey, s.s3.secretKey},
		Stripe:        stripeFile{s.stripe.url, s.stripe.key, s.stripe.signatures},
		ServiceTokens: s.secrets.Service, AuthSecrets: s.secrets.Auth,
		Inbox: inboxFile{SMTPURL: s.smtpURL},
	}
	if s.inbox.Server != nil {
		f.Inbox.URL = s.inbox.URL()
	}
	for _, role := range roles() {
		f.Database.Roles[role] = s.dsn(role)
	}
	if s.Settings.Seed {
		f.Demo, f.Admin = &s.demo.Demo, &s.demo.Admin
	}
	return s.Folder.Publish(f)
}

func (s *Stack) serviceFiles() map[string]serviceFile {
	files := map[string]serviceFile{}
	for _, svc := range s.running() {
		public, private := s.portsOf(svc.Name)
		files[svc.Name] = serviceFile{
			URL: loopback(public), PrivateURL: loopback(private), Pid: svc.Pid(), Binary: svc.Binary, Log: s.Logs.File(svc.Name),
		}
	}
	return files
}
