package objectstore

import (
	"strings"

	"github.com/codex-platform/codex/pkg/config"
)

// Settings say which bucket to use, and with which keys.
type Settings struct {
	Endpoint  config.URL    `env:"S3_ENDPOINT,required" help:"address of the S3-compatible store" example:"https://s3.eu-central-1.amazonaws.com"`
	Region    string        `env:"S3_REGION" envDefault:"us-east-1" help:"the bucket's region; auto for R2"`
	Bucket    string        `env:"S3_BUCKET,required" help:"name of the bucket; it must exist outside development" example:"codex-files"`
	AccessKey string        `env:"S3_ACCESS_KEY,required" help:"id of the access key" example:"AKIA5EXAMPLE"`
	SecretKey config.Secret `env:"S3_SECRET_KEY,required" help:"secret of the access key" example:"/run/secrets/s3_secret_key (with S3_SECRET_KEY_FILE)"`
	PathStyle bool          `env:"S3_PATH_STYLE" envDefault:"true" help:"put the bucket's name in the path instead of the host name"`
	// PartBuffers bounds the memory of large uploads: an upload of more than
	// 64 MiB, or of unknown length, holds one or two buffers of 8 MiB.
	PartBuffers int `env:"S3_PART_BUFFERS" envDefault:"32" help:"how many parts of 8 MiB may be in memory at a time" unit:"parts"`
}

// Validate refuses what no bucket can work with.
func (s Settings) Validate() []config.Fault {
	var faults []config.Fault
	if s.PartBuffers < 1 {
		faults = append(faults, config.Fault{Name: "S3_PART_BUFFERS", Problem: "is less than 1", Example: "32"})
	}
	if strings.Count(s.Endpoint.String(), "/") > 2 {
		faults = append(faults, config.Fault{Name: "S3_ENDPOINT", Problem: "must not hold a path", Example: "http://127.0.0.1:9100"})
	}
	return faults
}
