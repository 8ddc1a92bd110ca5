package seed

import (
	"bytes"
	"context"
	"fmt"
	"image"
	"image/color"
	"image/png"
	"net/http"
	"net/url"
)

type file struct {
	name, kind string
	content    []byte
}

// putFiles uploads the demo files, unless somebody has files already.
func (p *person) putFiles(ctx context.Context) error {
	var have struct{ Items []struct{ Name string } }
	if err := p.call(ctx, http.MethodGet, "/api/storage/v1/files?limit=1", nil, &have); err != nil {
		return err
	}
	if len(have.Items) > 0 {
		return nil
	}
	files, err := demoFiles()
	if err != nil {
		return err
	}
	for _, f := range files {
		status, text, err := p.send(ctx, http.MethodPost, p.origin+"/api/storage/v1/files?name="+url.QueryEscape(f.name), f.kind, f.content)
		if err != nil {
			return err
		}
		if status != http.StatusCreated {
			return fmt.Errorf("upload %s: status %d: %s", f.name, status, text)
		}
	}
	return nil
}

func demoFiles() ([]file, error) {
	picture, err := sunrise()
	if err != nil {
		return nil, err
	}
	return []file{
		{"Welcome.txt", "text/plain", []byte("Welcome to Codex.\n\nThis file, a table and a picture were put here so that there is something to see.\n" +
			"Rename them, download them, delete them.\n")},
		{"Figures.csv", "text/csv", []byte("month,files,bytes\n2026-08,12,48213\n2026-09,31,190455\n2026-10,58,420118\n")},
		{"Sunrise.png", "image/png", picture},
	}, nil
}

// sunrise is a small picture that needs no file in the repository.
func sunrise() ([]byte, error) {
	const width, height = 480, 270
	img := image.NewRGBA(image.Rect(0, 0, width, height))
	for y := range height {
		for x := range width {
			img.Set(x, y, sky(x-width/2, y, height))
		}
	}
	var out bytes.Buffer
	err := png.Encode(&out, img)
	return out.Bytes(), err
}

func sky(x, y, height int) color.RGBA {
	sun := 180
	if dy := y - sun; x*x+dy*dy < 60*60 && y < 210 {
		return color.RGBA{255, 214, 102, 255}
	}
	if y >= 210 {
		return color.RGBA{24, uint8(60 + (y-210)/2), 110, 255}
	}
	return color.RGBA{uint8(90 + y*160/height), uint8(70 + y*90/height), uint8(150 - y*60/height), 255}
}
