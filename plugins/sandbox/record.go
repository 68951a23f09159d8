package main

import (
	"encoding/json"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"regexp"

	"github.com/patchbay/patchbay/sdk"
	"github.com/patchbay/patchbay/sdk/sandbox"
)

// record is what a new process of the adapter has to know of a sandbox. It stands in its folder:
//
//	FOLDER/ID/record.json
//	          disk.img      its file system, which bounds what it can store
//	          disk/         that, mounted: up/ and wk/ of the overlay, tmp/
//	          rootfs/       template and disk/up, one over the other
//	          config.json   for the runtime
//	          image/        its memory, while it is parked
type record struct {
	ID       string            `json:"id"`
	Runtime  string            `json:"runtime"`
	Template string            `json:"template"`
	Limits   sandbox.Limits    `json:"limits"`
	Env      map[string]string `json:"env"`
	// Ready is set when it has been made as a whole.
	Ready bool `json:"ready"`
	// RuntimeVersion made the image: another one may not be able to read it.
	RuntimeVersion string `json:"runtime_version"`
}

var idForm = regexp.MustCompile(`^[A-Za-z0-9_-]{3,64}$`)

// place is a checked sandbox.Place with one sandbox in it.
type place struct {
	folder, id string
}

func (p place) dir() string             { return filepath.Join(p.folder, "boxes", p.id) }
func (p place) path(name string) string { return filepath.Join(p.dir(), name) }
func (p place) runtimeRoot(runtime string) string {
	return filepath.Join(p.folder, "run", runtime)
}

func locate(at sandbox.Place, id string) (place, error) {
	if !filepath.IsAbs(at.Folder) || !idForm.MatchString(id) {
		return place{}, sdk.Errorf(sdk.InvalidInput, "The sandbox's id or its place is not valid.")
	}
	return place{filepath.Clean(at.Folder), id}, nil
}

// load reads a record; fs.ErrNotExist where there is none.
func (p place) load() (record, error) {
	raw, err := os.ReadFile(p.path("record.json"))
	if err != nil {
		return record{}, err
	}
	var r record
	if err := json.Unmarshal(raw, &r); err != nil {
		return record{}, fmt.Errorf("reading the record of %s: %w", p.id, err)
	}
	return r, nil
}

// find is load with a failure for callers.
func (p place) find() (record, error) {
	r, err := p.load()
	if errors.Is(err, fs.ErrNotExist) || err == nil && !r.Ready {
		return r, sdk.Errorf(sdk.NotFound, "There is no such sandbox on this machine.")
	}
	return r, err
}

func (p place) save(r record) error {
	raw, err := json.Marshal(r)
	if err != nil {
		return fmt.Errorf("encoding a record: %w", err)
	}
	return replace(p.path("record.json"), raw)
}

// replace writes a file as a whole, durably.
func replace(path string, content []byte) error {
	f, err := os.OpenFile(path+".new", os.O_CREATE|os.O_TRUNC|os.O_WRONLY, 0o600)
	if err != nil {
		return err
	}
	_, err = f.Write(content)
	if err = errors.Join(err, f.Sync(), f.Close()); err != nil {
		return err
	}
	return os.Rename(path+".new", path)
}
