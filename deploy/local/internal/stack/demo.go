package stack

import (
	"context"

	"github.com/codex-platform/codex/deploy/local/internal/seed"
)

// plant makes the demo accounts.
func (s *Stack) plant(ctx context.Context) (string, error) {
	garden := seed.Garden{
		PublicURL: s.Settings.PublicURL.String(), Auth: s.Settings.BasePath.String(), Database: s.database.address.String(), Inbox: s.inbox.Server,
		StandIn: s.stripe.standIn != nil, DemoPassword: s.secrets.DemoPassword, AdminPassword: s.secrets.AdminPassword,
	}
	result, err := garden.Plant(ctx)
	if err != nil {
		return "", err
	}
	s.demo = result
	return result.Demo.Email + ", " + result.Admin.Email, nil
}
