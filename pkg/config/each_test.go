package config_test

import (
	"bytes"
	"strings"
	"testing"

	"github.com/codex-platform/codex/pkg/config"
)

type partner struct {
	URL    config.URL    `env:"URL,required" help:"where it is"`
	Secret config.Secret `env:"SECRET" help:"what it knows"`
	Scopes []string      `env:"SCOPES" envDefault:"a,b"`
}

type partners struct {
	Inner struct {
		Names []string           `env:"PARTNERS" help:"who they are"`
		All   map[string]partner `each:"PARTNERS" envPrefix:"PARTNER_*_"`
	}
}

func TestLoad_readsAStructForEachNameOfAList(t *testing.T) {
	t.Parallel()
	got, err := config.Load[partners]([]string{
		"PARTNERS=acme, big-corp", "PARTNER_ACME_URL=https://acme.test", "PARTNER_ACME_SECRET=one",
		"PARTNER_BIG_CORP_URL=https://big.test", "PARTNER_BIG_CORP_SCOPES=c",
	})
	if err != nil {
		t.Fatal(err)
	}
	acme, big := got.Inner.All["acme"], got.Inner.All["big-corp"]
	if len(got.Inner.All) != 2 || acme.URL != "https://acme.test" || acme.Secret.Reveal() != "one" || len(acme.Scopes) != 2 ||
		big.URL != "https://big.test" || len(big.Scopes) != 1 {
		t.Errorf("got %+v", got.Inner.All)
	}
}

func TestLoad_namesTheFaultsOfEachMember(t *testing.T) {
	t.Parallel()
	_, err := config.Load[partners]([]string{"PARTNERS=acme,Big,x_y,", "PARTNER_ACME_SECRET=changeme"})
	for _, want := range []string{"PARTNER_ACME_URL is missing", "PARTNER_ACME_SECRET is a sample", "PARTNERS holds a name"} {
		if err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("%q is not said: %v", want, err)
		}
	}
}

func TestHelp_describesTheVariablesOfEachMember(t *testing.T) {
	t.Parallel()
	var out bytes.Buffer
	config.Program[partners]{Name: "x", Commands: []config.Command[partners]{{Name: "serve"}}}.Run(t.Context(), []string{"--help"}, nil, &out, &out)
	for _, want := range []string{"For each name in PARTNERS", "PARTNER_*_URL (required)", "PARTNER_*_SECRET_FILE="} {
		if !strings.Contains(out.String(), want) {
			t.Errorf("%q is not said:\n%s", want, out.String())
		}
	}
}
