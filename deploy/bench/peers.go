package main

import (
	"context"
	"embed"
	"errors"
	"net/url"
	"os"
	"os/exec"
	"text/template"

	"github.com/codex-platform/codex/pkg/testkit/parts"
	"github.com/codex-platform/codex/pkg/testkit/port"
)

//go:embed peers
var peerFiles embed.FS

// errMissing is a peer that this machine does not have: it is named and left out.
var errMissing = errors.New("missing here (make deps-bench installs it)")

// peer is a gateway of somebody else, running with one thread.
type peer struct {
	url string
	pid int
	lua bool // nginx: it can do the checks
}

// haproxy checks JWTs and counts in two stick tables under /api/, and only proxies elsewhere.
func (b *bench) haproxy(ctx context.Context, up *upstream) (peer, error) {
	program, err := daemon("haproxy")
	if err != nil {
		return peer{}, err
	}
	free, err := port.Free()
	if err != nil {
		return peer{}, err
	}
	config, err := b.fill("haproxy.cfg", map[string]any{
		"Listen": port.Addr(free), "Key": up.key, "Issuer": up.issuer.name, "Upstream": up.addr,
	})
	if err != nil {
		return peer{}, err
	}
	return b.peer(ctx, free, parts.Spec{Name: "haproxy", Path: program, Args: []string{"-db", "-f", config}})
}

// nginxModules are Debian's; without them nginx only proxies.
var nginxModules = []string{"/usr/lib/nginx/modules/ndk_http_module.so", "/usr/lib/nginx/modules/ngx_http_lua_module.so"}

// nginx checks JWTs and asks Redis for the user's limit under /api/, where it
// has Lua, and only proxies elsewhere.
func (b *bench) nginx(ctx context.Context, up *upstream, redisURL string) (peer, error) {
	program, err := daemon("nginx")
	if err != nil {
		return peer{}, err
	}
	free, err := port.Free()
	if err != nil {
		return peer{}, err
	}
	redis, err := url.Parse(redisURL)
	if err != nil {
		return peer{}, err
	}
	modules := nginxModules
	for _, module := range modules {
		if _, err := os.Stat(module); err != nil {
			modules = nil
		}
	}
	script, err := peerFiles.ReadFile("peers/check.lua")
	if err != nil {
		return peer{}, err
	}
	if err := os.WriteFile(b.path("check.lua"), script, 0o600); err != nil {
		return peer{}, err
	}
	config, err := b.fill("nginx.conf", map[string]any{
		"Listen": port.Addr(free), "Dir": b.dir, "Modules": modules, "Key": up.key, "Issuer": up.issuer.name, "Upstream": up.addr, "RedisPort": redis.Port(),
	})
	if err != nil {
		return peer{}, err
	}
	p, err := b.peer(ctx, free, parts.Spec{Name: "nginx", Path: program, Args: []string{"-e", "stderr", "-c", config}})
	p.lua = modules != nil
	return p, err
}

// peer starts a gateway on the gateways' CPU.
func (b *bench) peer(ctx context.Context, listens int, spec parts.Spec) (peer, error) {
	child, err := parts.Start(b.onGatewayCPU(spec))
	if err != nil {
		return peer{}, err
	}
	b.ends = append(b.ends, func() { _ = child.Stop() })
	if err := port.Wait(ctx, port.Addr(listens)); err != nil {
		return peer{}, errors.Join(err, errors.New(child.LastLines()))
	}
	return peer{url: "http://" + port.Addr(listens), pid: child.Pid()}, nil
}

// fill writes one of the peers' configurations and gives its path.
func (b *bench) fill(name string, values map[string]any) (string, error) {
	filled, err := template.ParseFS(peerFiles, "peers/"+name+".tmpl")
	if err != nil {
		return "", err
	}
	file, err := os.Create(b.path(name))
	if err != nil {
		return "", err
	}
	defer file.Close()
	return file.Name(), filled.Execute(file, values)
}

// daemon also looks where Debian keeps daemons, which an ordinary user's PATH leaves out.
func daemon(name string) (string, error) {
	for _, place := range []string{name, "/usr/sbin/" + name} {
		if found, err := exec.LookPath(place); err == nil {
			return found, nil
		}
	}
	return "", errMissing
}
