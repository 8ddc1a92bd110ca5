package main

import (
	"github.com/codex-platform/codex/pkg/config"

	"github.com/codex-platform/codex/services/auth/internal/limit"
)

// deletionSettings are how accounts end, and who else is told.
type deletionSettings struct {
	On         limit.Switch `env:"DELETE_USER" envDefault:"on" help:"people can delete their account, with their password or a fresh session (on, off)"`
	ByMail     bool         `env:"DELETE_USER_BY_MAIL" envDefault:"false" help:"an account is deleted only by a mailed link"`
	StorageURL config.URL   `env:"STORAGE_URL" example:"http://storage:8003" help:"the storage service, which is told of deleted accounts; default: nobody is"`
	WebhookURL config.URL   `env:"WEBHOOK_URL" example:"http://webhook:8002" help:"the billing service, which is told of deleted accounts; default: nobody is"`
}

// targets are the services that are told, by name.
func (d deletionSettings) targets() map[string]string {
	out := map[string]string{}
	for name, address := range map[string]config.URL{"storage": d.StorageURL, "webhook": d.WebhookURL} {
		if address != "" {
			out[name] = address.String()
		}
	}
	return out
}
