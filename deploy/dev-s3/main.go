// Command dev-s3 is the S3 server of development and of the tests: versitygw on a folder, on loopback, with real
// signature checks. It is a program of its own because the library changes the process's working folder and allows one
// server per process, and a module of its own because nothing that is deployed may depend on it.
package main

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"os"
	"os/signal"
	"path/filepath"
	"strings"
	"syscall"

	"github.com/pkg/xattr"
	"github.com/versity/versitygw/backend"
	"github.com/versity/versitygw/backend/meta"
	"github.com/versity/versitygw/backend/posix"
	"github.com/versity/versitygw/embedgw"
)

const usage = `dev-s3: an S3 server on a folder, for development and tests only

DEV_S3_ADDR        where to listen (default 127.0.0.1:9100)
DEV_S3_DIR         folder for the objects (required)
DEV_S3_ACCESS_KEY  id of the only key (required)
DEV_S3_SECRET_KEY  secret of that key (required)
DEV_S3_REGION      region to claim (default us-east-1)

GET /healthz answers 200 once it serves. SIGTERM ends it.
`

type settings struct {
	addr, dir, accessKey, secretKey, region string
}

func main() {
	if len(os.Args) > 1 {
		fmt.Print(usage)
		return
	}
	s, err := load()
	if err != nil {
		fmt.Fprintf(os.Stderr, "dev-s3: %v\n\n%s", err, usage)
		os.Exit(2)
	}
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt, syscall.SIGTERM)
	defer stop()
	if err := serve(ctx, s); err != nil && ctx.Err() == nil {
		fmt.Fprintf(os.Stderr, "dev-s3: %v\n", err)
		os.Exit(1)
	}
}

// load reads the environment; secrets are not taken from arguments, which every user of the machine can read.
func load() (settings, error) {
	s := settings{
		addr:      cmp.Or(os.Getenv("DEV_S3_ADDR"), "127.0.0.1:9100"),
		dir:       os.Getenv("DEV_S3_DIR"),
		accessKey: os.Getenv("DEV_S3_ACCESS_KEY"),
		secretKey: os.Getenv("DEV_S3_SECRET_KEY"),
		region:    cmp.Or(os.Getenv("DEV_S3_REGION"), "us-east-1"),
	}
	var missing []string
	for name, v := range map[string]string{"DEV_S3_DIR": s.dir, "DEV_S3_ACCESS_KEY": s.accessKey, "DEV_S3_SECRET_KEY": s.secretKey} {
		if v == "" {
			missing = append(missing, name)
		}
	}
	if len(missing) > 0 {
		return s, errors.New("missing: " + strings.Join(missing, ", "))
	}
	return s, nil
}

func serve(ctx context.Context, s settings) error {
	be, err := open(s.dir)
	if err != nil {
		return err
	}
	return embedgw.RunVersityGW(ctx, whole{be}, &embedgw.Config{
		RootUserAccess: s.accessKey, RootUserSecret: s.secretKey, Region: s.region,
		Ports: []string{s.addr}, KeepAlive: true, Quiet: true, HealthPath: "/healthz",
		MaxConnections: 4096, MaxRequests: 1024, MultipartMaxParts: 10000,
	})
}

// open keeps objects as plain files. Their metadata lies in extended attributes, or beside them in a folder of its own
// where the file system has none.
func open(dir string) (backend.Backend, error) {
	root, err := filepath.Abs(dir) // the library leaves the working folder
	if err != nil {
		return nil, err
	}
	objects, versions, side := filepath.Join(root, "objects"), filepath.Join(root, "versions"), filepath.Join(root, "sidecar")
	for _, d := range []string{objects, versions} {
		if err := os.MkdirAll(d, 0o700); err != nil {
			return nil, err
		}
	}
	opts := posix.PosixOpts{
		VersioningDir: versions, Concurrency: 64, ValidateBucketNames: true,
		CopyObjectThreshold: 5 << 30, // the library's zero refuses every copy
	}
	if hasAttributes(objects) {
		return posix.New(objects, meta.XattrMeta{}, opts)
	}
	if err := os.MkdirAll(side, 0o700); err != nil {
		return nil, err
	}
	beside, err := meta.NewSideCar(side)
	if err != nil {
		return nil, err
	}
	opts.SideCarDir = side
	return posix.New(objects, beside, opts)
}

func hasAttributes(dir string) bool {
	const probe = "user.codex.probe"
	if xattr.Set(dir, probe, []byte("1")) != nil {
		return false
	}
	return xattr.Remove(dir, probe) == nil
}
